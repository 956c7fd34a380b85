#include "lib/attach/choose_session.h"

#include <signal.h>

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "lib/attach/ask.h"
#include "lib/attach/chooser.h"
#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/io.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

absl::StatusOr<std::vector<KeyValues>> OwnSessions(const std::string& head) {
  ASSIGN_OR_RETURN(std::vector<KeyValues> sessions,
                   AskForItems(head, {.what = "sessions", .fields = {}}));
  const std::string own = UidText(OwnUid());
  const auto is_others = [&own](const KeyValues& session) {
    return ValueOf(session, "uid") != own;
  };
  std::erase_if(sessions, is_others);
  return sessions;
}

std::vector<Chooser::Choice> ThoseThatRun(
    const std::vector<KeyValues>& sessions) {
  std::vector<Chooser::Choice> found;
  for (const KeyValues& session : sessions) {
    if (ValueOf(session, "state") != "running") continue;
    found.push_back(
        {std::string(ValueOf(session, "name")),
         Printable(absl::StrJoin(SplitArgv(ValueOf(session, "argv")), " "))});
  }
  return found;
}

// The one whose program ended last.  One whose program never ran, because it
// could not be executed, has nothing to show.
absl::StatusOr<std::string> LastToEnd(const std::vector<KeyValues>& sessions) {
  std::string name;
  int64_t latest = -1;
  for (const KeyValues& session : sessions) {
    int64_t since = 0;
    if (ValueOf(session, "bytes") != "0" &&
        absl::SimpleAtoi(ValueOf(session, "since"), &since) && since > latest) {
      latest = since;
      name = std::string(ValueOf(session, "name"));
    }
  }
  if (!name.empty()) return name;
  return absl::NotFoundError(
      "none of your sessions runs, and none has shown anything; deptyr ls "
      "lists them, and deptyr run PROGRAM starts one");
}

// Shows the list until something is chosen.
absl::StatusOr<std::optional<std::string>> ChooseOnTerminal(
    std::vector<Chooser::Choice> choices) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Signals signals,
                   Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP,
                                   SIGCONT, SIGWINCH}));
  ASSIGN_OR_RETURN(Terminal terminal, Terminal::Take());
  Chooser chooser(std::move(choices));
  auto state = Chooser::State::kOpen;
  const auto draw = [&] {
    const auto size = GetWindowSize(terminal.fd());
    (void)WriteSome(terminal.fd(), chooser.Draw(size.value_or(WindowSize())));
  };
  const Watch keys = loop->Add(terminal.fd(), Interest::kRead, [&](Ready) {
    std::array<char, 256> room;
    const IoResult read = ReadSome(terminal.fd(), room);
    if (read.state == IoState::kWouldBlock) return;
    state = read.state == IoState::kDone
                ? chooser.Take({room.data(), read.bytes})
                : Chooser::State::kCancelled;
    if (state == Chooser::State::kOpen) draw();
  });
  const auto on_signal = [&](int signal) {
    if (signal == SIGWINCH || signal == SIGCONT) {
      draw();
    } else if (signal != SIGTSTP) {
      state = Chooser::State::kCancelled;
    }
  };
  draw();
  RETURN_IF_ERROR(RunWithSignals(*loop, signals, on_signal, [&state] {
    return state != Chooser::State::kOpen;
  }));
  (void)WriteSome(terminal.fd(), Chooser::kErase);
  terminal.Restore();
  if (state == Chooser::State::kCancelled) return std::nullopt;
  return chooser.chosen();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ChooseSession(
    const std::string& head) {
  ASSIGN_OR_RETURN(const std::vector<KeyValues> own, OwnSessions(head));
  if (own.empty()) return "";
  std::vector<Chooser::Choice> running = ThoseThatRun(own);
  if (running.empty()) return LastToEnd(own);
  if (running.size() == 1) return running[0].name;
  if (OnTerminal() && !IsDumbTerminal()) {
    return ChooseOnTerminal(std::move(running));
  }
  const auto name = [](std::string* out, const Chooser::Choice& choice) {
    absl::StrAppend(out, choice.name);
  };
  return absl::InvalidArgumentError(
      absl::StrCat("several sessions run; say which SESSION: ",
                   absl::StrJoin(running, ", ", name)));
}

}  // namespace deptyr
