// The lines of text that a terminal showed, for a log: what a program wrote as
// somebody would have read it.
//
//   ShownLines lines({24, 80});
//   out += lines.Feed(bytes);  // however the stream is cut
//   out += lines.Finish();
//
// A line is given once, with an LF, when the cursor goes down from it.  Text
// that was written over or erased by then is gone; so a prompt that is redrawn,
// or a progress bar, is one line.  A line that wraps is one line.  If the
// cursor comes back to a line that was given, the line is given again if it has
// changed, but only once something is written below it, or it leaves the
// screen: so a block of progress bars is its first and its last state.
//
// The alternate screen isn't text, so a line says that it began, and one that
// it ended.  Gaps become spaces, and spaces at the end of a line go; what isn't
// UTF-8 becomes \xNN.  A line of more than kLongest bytes is given in pieces.
//
// It follows the cursor, the scroll region and what is erased on a screen of
// its own, of eight bytes a cell, but not the left and right margins.  Lines of
// plain text pass it by, at some 700 MB a second, however long they are.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/utf8.h"
#include "lib/base/window_size.h"
#include "lib/term/cell_tables.h"
#include "lib/term/grid.h"
#include "lib/term/looks.h"
#include "lib/term/modes.h"
#include "lib/term/sequence.h"

namespace deptyr {

class ShownLines {
 public:
  static constexpr size_t kLongest = 16 << 10;
  static constexpr char kFullScreenBegan[] =
      "deptyr: a full-screen program began";
  static constexpr char kFullScreenEnded[] = "deptyr: it ended";

  enum class Colors : uint8_t {
    kDropped,
    kKept,  // as SGR sequences; each line ends in the usual style
  };

  // A size of 0 is that of a terminal nobody has set, 24x80.
  explicit ShownLines(WindowSize size, Colors colors = Colors::kDropped);

  // Returns the lines that end in these bytes.
  std::string Feed(absl::string_view bytes);
  // The terminal's size changed.  Returns lines that are given because of it.
  std::string Resize(WindowSize size);
  // Call it at the end of the stream, once.  Returns the last lines, of which
  // the program may not have finished one.
  std::string Finish();
  // Whether the alternate screen is shown.
  bool full_screen() const { return alternate_; }

 private:
  // It describes a row.  Whether its line was given, and as what, is in the
  // note of the line's first row.
  struct Note {
    uint64_t hash = 0;
    bool written = false;
    bool changed = false;  // since the line was given
    bool given = false;
  };

  bool IsPlain() const;
  const char* TakePlain(const char* p, const char* end);
  const char* AppendPlain(const char* p, const char* end);
  void EndPlainLine();
  int RowsFor(size_t line) const;
  size_t LongestPlain() const;
  void PutPlain();
  const char* TakeSome(const char* p, const char* end);
  const char* SkipText(const char* p, const char* end) const;
  void TakeByte(char c);
  void TakeText(char c);
  void ShowRaw();

  const char* PrintAscii(const char* p, const char* end);
  void Print(char32_t character);
  void PrintTranslated(char32_t character);
  void Put(uint32_t glyph, int width);
  void Join(char32_t mark);
  void Touch();
  void WrapIfWaiting();
  void Repeat(int count);
  uint32_t Look();

  void Act(SequenceParser::Event event);
  void OnEffect(Modes::Effect effect);
  void Control(char c);
  void Escape();
  void Csi();
  bool Move(char final, const Parameters& parameters);
  void Edit(char final, const Parameters& parameters);
  void EraseInScreen(int what);
  void EraseInLine(int what);
  void EraseRows(int from, int to);
  void EraseCells(int from, int to);
  void ShiftCells(int count);
  void SetRegion();
  void Reset();
  void BeginAlternate();

  void GoTo(int row, int col);
  void GoDown();
  void LineFeed();
  void ReverseFeed();
  void ScrollUp(int top, int count);
  void ScrollDown(int top, int count);
  void LeaveTop(int row);

  int rows() const { return grid_.rows(); }
  int cols() const { return grid_.cols(); }
  int FirstRow(int row) const;
  int LastRow(int row) const;
  bool IsChanged(int first) const;
  void Leave(bool even_blank);
  void Give(int first, bool even_blank);
  void GiveChanged(int from, int to);
  void GiveBegun();
  void AppendRow(int row, std::string& out) const;
  void AppendGlyph(const GridCell& cell, std::string& out) const;

  const bool keeps_colors_;
  std::string out_;
  SequenceParser parser_;
  Utf8Decoder utf8_;
  std::string raw_;  // the bytes of a character that isn't whole
  Modes modes_;
  bool alternate_ = false;
  CellTables tables_;
  Grid grid_;
  std::vector<Note> notes_;
  deptyr::Look pen_;
  uint32_t look_ = 0;  // the pen's number
  int row_ = 0;
  int col_ = 0;
  bool waits_ = false;  // the next character wraps
  int saved_row_ = 0;
  int saved_col_ = 0;
  int top_ = 0;            // of the scroll region
  int bottom_;             // behind it
  int used_ = 0;           // no row from this one on has been written to
  bool deferred_ = false;  // a line that the cursor isn't on may have changed
  uint32_t last_ = 0;      // the last glyph, which may be repeated
  std::string begun_;      // what has left the top of the first row's line
  // Plain lines that the grid hasn't got yet; the last has no LF, and the
  // cursor is behind it.
  std::string plain_;
  size_t plain_line_ = 0;  // where the last begins
  int plain_rows_ = 0;     // of the lines before it
};

}  // namespace deptyr
