#include "lib/sys/inherited_fds.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/sys/unix_socket.h"

namespace deptyr {

std::vector<InheritedFd> TakeInheritedFds() {
  constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
  std::vector<InheritedFd> result;
  const char* pid_text = std::getenv("LISTEN_PID");
  const char* count_text = std::getenv("LISTEN_FDS");
  const char* names_text = std::getenv("LISTEN_FDNAMES");
  pid_t pid = 0;
  int count = 0;
  if (pid_text != nullptr && count_text != nullptr &&
      absl::SimpleAtoi(pid_text, &pid) && pid == ::getpid() &&
      absl::SimpleAtoi(count_text, &count)) {
    const std::vector<std::string> names = absl::StrSplit(
        names_text == nullptr ? "" : names_text, ':', absl::AllowEmpty());
    for (int i = 0; i < count; ++i) {
      const int fd = kFirst + i;
      if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) break;  // not open
      const size_t n = static_cast<size_t>(i);
      result.push_back({Fd(fd), n < names.size() ? names[n] : ""});
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
    (void)::unsetenv(name);
  }
  if (ListeningPath(STDIN_FILENO)) {
    result.push_back({Duplicate(STDIN_FILENO), ""});
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    (void)::dup2(null.get(), STDIN_FILENO);
  }
  return result;
}

}  // namespace deptyr
