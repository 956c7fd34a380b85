#include "lib/sys/pty.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include <cstdlib>

#include "lib/base/status.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

// /dev/ptmx has these numbers in every devpts
// (Documentation/admin-guide/devices.txt).
constexpr unsigned kPtmxMajor = 5;
constexpr unsigned kPtmxMinor = 2;

// A session leader that has a terminal already (from a terminal emulator, or
// systemd's StandardInput=tty) must give that up first.  TIOCNOTTY sends SIGHUP
// to the terminal's foreground group, us included, so it is ignored meanwhile.
void GiveUpControllingTerminal() {
  const Fd old(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!old.valid()) return;
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  (void)::sigaction(SIGHUP, &ignore, &before);
  (void)::ioctl(old.get(), TIOCNOTTY);
  // If SIGHUP is blocked it is pending now, ignored or not; ignoring it again
  // discards it.
  (void)::sigaction(SIGHUP, &ignore, nullptr);
  (void)::sigaction(SIGHUP, &before, nullptr);
}

// Leaves the process group this process leads, so that setsid() works.  Usually
// we move into our parent's group.  If that is in another session (we were
// orphaned) or outside our PID namespace, a short-lived child lends us its
// group.
void StopLeadingProcessGroup() {
  // A parent or group outside our PID namespace has the number 0, which
  // setpgid() takes for our own.  It succeeds then and moves us nowhere.
  (void)::setpgid(0, ::getpgid(::getppid()));
  if (::getpgrp() != ::getpid()) return;
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::pause();
    ::_exit(0);
  }
  if (child < 0) return;
  (void)::setpgid(child, child);
  (void)::setpgid(0, child);
  (void)::kill(child, SIGKILL);
  (void)::waitpid(child, nullptr, 0);
}

// Whether the key is this special character, which may be disabled.
bool Is(char key, cc_t character) {
  return character != _POSIX_VDISABLE && static_cast<cc_t>(key) == character;
}

int SignalUnder(const termios& settings, char key) {
  if ((settings.c_lflag & ISIG) == 0) return 0;
  if (Is(key, settings.c_cc[VINTR])) return SIGINT;
  if (Is(key, settings.c_cc[VQUIT])) return SIGQUIT;
  if (Is(key, settings.c_cc[VSUSP])) return SIGTSTP;
  return 0;
}

}  // namespace

absl::StatusOr<Pty> OpenPty(WindowSize size, FlowControl flow) {
  Pty pty;
  pty.controller =
      Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!pty.controller.valid()) {
    return Errno("open a PTY, /dev/ptmx (limit: sysctl kernel.pty.max)");
  }
  // No grantpt(): devpts gives the client end its owner and mode by itself, and
  // glibc's grantpt() wants a path.
  if (::unlockpt(pty.controller.get()) != 0) return Errno("unlock the PTY");
  pty.terminal = Fd(::ioctl(pty.controller.get(), TIOCGPTPEER,
                            O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.terminal.valid()) return Errno("open the PTY's client end");
  RETURN_IF_ERROR(SetWindowSize(pty.controller.get(), size));
  // Every terminal emulator sets this: erasing then takes a whole UTF-8
  // character.
  termios settings{};
  if (::tcgetattr(pty.terminal.get(), &settings) != 0) {
    return Errno("read the PTY's settings");
  }
  settings.c_iflag |= IUTF8;
  if (flow == FlowControl::kOff) {
    settings.c_iflag &= ~static_cast<tcflag_t>(IXON);
  }
  if (::tcsetattr(pty.terminal.get(), TCSANOW, &settings) != 0) {
    return Errno("change the PTY's settings");
  }
  return pty;
}

absl::Status BecomeTerminalProcess(int terminal, absl::Span<const int> fds) {
  if (::getsid(0) == ::getpid()) {
    GiveUpControllingTerminal();
  } else {
    if (::getpgrp() == ::getpid()) StopLeadingProcessGroup();
    if (::setsid() < 0) return Errno("start a session");
  }
  if (::ioctl(terminal, TIOCSCTTY, 0) != 0) {
    return Errno("make the PTY the controlling terminal");
  }
  for (const int fd : fds) {
    if (::dup2(terminal, fd) < 0) return Errno("put the PTY on fd ", fd);
  }
  return absl::OkStatus();
}

std::string TermForNewTerminal() {
  const char* const inherited = std::getenv("TERM");
  std::string term = inherited == nullptr ? "" : inherited;
  return IsDumbTerminal() || term == "linux" ? "xterm-256color" : term;
}

void SetTerminalVariables(const std::string& term) {
  (void)::setenv("TERM", term.c_str(), 1);
  (void)::unsetenv("LINES");
  (void)::unsetenv("COLUMNS");
}

absl::StatusOr<bool> IsController(int fd) {
  // A stranger may have sent a file of their own FUSE server, which answers an
  // ioctl or a plain fstat when it likes.  This call asks nobody.
  struct statx file {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (::statx(fd, "", kFlags, STATX_TYPE, &file) != 0) {
    if (errno == EBADF) return false;
    return Errno("look at a descriptor");
  }
  unsigned number = 0;
  return S_ISCHR(file.stx_mode) && file.stx_rdev_major == kPtmxMajor &&
         file.stx_rdev_minor == kPtmxMinor &&
         ::ioctl(fd, TIOCGPTN, &number) == 0;
}

int SignalOf(int controller, char character) {
  termios settings{};
  return ::tcgetattr(controller, &settings) == 0
             ? SignalUnder(settings, character)
             : 0;
}

bool HidesTyping(int controller) {
  termios settings{};
  return ::tcgetattr(controller, &settings) == 0 &&
         (settings.c_lflag & ICANON) != 0 && (settings.c_lflag & ECHO) == 0;
}

// It follows n_tty_receive_char_special() in Linux's drivers/tty/n_tty.c.
Flow FlowAfter(int controller, absl::string_view keys) {
  termios settings{};
  Flow flow = Flow::kUnchanged;
  if (::tcgetattr(controller, &settings) != 0 ||
      (settings.c_iflag & IXON) == 0) {
    return flow;
  }
  const bool any = (settings.c_iflag & IXANY) != 0;
  for (const char key : keys) {
    const bool starts = Is(key, settings.c_cc[VSTART]);
    if (!starts && Is(key, settings.c_cc[VSTOP])) {
      flow = Flow::kStopped;
    } else if (starts || any || SignalUnder(settings, key) != 0) {
      flow = Flow::kResumed;
    }
  }
  return flow;
}

std::optional<char> ResumeKey(int controller) {
  termios settings{};
  if (::tcgetattr(controller, &settings) != 0 ||
      (settings.c_iflag & IXON) == 0) {
    return std::nullopt;
  }
  return static_cast<char>(settings.c_cc[VSTART]);
}

absl::Status SignalForeground(int controller, int signal) {
  return ::ioctl(controller, TIOCSIG, signal) == 0
             ? absl::OkStatus()
             : Errno("signal a terminal's foreground group");
}

absl::StatusOr<WindowSize> GetWindowSize(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) {
    return Errno("ask a terminal's size");
  }
  return WindowSize{size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel};
}

absl::StatusOr<WindowSize> SizeOfOwnTerminal() {
  for (const int fd : kStandardFds) {
    if (IsTerminal(fd)) return GetWindowSize(fd);
  }
  return absl::NotFoundError("no terminal");
}

absl::Status SetWindowSize(int fd, WindowSize size) {
  const winsize raw{size.rows, size.cols, size.xpixels, size.ypixels};
  return ::ioctl(fd, TIOCSWINSZ, &raw) == 0 ? absl::OkStatus()
                                            : Errno("set a PTY's size");
}

}  // namespace deptyr
