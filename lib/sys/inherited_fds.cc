#include "lib/sys/inherited_fds.h"

#include <signal.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/sys/unix_socket.h"

namespace deptyr {

std::vector<InheritedFd> TakeInheritedFds() {
  constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
  const auto variable = [](const char* name) {
    const char* const text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  std::vector<InheritedFd> result;
  pid_t pid = 0;
  size_t count = 0;
  if (absl::SimpleAtoi(variable("LISTEN_PID"), &pid) && pid == ::getpid() &&
      absl::SimpleAtoi(variable("LISTEN_FDS"), &count)) {
    const std::vector<std::string> names =
        absl::StrSplit(variable("LISTEN_FDNAMES"), ':');
    for (size_t i = 0; i < count; ++i) {
      const int fd = kFirst + static_cast<int>(i);
      if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) break;  // not open
      result.push_back({Fd(fd), i < names.size() ? names[i] : ""});
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

OriginalStderr::OriginalStderr() : fd_(Duplicate(STDERR_FILENO)) {
  for (;;) {
    // open() takes the lowest free number; close-on-exec frees it again later.
    Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null.valid() || null.get() > STDERR_FILENO) return;
    (void)null.Release();
  }
}

void OriginalStderr::Say(absl::string_view line, Severity severity) const {
  if (!fd_.valid()) return;
  const std::string text =
      absl::StrCat(JournalPrefix(fd_.get(), severity), Printable(line), "\n");
  // A log that has reached its size limit is no reason to die.
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  (void)!::write(fd_.get(), text.data(), text.size());
  if (before != SIG_ERR) (void)::signal(SIGXFSZ, before);
}

}  // namespace deptyr
