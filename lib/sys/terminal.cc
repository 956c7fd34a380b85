#include "lib/sys/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// These are for the handler of fatal signals, which can reach nothing else.
int fatal_fd = -1;
termios fatal_settings;
struct sigaction fatal_before[std::size(kFatal)];

void RestoreHandlers() {
  for (size_t i = 0; i < std::size(kFatal); ++i) {
    (void)::sigaction(kFatal[i], &fatal_before[i], nullptr);
  }
}

// Makes only async-signal-safe calls (signal-safety(7)).
void RestoreAndDie(int signal) {
  (void)!::write(fatal_fd, kLeaveAlternateScreen,
                 sizeof kLeaveAlternateScreen - 1);
  (void)!::write(fatal_fd, kResetModes, sizeof kResetModes - 1);
  (void)::tcsetattr(fatal_fd, TCSANOW, &fatal_settings);
  RestoreHandlers();
  (void)::raise(signal);  // now as it would have been without us
}

void RestoreOnFatalSignals(int fd, const termios& settings) {
  fatal_fd = fd;
  fatal_settings = settings;
  struct sigaction action {};
  action.sa_handler = RestoreAndDie;
  for (size_t i = 0; i < std::size(kFatal); ++i) {
    (void)::sigaction(kFatal[i], &action, &fatal_before[i]);
  }
}

// A terminal that is stopped (^S) takes nothing; we wait no longer than
// `patience` for it.
void WriteFully(int fd, absl::string_view text, absl::Duration patience) {
  while (!text.empty()) {
    const IoResult wrote = WriteSome(fd, text);
    text.remove_prefix(wrote.bytes);
    if (wrote.state == IoState::kDone) continue;
    pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
    const auto wait = static_cast<int>(absl::ToInt64Milliseconds(patience));
    if (wrote.state != IoState::kWouldBlock || ::poll(&room, 1, wait) != 1) {
      return;
    }
  }
}

}  // namespace

bool OnTerminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

bool IsSameTerminal(int fd) {
  struct stat a {};
  struct stat b {};
  return ::isatty(fd) == 1 && ::fstat(fd, &a) == 0 &&
         ::fstat(STDOUT_FILENO, &b) == 0 && a.st_rdev == b.st_rdev;
}

Terminal::Terminal(Fd fd, const termios& before)
    : fd_(std::move(fd)), before_(before) {}

absl::StatusOr<Fd> Terminal::Open() {
  Fd fd(::open("/proc/self/fd/1", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    fd = Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  }
  if (fd.valid()) return fd;
  const bool gone = errno == EIO || errno == ENXIO;
  const absl::Status status = Errno("open the terminal");
  return gone ? absl::NotFoundError(status.message()) : status;
}

absl::StatusOr<Terminal> Terminal::Take() {
  ASSIGN_OR_RETURN(Fd fd, Open());
  termios before{};
  if (::tcgetattr(fd.get(), &before) != 0) {
    return Errno("read the terminal's settings");
  }
  Terminal terminal(std::move(fd), before);
  RETURN_IF_ERROR(terminal.MakeRaw());
  RestoreOnFatalSignals(terminal.fd(), before);
  return terminal;
}

absl::StatusOr<Terminal> Terminal::TakeOver(absl::string_view before) {
  termios settings{};
  if (before.size() != sizeof settings) {
    return absl::InvalidArgumentError("not a terminal's settings");
  }
  std::memcpy(&settings, before.data(), sizeof settings);
  ASSIGN_OR_RETURN(Fd fd, Open());
  Terminal terminal(std::move(fd), settings);
  (void)terminal.MakeRaw();  // as the other left it
  RestoreOnFatalSignals(terminal.fd(), settings);
  return terminal;
}

std::string Terminal::Before() const {
  return std::string(reinterpret_cast<const char*>(&before_), sizeof before_);
}

absl::Status Terminal::MakeRaw() const {
  termios raw = before_;
  ::cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(fd_.get(), TCSANOW, &raw) != 0) {
    return Errno("make the terminal raw");
  }
  return absl::OkStatus();
}

std::string ResetModesInPlace() {
  // To reset the scroll region or the origin sends the cursor home, so it is
  // saved before (ESC 7) and restored after (ESC 8), with the attributes it
  // had.
  return absl::StrCat("\x1b\x37", kResetModes, "\x1b\x38\x1b[m\x1b(B");
}

std::string ResetAndClear() {
  constexpr char kCancel[] = "\x18";
  return absl::StrCat(kCancel, kLeaveAlternateScreen, kResetModes,
                      "\x1b[H\x1b[2J");
}

bool IsTerminal(int fd) {
  return ::isatty(fd) == 1;
}

void Terminal::GiveBack(absl::Duration patience) {
  if (!fd_.valid()) return;
  WriteFully(fd_.get(),
             absl::StrCat(kLeaveAlternateScreen, kResetModes, "\r\n"),
             patience);
  (void)::tcsetattr(fd_.get(), TCSANOW, &before_);
  RestoreHandlers();
  fd_.Reset();
}

}  // namespace deptyr
