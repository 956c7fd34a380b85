// The user's own terminal.  It is raw while we have it, and gets its settings
// back however we end, by a fatal signal, too.
#pragma once

#include <termios.h>

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"

namespace deptyr {

bool IsTerminal(int fd);
// Whether standard input and output are both a terminal.
bool OnTerminal();
// Whether fd is the terminal of standard output.
bool IsSameTerminal(int fd);

// Whether $TERM says that the terminal knows no escape sequences.
bool IsDumbTerminal();
// Whether it may have a title: the Linux console hasn't, and isn't told.
bool HasTitle();
// Whether the locale says that text is UTF-8 (locale(7): $LC_ALL, $LC_CTYPE,
// $LANG).
bool ShowsUtf8();

class [[nodiscard]] Terminal {
 public:
  // Makes the terminal of standard output raw.  fd() is a non-blocking open
  // file of our own, as the shell shares the other.
  static absl::StatusOr<Terminal> Take();
  // Takes the terminal over from another program whose Before() is `before`.
  // Returns NotFound if it has gone.
  static absl::StatusOr<Terminal> TakeOver(absl::string_view before);
  // The settings that the terminal gets back, for TakeOver().
  std::string Before() const;
  Terminal(Terminal&&) noexcept = default;
  ~Terminal() { GiveBack(); }

  int fd() const { return fd_.get(); }
  // Makes the terminal raw again, after somebody else had it (SIGCONT).
  absl::Status MakeRaw() const;
  // Input that is on its way when the terminal is given back.
  enum class LateInput {
    kKept,     // whoever reads the terminal next gets it
    kDropped,  // it is read for up to 0.3 s, until the terminal answers DSR 5
  };
  // Where the cursor is afterwards.
  enum class Cursor {
    kBelow,  // below what is shown, which is a picture of the whole screen
    kStays,
  };
  // Gives the terminal its settings back, after `undo` was written to it. Waits
  // for up to `patience` if the terminal takes nothing now.
  void GiveBack(absl::string_view undo, absl::Duration patience, LateInput late,
                Cursor cursor = Cursor::kBelow);
  // Does so where nobody knows what was done to the terminal.
  void GiveBack();
  // Gives the terminal its settings back; nothing else was done to it.
  void Restore();
  // Leaves the terminal to another process, which gives it back.
  void LetGo();

 private:
  Terminal(Fd fd, const termios& before)
      : fd_(std::move(fd)), before_(before) {}
  Fd fd_;
  termios before_;
};

// Detaches this program from its terminal and from the shell that started it.
// Forks; the parent prints `before`, the child's pid and `after`, and exits
// with 0.  The function returns in the child, which has a new session and the
// same descriptors, except that /dev/null replaces those of 0, 1 and 2 that
// were a terminal.  `leave` is called in the parent, and may wait.  If the fork
// fails, nothing has changed.
absl::Status GoToBackground(absl::FunctionRef<void()> leave,
                            absl::string_view before, absl::string_view after);

// Puts a terminal into the state a shell expects, whatever a full-screen
// program left: attributes, character sets, cursor, scroll region, margins,
// reverse video, reports of size and colours, mouse, focus and paste reports,
// keypad and cursor-key modes, kitty's keyboard protocol. The alternate screen
// stays.  The cursor goes to the last line, because resetting the scroll region
// puts it on the first.
inline constexpr char kResetModes[] =
    "\x1b[m\x1b[?69l\x1b[r\x1b[4l\x1b[20l\x1b[?1l\x1b>\x1b[?5l\x1b[?6l\x1b[?7h"
    "\x1b[?12l\x1b[?45l"
    "\x1b[?25h\x1b[0 q\x1b(B\x1b)B\x1b*B\x1b+B\x0f"
    "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l"
    "\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l\x1b[?2026l\x1b[?2031l"
    "\x1b[?2048l"
    "\x1b[<9u\x1b[>4m"
    "\x1b[999;1H";
inline constexpr char kLeaveAlternateScreen[] = "\x1b[?1047l";
inline constexpr char kClearScreen[] = "\x1b[H\x1b[2J";
inline constexpr char kLastRow[] = "\x1b[999;1H";  // its beginning

// Blanks a terminal that has this many rows: what it shows goes off its top,
// where it can be scrolled back to.
std::string ScrollOff(int rows);

// Makes a terminal show a blank primary screen, with the cursor in its top left
// and all modes reset, whatever it shows and whatever sequence it is in.
std::string ResetAndClear();

}  // namespace deptyr
