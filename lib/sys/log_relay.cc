#include "lib/sys/log_relay.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "absl/strings/string_view.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr int kFrom = 0;
constexpr int kTo = 1;

bool WriteAll(absl::string_view bytes) {
  while (!bytes.empty()) {
    const IoResult wrote = WriteSome(kTo, bytes);
    if (wrote.state != IoState::kDone) return false;
    bytes.remove_prefix(wrote.bytes);
  }
  return true;
}

// Only async-signal-safe calls are made here, as after any fork.
[[noreturn]] void Relay(int from, int log) {
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) {
    (void)::signal(signal, SIG_IGN);
  }
  (void)::prctl(PR_SET_NAME, "deptyr-log");
  (void)::setsid();
  (void)!::chdir("/");
  const int to = ::fcntl(log, F_DUPFD, kTo + 1);
  (void)::dup2(from, kFrom);
  (void)::dup2(to, kTo);
  (void)::close_range(kTo + 1, ~0U, 0);
  std::array<char, 16384> room;
  for (;;) {
    const IoResult got = ReadSome(kFrom, room);
    if (got.state != IoState::kDone) break;
    if (!WriteAll({room.data(), got.bytes})) break;
  }
  ::_exit(0);
}

}  // namespace

bool IsJournal(int fd) {
  struct stat file {};
  return std::getenv("JOURNAL_STREAM") != nullptr && ::fstat(fd, &file) == 0 &&
         S_ISSOCK(file.st_mode);
}

absl::StatusOr<Fd> StartLogRelay(int log) {
  ASSIGN_OR_RETURN(PipeEnds pipe, MakePipe());
  RETURN_IF_ERROR(SetNonBlocking(pipe.in.get()));
  const pid_t child = ::fork();
  if (child < 0) return Errno("start a relay for the log");
  if (child == 0) {
    // Its parent goes at once, so that the program has no child of ours.
    if (::fork() == 0) Relay(pipe.out.get(), log);
    ::_exit(0);
  }
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return std::move(pipe.in);
}

}  // namespace deptyr
