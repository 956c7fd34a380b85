// Shows a screen on a terminal of another size: all of it, with a border at its
// right and below, or the part where the cursor is.  Rows that the terminal
// shows already aren't drawn again.
//
//   Viewport viewport(Border::kLines);
//   std::string out = viewport.Draw(screen, digest.modes(), {40, 132});
//
// The bytes of the program's stream would do something else on such a terminal:
// they wrap, scroll and count from the bottom right.  So every row is drawn at
// its own place, and the terminal has only those of the program's modes that
// don't change what printing does.  The terminal doesn't hear what the program
// says to it itself (the clipboard, notifications).
//
// It keeps a number for each row that is shown.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/modes.h"
#include "lib/term/screen.h"

namespace deptyr {

// The border consists of | and -, or of Unicode's lines.
enum class Border : uint8_t { kNone, kAscii, kLines };

class Viewport {
 public:
  explicit Viewport(Border border = Border::kNone) : border_(border) {}

  // Returns the sequences that make the terminal, which has `room`, show
  // `screen`, whose digest has these modes.  The first time, the terminal has
  // to be blank and reset (kResetModes).
  // Work is bounded: whole() tells whether all rows were drawn; if not, the
  // next Draw() goes on with the others.
  std::string Draw(const Screen& screen, const Modes& modes, WindowSize room);
  bool whole() const { return whole_; }
  // Somebody else wrote to the terminal: the next Draw() draws all of it.
  void OnDefaced() { defaced_ = true; }
  // The same, and the modes that Draw() set were taken back.
  void OnReset();

 private:
  void DrawModes(const Modes& modes, const Screen& screen, WindowSize room);
  void Scroll(const Screen& screen, WindowSize room);
  // Returns the work that it was.
  size_t DrawRow(const Screen& screen, int at, WindowSize room);
  std::string BorderAt(const Screen& screen, int at, WindowSize room) const;
  void DrawCursor(const Screen& screen);

  Border border_;
  std::string out_;
  bool defaced_ = false;
  Modes modes_;  // those that the terminal is in
  bool cursor_visible_ = true;
  Cursor cursor_;
  // The place on the screen that is shown in the terminal's top left.
  int top_ = 0;
  int left_ = 0;
  std::vector<size_t> rows_;  // a hash of what is drawn in each
  bool whole_ = true;
  int next_ = 0;  // the row that the next Draw() begins with
  bool has_row_sizes_ = false;
};

}  // namespace deptyr
