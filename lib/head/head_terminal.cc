#include "lib/head/head_terminal.h"

#include <utility>

#include "lib/base/status.h"
#include "lib/head/head.h"
#include "lib/sys/retry.h"

namespace deptyr {

absl::Status HeadTerminal::Take(std::optional<char> command_key) {
  const auto before = std::exchange(before_, std::nullopt);
  ASSIGN_OR_RETURN(Terminal terminal, before ? RetryForFiveSeconds([&] {
                     return Terminal::TakeOver(before->terminal);
                   })
                                             : Terminal::Take());
  client_ = std::make_unique<TerminalClient>(loop_, *this, std::move(terminal),
                                             command_key);
  if (before) {
    const auto shown = head_.sessions().find(before->shown);
    client_->GoOn(
        shown == head_.sessions().end() ? nullptr : shown->second.get(),
        before->client, before->leads);
  } else {
    client_->Show(head_.newest());
  }
  return absl::OkStatus();
}

void HeadTerminal::Save(HeadState& state) const {
  if (client_ == nullptr) return;
  const Session* const session = client_->session();
  state.terminal = client_->terminal().Before();
  state.viewer = client_->Save();
  state.viewer_leads =
      session != nullptr && session->audience().leader() == client_.get();
  if (client_->shown() != nullptr) state.shown = client_->shown()->name();
}

void HeadTerminal::Resume(const HeadState& before) {
  if (before.terminal.empty()) return;
  before_ = {.terminal = before.terminal,
             .shown = before.shown,
             .client = before.viewer,
             .leads = before.viewer_leads};
}

std::vector<Session*> HeadTerminal::ListedSessions() const {
  std::vector<Session*> sessions;
  for (const auto& [name, session] : head_.sessions()) {
    sessions.push_back(session.get());
  }
  return sessions;
}

Session* HeadTerminal::DefaultSession() const {
  return head_.newest();
}

const std::string& HeadTerminal::Socket() const {
  return head_.socket();
}

std::string HeadTerminal::ProgramsToLose() const {
  return head_.RunningPrograms(/*kept=*/false);
}

void HeadTerminal::OnBackgroundWanted() {
  head_.RequestBackground();
}

void HeadTerminal::OnQuit() {
  head_.Stop("asked to on its terminal");
}

void HeadTerminal::OnTerminalGone() {
  head_.OnTerminalGone();
}

}  // namespace deptyr
