#include "lib/head/head_terminal.h"

#include <utility>

#include "lib/base/status.h"
#include "lib/sys/retry.h"

namespace deptyr {

absl::Status HeadTerminal::Take(std::optional<char> command_key) {
  const auto before = std::exchange(before_, std::nullopt);
  ASSIGN_OR_RETURN(Terminal terminal, before ? RetryForFiveSeconds([&] {
                     return Terminal::TakeOver(before->terminal);
                   })
                                             : Terminal::Take());
  client_ = std::make_unique<TerminalClient>(loop_, owner_, std::move(terminal),
                                             command_key);
  if (before) {
    client_->GoOn(sessions_.Find(before->shown), before->client, before->leads);
  } else {
    client_->Show(owner_.DefaultSession());
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

}  // namespace deptyr
