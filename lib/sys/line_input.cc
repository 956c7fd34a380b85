#include "lib/sys/line_input.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "lib/base/status.h"

namespace deptyr {
namespace {

// Less than the terminal takes (N_TTY_BUF_SIZE, Linux's drivers/tty/n_tty.c).
constexpr size_t kLongestPiece = 4000;
constexpr cc_t kEndOfFile = 'D' & 0x1f;
constexpr cc_t kQuote = 'V' & 0x1f;

bool TakesLines(const termios& settings) {
  return (settings.c_lflag & ICANON) != 0;
}

bool MeansSomething(const termios& settings, char byte) {
  const auto character = static_cast<cc_t>(byte);
  if (character == _POSIX_VDISABLE) return false;
  for (size_t i = 0; i < std::size(settings.c_cc); ++i) {
    if (i != VMIN && i != VTIME && settings.c_cc[i] == character) return true;
  }
  return false;
}

std::string EndOfFile(const termios& settings) {
  return {static_cast<char>(settings.c_cc[VEOF])};
}

}  // namespace

absl::Status MakeTransparent(int terminal) {
  termios settings{};
  if (::tcgetattr(terminal, &settings) != 0) {
    return Errno("read the PTY's settings");
  }
  settings.c_iflag &= static_cast<tcflag_t>(IUTF8);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  settings.c_lflag = ICANON | IEXTEN;
  std::ranges::fill(settings.c_cc, _POSIX_VDISABLE);
  settings.c_cc[VEOF] = kEndOfFile;
  settings.c_cc[VLNEXT] = kQuote;
  if (::tcsetattr(terminal, TCSANOW, &settings) != 0) {
    return Errno("change the PTY's settings");
  }
  return absl::OkStatus();
}

std::string LineInput::Quote(absl::string_view bytes) {
  termios settings{};
  if (::tcgetattr(controller_, &settings) != 0 || !TakesLines(settings)) {
    unfinished_ = 0;
    return std::string(bytes);
  }
  std::string quoted;
  quoted.reserve(bytes.size());
  for (const char byte : bytes) {
    if (unfinished_ == kLongestPiece) {
      quoted += EndOfFile(settings);
      unfinished_ = 0;
    }
    if (MeansSomething(settings, byte)) {
      quoted.push_back(static_cast<char>(settings.c_cc[VLNEXT]));
    }
    quoted.push_back(byte);
    unfinished_ = byte == '\n' ? 0 : unfinished_ + 1;
  }
  return quoted;
}

std::string LineInput::End() {
  termios settings{};
  if (::tcgetattr(controller_, &settings) != 0) return "";
  std::string end = EndOfFile(settings);
  // The first one only gives the program what there is of the line.
  if (TakesLines(settings) && std::exchange(unfinished_, 0) > 0) end += end;
  return end;
}

bool AwaitsLine(int terminal) {
  termios settings{};
  pollfd question{terminal, POLLIN, 0};
  return ::tcgetattr(terminal, &settings) == 0 && TakesLines(settings) &&
         ::poll(&question, 1, 0) == 0;
}

}  // namespace deptyr
