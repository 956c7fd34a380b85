#include "lib/sys/terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

// These are for the handler of fatal signals, which can reach nothing else.
int fatal_fd = -1;
termios fatal_settings;
struct sigaction fatal_before[NSIG];

void RestoreHandlers() {
  for (const int signal : kFatal) {
    (void)::sigaction(signal, &fatal_before[signal], nullptr);
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
  for (const int signal : kFatal) {
    (void)::sigaction(signal, &action, &fatal_before[signal]);
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

// A terminal sends its answer after all that it sent before.  The bytes that
// follow the answer are left for others to read.
void DropLateInput(int fd) {
  constexpr absl::string_view kQuestion = "\x1b[5n";
  constexpr absl::string_view kAnswer = "\x1b[0n";
  constexpr std::chrono::milliseconds kPatience(300);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  WriteFully(fd, kQuestion, absl::ZeroDuration());
  for (size_t matched = 0; matched < kAnswer.size();) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd input{.fd = fd, .events = POLLIN, .revents = 0};
    const auto wait = static_cast<int>(std::max<int64_t>(left.count(), 0));
    std::array<char, 1> c{};
    if (::poll(&input, 1, wait) != 1 || ReadSome(fd, c).bytes != 1) return;
    if (c[0] != kAnswer[matched]) matched = 0;
    if (c[0] == kAnswer[matched]) ++matched;
  }
}

absl::StatusOr<Fd> OpenOwnTerminal() {
  constexpr int kFlags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  Fd fd(::open("/proc/self/fd/1", kFlags));
  if (!fd.valid()) fd = Fd(::open("/dev/tty", kFlags));
  if (fd.valid()) return fd;
  const bool gone = errno == EIO || errno == ENXIO;
  const absl::Status status = Errno("open the terminal");
  return gone ? absl::NotFoundError(status.message()) : status;
}

}  // namespace

bool IsTerminal(int fd) {
  return ::isatty(fd) == 1;
}

bool OnTerminal() {
  return IsTerminal(STDIN_FILENO) && IsTerminal(STDOUT_FILENO);
}

bool IsDumbTerminal() {
  const char* const term = std::getenv("TERM");
  constexpr absl::string_view kDumb[] = {"", "dumb", "unknown"};
  return absl::c_linear_search(kDumb, term == nullptr ? "" : term);
}

bool HasTitle() {
  return !IsDumbTerminal() && !absl::StartsWith(std::getenv("TERM"), "linux");
}

bool ShowsUtf8() {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = absl::AsciiStrToLower(FromEnvironment(name));
  }
  return absl::StrContains(locale, "utf-8") ||
         absl::StrContains(locale, "utf8");
}

bool IsSameTerminal(int fd) {
  struct stat a {};
  struct stat b {};
  return IsTerminal(fd) && ::fstat(fd, &a) == 0 &&
         ::fstat(STDOUT_FILENO, &b) == 0 && a.st_rdev == b.st_rdev;
}

absl::StatusOr<Terminal> Terminal::Take() {
  ASSIGN_OR_RETURN(Fd fd, OpenOwnTerminal());
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
  ASSIGN_OR_RETURN(Fd fd, OpenOwnTerminal());
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
  return ::tcsetattr(fd_.get(), TCSANOW, &raw) == 0
             ? absl::OkStatus()
             : Errno("make the terminal raw");
}

std::string ResetAndClear() {
  // Some terminals end a string by ST only, others know CAN.
  constexpr char kEndSequence[] = "\x18\x1b\\";
  return absl::StrCat(kEndSequence, kLeaveAlternateScreen, kResetModes,
                      kClearScreen);
}

std::string ScrollOff(int rows) {
  const auto lines = static_cast<size_t>(std::max(rows, 1) - 1);
  return absl::StrCat("\r\x1b[J", std::string(lines, '\n'), "\x1b[H");
}

void Terminal::GiveBack() {
  GiveBack(absl::StrCat(kLeaveAlternateScreen, kResetModes),
           absl::ZeroDuration(), LateInput::kKept);
}

void Terminal::GiveBack(absl::string_view undo, absl::Duration patience,
                        LateInput late, Cursor cursor) {
  if (!fd_.valid()) return;
  std::string last(undo);
  if (cursor == Cursor::kBelow) {
    absl::StrAppend(&last, IsDumbTerminal() ? "" : kLastRow, "\r\n");
  }
  WriteFully(fd_.get(), last, patience);
  if (late == LateInput::kDropped) DropLateInput(fd_.get());
  Restore();
}

void Terminal::Restore() {
  (void)::tcsetattr(fd_.get(), TCSANOW, &before_);
  LetGo();
}

void Terminal::LetGo() {
  RestoreHandlers();
  fd_.Reset();
}

absl::Status GoToBackground(absl::FunctionRef<void()> leave,
                            absl::string_view before, absl::string_view after) {
  ASSIGN_OR_RETURN(PipeEnds pipe, MakePipe());
  const Fd wait = std::move(pipe.out);
  Fd go = std::move(pipe.in);
  const pid_t child = ::fork();
  if (child < 0) return Errno("start another process");
  if (child > 0) {
    // If we lead the terminal's session, our end hangs up everybody in it, so
    // we don't end before the child has left.
    go.Reset();
    leave();
    char byte = 0;
    (void)TEMP_FAILURE_RETRY(::read(wait.get(), &byte, 1));
    const std::string text = absl::StrCat(before, child, after);
    (void)!::write(STDOUT_FILENO, text.data(), text.size());
    ::_exit(
        0);  // the destructors of exit() would end what goes on in the child
  }
  (void)::setsid();  // it can't fail: a new child leads no group
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (IsTerminal(fd)) (void)::dup2(null.get(), fd);
  }
  return absl::OkStatus();
}

}  // namespace deptyr
