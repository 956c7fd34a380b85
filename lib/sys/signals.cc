#include "lib/sys/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <utility>

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
  (void)::signal(SIGPIPE, SIG_IGN);
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

}  // namespace deptyr
