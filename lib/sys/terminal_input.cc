#include "lib/sys/terminal_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

// The link leads to the very file that the process has, whatever is mounted at
// /dev/pts here.  Nothing but a terminal is opened: that could have effects.
Fd OpenTerminalOf(pid_t pid) {
  constexpr unsigned kFirstPtyMajor = 136;
  constexpr unsigned kLastPtyMajor = 143;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    const std::string path = absl::StrCat("/proc/", pid, "/fd/", fd);
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0 || !S_ISCHR(file.st_mode) ||
        major(file.st_rdev) < kFirstPtyMajor ||
        major(file.st_rdev) > kLastPtyMajor) {
      continue;
    }
    return Fd(
        ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  }
  return Fd();
}

}  // namespace

std::optional<TerminalInput> LookAtInput(pid_t pid) {
  const Fd terminal = OpenTerminalOf(pid);
  termios settings{};
  if (!terminal.valid() || ::tcgetattr(terminal.get(), &settings) != 0) {
    return std::nullopt;
  }
  return TerminalInput{.unread = BytesReadable(terminal.get()),
                       .reads_lines = (settings.c_lflag & ICANON) != 0,
                       .echoes = (settings.c_lflag & ECHO) != 0};
}

}  // namespace deptyr
