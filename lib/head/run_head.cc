#include "lib/head/run_head.h"

#include <signal.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/head/head.h"
#include "lib/sys/memory.h"
#include "lib/sys/retry.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

absl::StatusOr<Signals> BlockSignals() {
  return Signals::Block({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2,
                         SIGXCPU, SIGTSTP, SIGWINCH, SIGCONT});
}

void OnSignal(Head& head, int signal) {
  TerminalClient* const terminal = head.terminal();
  switch (signal) {
    case SIGWINCH:
      if (terminal != nullptr) terminal->OnTerminalResized();
      return;
    case SIGCONT:
      if (terminal != nullptr) terminal->OnContinued();
      return;
    case SIGTSTP:  // stopped, head would leave the terminal raw
      return;
    case SIGUSR2:
      return head.BeginUpgrade();
    case SIGHUP:
      if (terminal != nullptr) return head.OnTerminalGone();
      head.RestoreSocket();
      return head.ReopenLogFiles();
    default:
      return head.Stop(sigdescr_np(signal));
  }
}

// Says what the end of head means for its programs: in the log and, where that
// was on a terminal that may have gone, in syslog as well.
void SayGoodbye(const Head& head, bool had_terminal) {
  const std::string kept = head.RunningPrograms(true);
  if (!kept.empty()) {
    Log(Severity::kInfo, "head has ended; ", head.stores().name(),
        " keeps the terminals of ", kept);
  }
  const std::string lost = head.RunningPrograms(false);
  if (lost.empty() && !kept.empty()) return;
  const Severity severity = lost.empty() ? Severity::kInfo : Severity::kWarning;
  const std::string text =
      absl::StrCat("head has ended; ",
                   lost.empty() ? "no program ran"
                                : "these programs lost their terminal and get "
                                  "SIGHUP: ",
                   lost);
  Log(severity, text);
  if (had_terminal && IsSameTerminal(2)) LogToSyslog(severity, text);
}

void StartWatchdog(EventLoop& loop) {
  const absl::Status started = loop.StartWatchdog();
  if (started.ok()) return;
  Log(Severity::kError,
      "a terminal that is made to block holds head up: ", started.message());
}

// `must_go_on`: without its terminal if need be.
absl::Status TakeTerminal(Head& head, bool must_go_on) {
  // A log on the very terminal that shows a program would be written over it.
  if (IsSameTerminal(2)) LogNowhere();
  absl::Status taken = head.TakeTerminal();
  if (taken.ok() || !must_go_on) return taken;
  LogToStandardError();  // nothing of ours is on the terminal
  Log(Severity::kError, "goes on without its terminal: ", taken.message());
  return absl::OkStatus();
}

absl::Status Serve(EventLoop& loop, Head& head, Signals signals) {
  const auto watch_signals = [&] {
    return loop.Add(signals.fd(), Interest::kRead, [&](Ready) {
      while (const int signal = signals.Next()) OnSignal(head, signal);
    });
  };
  Watch watch = watch_signals();
  while (!head.finished()) {
    RETURN_IF_ERROR(loop.RunOnce());
    if (!head.TakeBackgroundRequest()) continue;
    const absl::Status gone =
        GoToBackground([&head] { head.terminal()->GiveBack(); },
                       "[deptyr: head goes on, pid ", "]\n");
    if (!gone.ok()) {
      head.terminal()->Tell(
          absl::StrCat("head can't go to the background: ", gone.message()));
      continue;
    }
    head.LeaveTerminal();
    // A signalfd in an epoll set reports the signals of the process that put it
    // there, and a timer stays with its process.
    watch.Reset();
    ASSIGN_OR_RETURN(signals, RetryForFiveSeconds(BlockSignals));
    watch = watch_signals();
    StartWatchdog(loop);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunHead(HeadOptions options) {
  auto handed_over = TakeHandedOver();
  // Whatever is wrong with it, it isn't the user's command line.
  if (!handed_over.ok()) {
    return absl::InternalError(handed_over.status().message());
  }
  std::optional<HeadState> before;
  if (*handed_over) {
    if ((*handed_over)->trial) return absl::OkStatus();
    before = std::move((*handed_over)->state);
    options.ready_fd = -1;  // the program before has said that it is ready
  }
  const bool must_go_on = before.has_value();
  const bool on_terminal =
      OnTerminal() && !IsDumbTerminal() && !options.headless;
  // Models of screens come and go among small things that last.
  MapLargeBlocks();
  options.limits.descriptors = RaiseDescriptorLimit();
  // The other half is for programs, which come first.
  options.limits.clients = options.limits.descriptors / 2;
  LogToStandardError();
  const auto get = [must_go_on](auto make) {
    return must_go_on ? RetryForFiveSeconds(make) : make();
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop,
                   get(EventLoop::Create));
  // Signals are ours before there is a socket to be removed, and before we say
  // that we are ready.
  ASSIGN_OR_RETURN(Signals signals, get(BlockSignals));
  StartWatchdog(*loop);
  ASSIGN_OR_RETURN(const std::unique_ptr<Head> head,
                   Head::Create(*loop, std::move(options), std::move(before)));
  if (on_terminal) RETURN_IF_ERROR(TakeTerminal(*head, must_go_on));
  RETURN_IF_ERROR(Serve(*loop, *head, std::move(signals)));
  head->GiveTerminalBack();
  if (on_terminal) LogToStandardError();
  SayGoodbye(*head, on_terminal);
  return absl::OkStatus();
}

}  // namespace deptyr
