#include "lib/sys/signals.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"

namespace deptyr {

absl::StatusOr<Signals> Signals::Block(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) {
    ::sigaddset(&set, signal);
    // A shell starts background jobs with SIGINT ignored, and an ignored
    // signal never reaches a signalfd.
    (void)::signal(signal, SIG_DFL);
  }
  IgnoreWriteSignals();
  (void)::signal(SIGCHLD, SIG_DFL);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
    return Errno("block signals");
  }
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd.valid()) return Errno("make a signalfd");
  return Signals(std::move(fd));
}

int Signals::Next() {
  signalfd_siginfo info{};
  return ::read(fd_.get(), &info, sizeof info) == sizeof info
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

absl::Status RunWithSignals(EventLoop& loop, Signals& signals,
                            absl::FunctionRef<void(int)> on_signal,
                            absl::FunctionRef<bool()> finished) {
  const Watch watch = loop.Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (const int signal = signals.Next()) on_signal(signal);
  });
  while (!finished()) RETURN_IF_ERROR(loop.RunOnce());
  return absl::OkStatus();
}

void IgnoreWriteSignals() {
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
}

void RestoreTerminalSignals() {
  for (const int signal : {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU}) {
    (void)::signal(signal, SIG_DFL);
  }
}

void ResetSignals() {
  for (int signal = 1; signal < NSIG; ++signal) {
    (void)::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

int SignalNumber(absl::string_view text) {
  int number = 0;
  if (absl::SimpleAtoi(text, &number)) {
    return number > 0 && number <= SIGRTMAX ? number : 0;
  }
  (void)absl::ConsumePrefix(&text, "SIG");
  for (number = 1; number < NSIG; ++number) {
    const char* const name = ::sigabbrev_np(number);
    if (name != nullptr && text == name) return number;
  }
  return 0;
}

void StopSelf() {
  (void)::raise(SIGSTOP);
}

}  // namespace deptyr
