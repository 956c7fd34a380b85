// A model (by libvterm) of what a terminal of a given size shows after what was
// written to it.
//
//   Screen screen({24, 80});
//   screen.Write(bytes);
//   std::string out = screen.Paint(digest.modes(), {24, 80});
//
// A character keeps bold, dim, italic, underline (single, double, curly),
// blink, reverse, conceal, strike, overline, 16 and 256 and 24-bit colours, and
// up to five combining characters.  Lost are an underline's colour (dotted and
// dashed ones become single), links (OSC 8), pictures, palettes (OSC 4, 10,
// 11), protected characters, lines of double width or height, left and right
// margins, the joining of emoji, and what the alternate screen showed before it
// was left (mode 47 keeps that elsewhere).  A screen narrower than two columns
// is modelled with two; one that gets smaller while the alternate screen is
// shown loses the primary one's last rows.
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
#include "lib/term/modes.h"

namespace deptyr {

class Interpreter;

class Screen {
 public:
  // Keeps the last `scrollback` lines that scroll off the top.
  explicit Screen(WindowSize size, size_t scrollback = 0);
  Screen(Screen&&) noexcept;
  Screen& operator=(Screen&&) noexcept;
  ~Screen();

  WindowSize size() const { return size_; }
  // The stream may be cut anywhere; but a terminal that was given a Paint() has
  // to be given all that follows Digest::whole().
  void Write(absl::string_view bytes) {
    (void)WriteSome(bytes, std::numeric_limits<uint64_t>::max());
  }
  // Stops once it has cost `most`, or as much more as the end of a sequence
  // takes (an act on the whole screen, or kLongestHeld in all), and returns how
  // much was taken.  The unit is Model's, some 10 ns: a printed character costs
  // three.
  size_t WriteSome(absl::string_view bytes, uint64_t most);
  // The cost of everything up to now, in the same unit.
  uint64_t work() const;
  // The scroll region becomes all of the screen, as in xterm and tmux; the
  // digest has to be told, too.
  void Resize(WindowSize size);

  // The escape sequences that make a terminal that has been reset (kResetModes,
  // primary screen, cleared) look the same, and do the same with what the
  // program writes next: cells with their attributes, the cursor and the saved
  // one, pen, tab stops, the alternate screen with the primary one beneath it,
  // and `modes`, those of a digest that has seen the same bytes.  Anything that
  // doesn't fit into `room` is left out.
  //
  // A new Screen that is written the result equals this one, cell by cell,
  // which is how a screen is parked.  Only a picture longer than any program
  // needs is cut; `all` tells whether it is whole.
  std::string Paint(const Modes& modes, WindowSize room, bool* all = nullptr);

  // The rows that are shown.
  std::vector<Row> Rows() const;
  // The rows of the primary screen, whichever is shown.
  std::vector<Row> PrimaryRows();
  Cursor cursor() const;
  bool cursor_visible() const;
  bool reverse_video() const;
  bool alternate_screen() const;
  // The lines that have left the top of the primary screen, oldest first: text
  // with SGR sequences, each ending in the usual style.
  std::vector<std::string> Scrollback() const;

 private:
  WindowSize size_;
  std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace deptyr
