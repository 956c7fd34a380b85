#include "lib/sys/daemon.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <array>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/argv.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/signals.h"

namespace deptyr {
namespace {

// Becomes the daemon.  `ready` and `said` become its descriptors.
[[noreturn]] void Become(const std::string& program,
                         const std::vector<char*>& words, int ready, int said) {
  (void)::setsid();  // it can't fail: a new child leads no group
  (void)!::chdir("/");
  ResetSignals();
  for (const char* const told :
       {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
        "WATCHDOG_PID", "WATCHDOG_USEC", "FDSTORE"}) {
    (void)::unsetenv(told);
  }
  // None of these may have a number that another is to get.
  constexpr int kOutOfTheWay = kDaemonReadyFd + 1;
  const int error = ::fcntl(said, F_DUPFD_CLOEXEC, kOutOfTheWay);
  const int tells = ::fcntl(ready, F_DUPFD_CLOEXEC, kOutOfTheWay);
  (void)::dup2(error, STDERR_FILENO);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  (void)::dup2(null.get(), STDIN_FILENO);
  (void)::dup2(null.get(), STDOUT_FILENO);
  (void)::dup2(tells, kDaemonReadyFd);
  // Before Linux 5.11 there is no such flag; ours are close-on-exec anyway.
  constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
  (void)::syscall(SYS_close_range, kDaemonReadyFd + 1, ~0U, kCloseOnExec);
  (void)::execv(program.c_str(), words.data());
  const absl::Status why = Errno("execute ", program);
  (void)!::write(STDERR_FILENO, why.message().data(), why.message().size());
  ::_exit(kNotFound);
}

// Its last line.
std::string LastWords(int said) {
  std::string text;
  std::array<char, 4096> room;
  ssize_t count = 0;
  while ((count = TEMP_FAILURE_RETRY(::read(said, room.data(), room.size()))) >
         0) {
    text.append(room.data(), static_cast<size_t>(count));
  }
  absl::StripTrailingAsciiWhitespace(&text);
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

absl::Status StartDaemon(const std::string& program,
                         const std::vector<std::string>& argv,
                         absl::Duration patience) {
  ASSIGN_OR_RETURN(PipeEnds ready, MakePipe());
  ASSIGN_OR_RETURN(PipeEnds said, MakePipe());
  const std::vector<char*> words = ExecArgv(argv);
  const pid_t pid = ::fork();
  if (pid < 0) return Errno("start ", program);
  if (pid == 0) Become(program, words, ready.in.get(), said.in.get());
  ASSIGN_OR_RETURN(const Child child, HoldChild(pid));
  ready.in.Reset();
  said.in.Reset();
  pollfd wait{ready.out.get(), POLLIN, 0};
  const auto limit = static_cast<int>(absl::ToInt64Milliseconds(patience));
  if (TEMP_FAILURE_RETRY(::poll(&wait, 1, limit)) != 1) {
    (void)SendSignal(child.pidfd.get(), SIGKILL);
    (void)AwaitChild(child.pidfd.get());
    return absl::UnavailableError(
        absl::StrCat(argv[0], " was not ready within ",
                     absl::FormatDuration(patience), ", and was killed"));
  }
  char byte = 0;
  if (TEMP_FAILURE_RETRY(::read(ready.out.get(), &byte, 1)) == 1) {
    return absl::OkStatus();
  }
  const std::string last = LastWords(said.out.get());
  (void)AwaitChild(child.pidfd.get());
  return absl::UnavailableError(
      last.empty() ? absl::StrCat(argv[0], " ended before it was ready")
                   : last);
}

}  // namespace deptyr
