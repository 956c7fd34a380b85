#include "lib/body/body.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/base/argv.h"
#include "lib/base/backoff.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/folder.h"
#include "lib/sys/head_socket.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/log_relay.h"
#include "lib/sys/log_sink.h"
#include "lib/sys/signals.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/message_inbox.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

using Clock = std::chrono::steady_clock;  // clock jumps don't move deadlines

// One attempt to connect waits this long for room in head's backlog.
constexpr absl::Duration kMoment = absl::Seconds(2);
// A head that is there and takes this long is told of: one to which a thousand
// programs come at once takes seconds.
constexpr absl::Duration kSilence = absl::Seconds(10);

// It knows how long body still waits for head, and tells the log so.
class Patience {
 public:
  Patience(absl::Duration wait, std::string caller, const OriginalStderr& log)
      : wait_(wait),
        caller_(std::move(caller)),
        deadline_(Clock::now() + absl::ToChronoNanoseconds(wait)),
        log_(log) {}

  absl::Duration left() const {
    return absl::FromChrono(deadline_ - Clock::now());
  }
  // Says once that we wait, and for what.
  void Say(absl::string_view why) {
    if (std::exchange(said_, true)) return;
    log_.Say(absl::StrCat(caller_, "waiting up to ",
                          absl::FormatDuration(wait_), " for head: ", why),
             Severity::kNotice);
  }

 private:
  const absl::Duration wait_;
  const std::string caller_;  // "deptyr body: "
  const Clock::time_point deadline_;
  const OriginalStderr& log_;
  bool said_ = false;
};

// Waits for head's answer to our registration.
absl::StatusOr<Accepted> AwaitAcceptance(int head, const std::string& socket,
                                         Patience& patience) {
  // Even with --wait 0 a head that is there gets a moment to answer.
  absl::Duration left = std::max(patience.left(), absl::Seconds(5));
  const absl::Duration in_all = left;
  const absl::Duration silence = std::min(left, kSilence);
  left -= silence;
  RETURN_IF_ERROR(SetTimeouts(head, silence));
  MessageInbox inbox;
  for (;;) {
    std::array<char, 4096> room;
    const FdMessage got = ReceiveWithFds(head, room);
    if (got.io.state == IoState::kWouldBlock) {
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(NoAnswer(head, socket, in_all));
      }
      if (patience.left() > absl::ZeroDuration()) {
        patience.Say(
            absl::StrCat("it does not answer at ", socket, "; is it stopped?"));
      }
      RETURN_IF_ERROR(
          SetTimeouts(head, std::exchange(left, absl::ZeroDuration())));
      continue;
    }
    if (got.io.state != IoState::kDone) {
      return absl::UnavailableError("head went away without an answer");
    }
    inbox.Append({room.data(), got.io.bytes});
    const auto message = inbox.Take();
    if (!message.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("whoever serves the socket is not a deptyr head: ",
                       message.status().message()));
    }
    if (!message->has_value()) continue;
    if (const auto* accepted = std::get_if<Accepted>(&**message)) {
      return *accepted;
    }
    if (const auto* refused = std::get_if<Refused>(&**message)) {
      const std::string text = absl::StrCat("head refused: ", refused->text);
      // The next head may take us.
      if (refused->code == kRefusedStopping) {
        return absl::UnavailableError(text);
      }
      // We can have head, but not this name.
      if (refused->code == kRefusedNameTaken ||
          refused->code == kRefusedNotOwner) {
        return absl::AlreadyExistsError(text);
      }
      return absl::FailedPreconditionError(text);
    }
    return absl::FailedPreconditionError("head answered something else");
  }
}

// Gives head the log that our supervisor has for us.  The program runs without
// one, too.
void SendOurLog(int head, const std::string& style) {
  if (style.empty()) return;
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    if (!IsLog(fd)) continue;
    const auto relay =
        IsJournal(fd) ? StartLogRelay(fd) : absl::StatusOr<Fd>(Duplicate(fd));
    if (!relay.ok()) return;
    (void)SendWithFd(head, Encode(SendLog{.style = style}), relay->get());
    return;
  }
}

struct Registered {
  std::string name;
  std::string socket;
  Fd head;
  Pty pty;
};

// Tries once.  Unavailable means that another attempt may do better.
absl::StatusOr<Registered> TryToRegister(const BodyOptions& options,
                                         const std::string& name,
                                         const std::string& term,
                                         Patience& patience) {
  Registered result;
  result.name = name;
  result.socket = HeadSocket(options.socket);
  // If its backlog stays full, the next attempt goes on waiting.
  ASSIGN_OR_RETURN(result.head,
                   Connect(result.socket, std::min(patience.left(), kMoment)));
  auto pty = OpenPty(options.size, options.flow);
  if (!pty.ok()) return absl::ResourceExhaustedError(pty.status().message());
  result.pty = *std::move(pty);
  RETURN_IF_ERROR(SetTimeouts(result.head.get(), kMoment));
  RETURN_IF_ERROR(SendWithFd(result.head.get(),
                             Encode(Register{.name = name,
                                             .rows = options.size.rows,
                                             .cols = options.size.cols,
                                             .term = term,
                                             .argv = options.program,
                                             .replace = options.replace,
                                             .size_policy = options.size_policy,
                                             .writers = options.writers}),
                             result.pty.controller.get()));
  ASSIGN_OR_RETURN(const Accepted accepted,
                   AwaitAcceptance(result.head.get(), result.socket, patience));
  if (accepted.log.value_or(false)) SendOurLog(result.head.get(), options.log);
  return result;
}

// Waits for a head that isn't there, or goes away before it answers: the
// supervisor starts both, in any order.
absl::StatusOr<Registered> RegisterAtHead(const BodyOptions& options,
                                          const std::string& term,
                                          const OriginalStderr& log) {
  Patience patience(options.wait, absl::StrCat(options.caller, ": "), log);
  std::string name = options.name;
  int same = 1;  // how many have this name, with us
  Backoff backoff = kHeadBackoff;
  for (;;) {
    auto result = TryToRegister(options, name, term, patience);
    if (options.numbers_name && absl::IsAlreadyExists(result.status()) &&
        same < kMostOfOneName) {
      name = NumberedName(options.name, ++same);
      continue;
    }
    const absl::Duration pause = backoff.Next();
    if (!absl::IsUnavailable(result.status()) || patience.left() <= pause) {
      return result;
    }
    patience.Say(result.status().message());
    absl::SleepFor(pause);
  }
}

// Returns only if it failed, with the message and the exit status.
std::pair<std::string, int> Execute(const std::vector<std::string>& program) {
  (void)::execvp(program[0].c_str(), ExecArgv(program).data());
  const int error = errno;
  return {absl::StrCat("execute ", program[0], ": ", strerrordesc_np(error)),
          ExitCodeForExec(error)};
}

}  // namespace

int RunBody(const BodyOptions& options) {
  const OriginalStderr log;
  const auto fail = [&](absl::string_view what, int status) {
    log.Say(absl::StrCat(options.caller, ": ", what));
    return status;
  };
  const std::string term =
      options.term.empty() ? TermForNewTerminal() : options.term;
  absl::StatusOr<Registered> registered = RegisterAtHead(options, term, log);
  if (!registered.ok()) {
    const absl::Status& why = registered.status();
    if (!options.fallback || absl::IsInvalidArgument(why) ||
        absl::IsAlreadyExists(why)) {
      return fail(why.message(), ExitCodeFor(why));
    }
    log.Say(absl::StrCat(options.caller, ": running ", options.program[0],
                         " without a terminal: ", why.message()),
            Severity::kWarning);
    const auto [text, status] = Execute(options.program);
    return fail(text, status);
  }
  // Head's copy of the controlling end must be the last, so that the terminal
  // goes when head does.
  registered->pty.controller.Reset();
  const auto tell_both = [&](const std::string& text, int status) {
    // Viewers are told why, too, but the supervisor's log matters more.
    (void)SendWithFd(registered->head.get(), Encode(ExecFailed{text}), -1);
    return options.tells_exec_failure ? fail(text, status) : status;
  };
  if (options.once_accepted) {
    const absl::Status go = options.once_accepted(registered->name);
    if (!go.ok()) return tell_both(std::string(go.message()), kSystemError);
  }
  SetTerminalVariables(term);
  (void)setenv("DEPTYR_SESSION", registered->name.c_str(), 1);
  (void)setenv("DEPTYR_SOCKET", AbsolutePath(registered->socket).c_str(), 1);
  const absl::Status ready =
      BecomeTerminalProcess(registered->pty.terminal.get());
  if (!ready.ok()) {
    return tell_both(absl::StrCat(ready.message(), "; has head gone?"),
                     kSystemError);
  }
  if (!options.keep_signals) RestoreTerminalSignals();
  const auto [text, status] = Execute(options.program);
  return tell_both(text, status);
}

}  // namespace deptyr
