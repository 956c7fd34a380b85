// What a terminal of a size shows: a model (libvterm) that is written to.
//
//   Screen screen({24, 80});
//   screen.Write(bytes);
//   out = screen.Paint(digest, {24, 80});   // for a terminal that attaches
//
// Kept of a character: bold, dim, italic, underline (single, double, curly),
// blink, reverse, conceal, strike, overline, 16 and 256 and 24-bit colours, and
// up to five combining characters.  Not kept: an underline's colour (dotted and
// dashed ones are single), links (OSC 8), pictures, palettes (OSC 4, 10, 11),
// protected characters, lines of double width or height, left and right
// margins, the joining of emoji; with the alternate screen goes what was on it
// before (mode 47 keeps it elsewhere).  A screen narrower than two columns is
// modelled with two; one that gets smaller while the alternate screen is shown
// loses the primary one's last rows.
//
// 20 to 40 MB/s; 75 KB for 80x24, as much again once the alternate screen has
// been shown.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/digest.h"

namespace deptyr {

class Interpreter;

class Screen {
 public:
  // `scrollback`: how many of the lines that scroll off the top are kept.
  explicit Screen(WindowSize size, size_t scrollback = 0);
  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) noexcept;
  ~Screen();

  WindowSize size() const { return size_; }
  // Any cut does, but Paint() is for a terminal that is then given what follows
  // Digest::whole().
  void Write(absl::string_view bytes) {
    (void)WriteSome(bytes, std::numeric_limits<uint64_t>::max());
  }
  // Until it has cost `most`, or as much more as the end of a sequence takes
  // (an act on the whole screen, or kLongestHeld in all): how much was taken.
  // The unit is Model's, some 10 ns: a printed character has three.
  size_t WriteSome(absl::string_view bytes, uint64_t most);
  // What all of it has cost.
  uint64_t work() const;
  // As in xterm and tmux, the scroll region becomes all of the screen: tell the
  // digest, too.
  void Resize(WindowSize size);

  // The escape sequences that make a terminal that has been reset
  // (kResetModes, primary screen, cleared) look the same, and behave the same
  // to what the program writes next: cells with their attributes, cursor and
  // the one saved, pen, tab stops, alternate screen with the primary one
  // beneath it, and the modes of `digest`, which has seen the same bytes.  What
  // doesn't fit into `room` is left out.  A new Screen that is written the
  // result equals this one, cell by cell: it is how a screen is parked.  But
  // for a picture so long that no program needs it: `all` says whether it is
  // whole.
  std::string Paint(const Digest& digest, WindowSize room, bool* all = nullptr);

  // What is shown, row by row.
  std::vector<Row> Rows() const;
  // Of the primary screen, whichever is shown.
  std::vector<Row> PrimaryRows();
  Cursor cursor() const;
  bool cursor_visible() const;
  bool reverse_video() const;
  bool alternate_screen() const;
  // The lines that have left the top of the primary screen, oldest first, as
  // text with SGR sequences, each ending in the usual style.
  std::vector<std::string> Scrollback() const;

 private:
  WindowSize size_;
  std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace deptyr
