#include "lib/sys/background.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/fd.h"

namespace deptyr {

absl::Status GoToBackground(absl::FunctionRef<void()> leave,
                            absl::string_view before, absl::string_view after) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Errno("make a pipe");
  Fd wait(ends[0]);
  Fd go(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return Errno("start another process");
  if (child > 0) {
    // If we lead the terminal's session, our end hangs up everybody in it, so
    // we don't end before the child has left.
    go.Reset();
    char byte = 0;
    while (::read(wait.get(), &byte, 1) < 0 && errno == EINTR) {
    }
    const std::string text = absl::StrCat(before, child, after);
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
    // We don't call exit(), because its destructors would end things that go on
    // in the child.
    ::_exit(0);
  }
  leave();
  (void)::setsid();  // it can't fail: a new child leads no group
  wait.Reset();
  go.Reset();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::isatty(fd) == 1) (void)::dup2(null.get(), fd);
  }
  return absl::OkStatus();
}

}  // namespace deptyr
