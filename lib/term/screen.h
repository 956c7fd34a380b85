// Screen knows what a terminal of a given size shows after what was written to
// it, and all that decides what it will show next.
//
//   Screen screen({24, 80});
//   screen.Write(bytes);
//   std::string out = screen.Paint(digest.modes(), {24, 80});
//
// It behaves as xterm 379 does at level 4 (VT420), and as tmux where that is
// kinder: a change of width wraps lines anew, and erasing while the cursor
// waits to wrap spares the character in the last column.  A cell keeps all of
// SGR but fonts and frames, its link (OSC 8), up to CellTables::kMostMarks
// combining characters, and whether it is protected (DECSCA).  Pictures (sixel,
// kitty's) are not kept: all is in doubt then.  A screen narrower than two
// columns is modelled with two.
//
// A cell takes eight bytes; an 80x24 screen 15 KB, as much again for the lines
// that have left its top, and for an alternate screen.  Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/term/cell.h"
#include "lib/term/cell_tables.h"
#include "lib/term/doubts.h"
#include "lib/term/grid.h"
#include "lib/term/looks.h"
#include "lib/term/modes.h"
#include "lib/term/sequence.h"
#include "lib/term/tab_stops.h"

namespace deptyr {

// Moving or erasing this many cells takes as long as a byte of a sequence, or a
// row.
constexpr int kCellsAtOnce = 12;

class Screen {
 public:
  // Keeps the last `scrollback` lines that scroll off the top, and no fewer
  // than a screenful.
  explicit Screen(WindowSize size, size_t scrollback = 0);

  WindowSize size() const { return size_; }
  // The stream may be cut anywhere; but a terminal that was given a Paint() has
  // to be given all that follows Digest::whole().
  void Write(absl::string_view bytes) {
    (void)WriteSome(bytes, std::numeric_limits<uint64_t>::max());
  }
  // Stops once it has cost `most`, or as much more as the end of a sequence
  // takes (an act on the whole screen, or kLongestHeld in all), and returns how
  // much was taken.  The unit is some 10 ns: a sequence costs a few, and so do
  // eight characters or kCellsAtOnce cells.
  size_t WriteSome(absl::string_view bytes, uint64_t most);
  // The cost of everything up to now, in the same unit.
  uint64_t work() const { return work_; }
  // The scroll region becomes all of the screen, as in xterm and tmux; the
  // digest has to be told, too.
  void Resize(WindowSize size);

  // Says that what was written before is lost.  `knows_pen` tells whether the
  // pen is the one that a reset terminal has.
  void Doubt(bool knows_pen);
  bool doubts() const { return doubts_.has_value(); }
  // Whether all that is shown is as the program wrote it, since it has cleared
  // or scrolled away what Doubt() or a picture made uncertain.
  bool known() const;

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
  std::string Paint(const Modes& modes, WindowSize room,
                    bool* all = nullptr) const;

  // The rows that are shown; or those of the primary or the alternate screen.
  std::vector<Row> Rows() const { return Rows(alternate_screen()); }
  std::vector<Row> Rows(bool alternate) const;
  // A row of the primary or the alternate screen; those before 0 have left the
  // top of the primary one.
  Row ReadRow(bool alternate, int row) const;
  // The lines that have left the top of the primary screen, oldest first: text
  // with SGR sequences, each ending in the usual style.
  std::vector<std::string> Scrollback() const;
  bool cursor_visible() const { return modes_.cursor_visible(); }
  bool reverse_video() const { return modes_.reverse_video(); }
  bool alternate_screen() const { return shows_alternate_; }
  Cursor cursor() const { return {row_, col_, waits_}; }
  // The cursor's place as a program counts it: in origin mode, from the region.
  Cursor reported_cursor() const {
    return {row_ - Home().row, col_ - Home().col};
  }

  // A picture of the screen is made of this, too.
  struct Saved {
    bool set = false;
    bool known = false;  // when it was saved, nothing was in doubt
    Cursor cursor;
    Look pen;
  };
  struct Pushed {
    PushedStyle style;
    bool doubtful;  // the pen was when it was put aside
  };
  int rows() const { return primary_.rows(); }
  int cols() const { return primary_.cols(); }
  const Modes& modes() const { return modes_; }
  // The rows and columns between the margins.
  const Area& region() const { return region_; }
  const TabStops& tabs() const { return tabs_; }
  const Look& pen() const { return pen_; }
  const std::string& LinkOf(const Look& look) const {
    return tables_.LinkOf(look);
  }
  const Saved& saved(bool alternate) const { return saved_[alternate ? 1 : 0]; }
  const std::vector<Pushed>& pushed_styles() const { return pushed_styles_; }
  // Whether the alternate screen has something or a saved cursor, though it may
  // be hidden.
  bool has_alternate() const { return alternate_.has_value(); }
  // Whether a character came last, so that it may be repeated.
  bool printed_last() const { return printed_last_; }
  // The cell of the last character, which marks join, if the cursor is still
  // after it; or the cell on which it waits.
  std::optional<Cursor> LastPrinted() const;

 private:
  Grid& grid() { return shows_alternate_ ? *alternate_ : primary_; }
  const Grid& grid() const { return shows_alternate_ ? *alternate_ : primary_; }

  const char* TakeSome(const char* p, const char* end);
  void TakeByte(char c);
  const char* PrintAscii(const char* p, const char* end);
  void Print(char32_t character);
  void PrintTranslated(char32_t character);
  void PutGlyph(uint32_t glyph, int width);
  void Combine(char32_t mark);
  void Repeat(int count);
  void MakeRoom(int count, int limit);
  void Advance(int count, int limit);
  // REP repeats nothing then.
  void ForgetLast() {
    last_ = 0;
    printed_last_ = false;
  }
  void DoubtRows(Grid& grid);
  void DoubtAfter(SequenceParser::Event event);
  void WrapIfWaiting();
  void Wrap();
  Cursor MarkedCell() const;
  void Settle();
  GridCell* Open(int row, int from, int to);

  void Act(SequenceParser::Event event);
  void OnEffect(Modes::Effect effect);
  void Control(char c);
  void Escape(char intermediate, char final);
  void Csi();
  void Extended(const Parameters& parameters);
  Cursor Home() const;
  void MoveTo(int row, int col);
  void MoveBy(char final, int count);
  void MoveLeft(int count);
  void Return();
  void Index();
  void ReverseIndex();
  void Tab(int count);
  void BackTab(int count);
  void ReverseColumns();
  void ForwardColumns();
  void Scroll(const Area& area, int count);
  void Edit(char final, int count);
  void EraseInDisplay(int what, bool selective);
  void EraseInLine(int what, bool selective);
  void EraseArea(const Area& area, bool selective);
  void ShiftColumns(int at, int count);
  Area AreaOf(const Parameters& parameters, size_t first) const;
  void Rectangle(char final, const Parameters& parameters);
  void BlankArea(const Area& area);
  void Fill(const Area& area, char32_t character);
  void ChangeLooks(const Area& area, const Parameters& parameters,
                   bool reverses);
  void Align();
  void SetRowSize(char final);
  void SetLink(absl::string_view body);
  void SetRegion();
  void Save();
  void Restore();
  void PushStyle();
  void PopStyle();
  void OnPicture();
  void ShowAlternate();
  void ClearAlternate();
  void ShowPrimary();
  void SoftReset();
  void Reset();

  // The columns that printing and moving are limited to, at the cursor's place.
  int RightLimit() const;
  int RowCols(int row) const;
  bool InRegion() const { return region_.Has(row_, col_); }
  uint32_t PenNumber();
  uint32_t BlankNumber();
  void PenHasChanged() { pen_number_ = blank_number_ = kUnknown; }
  void Collect();
  int MostHistory() const;
  void ChargeGrid();
  void Charge(int cells, int rows = 1) {
    work_ += static_cast<uint64_t>(cells / kCellsAtOnce + rows);
  }

  static constexpr uint32_t kUnknown = ~uint32_t{0};

  WindowSize size_;
  size_t most_scrollback_;
  Grid primary_;
  std::optional<Grid> alternate_;  // there may be one that isn't shown
  bool shows_alternate_ = false;
  CellTables tables_;

  SequenceParser parser_;
  Utf8Decoder utf8_;
  Modes modes_;
  int row_ = 0;
  int col_ = 0;
  // A character was printed in the last column, and the cursor is still on it.
  bool waits_ = false;
  char32_t last_ = 0;  // the character that REP repeats
  bool printed_last_ = false;
  bool marks_join_ = false;     // the cursor hasn't moved since
  bool in_rectangles_ = false;  // DECSACE
  bool has_row_sizes_ = false;  // a row may be of double width
  Look pen_;
  uint32_t pen_number_ = 0;
  uint32_t blank_number_ = 0;
  Area region_;
  std::array<Saved, 2> saved_;
  std::vector<Pushed> pushed_styles_;
  TabStops tabs_;
  std::optional<Doubts> doubts_;
  uint64_t work_ = 0;
};

}  // namespace deptyr
