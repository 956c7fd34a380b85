#include "lib/term/painter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

// Of each screen, in bytes: dozens for every cell of the largest.
constexpr size_t kMostPainted = 3 << 20;

// A wide character needs both of its columns.
void Fit(Row& row, size_t cols) {
  if (row.size() <= cols) return;
  const bool split = row[cols].width == 0;
  row.resize(cols);
  if (split && cols > 0)
    row.back() = {.style = {.fg = {}, .bg = row.back().style.bg}};
}

std::string RegionSequence(const Interpreter& from) {
  if (from.whole_region()) return "\x1b[r";
  const Interpreter::Region region = from.region();
  return absl::StrCat("\x1b[", region.top + 1, ";", region.bottom, "r");
}

}  // namespace

std::string Painter::Paint() {
  out_ = from_.tabs().Select();
  if (digest_.alternate_screen()) PaintBeneath();
  PaintRows();
  PaintSaved(from_.saved(), "\x1b\x37");
  PaintModes();
  PaintCursor();
  return std::move(out_);
}

// Mode 1049 saves the cursor.  What an alternate screen shows that is entered
// depends on the terminal.
void Painter::PaintBeneath() {
  const std::string enter =
      absl::StrCat("\x1b[?", digest_.alternate_mode(), "h");
  const bool saves =
      digest_.alternate_mode() == 1049 && from_.saved_primary().set;
  const bool seen = from_.alternate() && from_.LookBeneath([&] {
    PaintRows();
    if (saves) PaintSaved(from_.saved_primary(), enter);
  });
  all_ &= seen || !from_.alternate();
  if (!seen || !saves) out_ += enter;
  out_ += "\x1b[H\x1b[2J";
}

void Painter::PaintRows() {
  RowPainter painter(AppendSgr, out_);
  painter.Begin();
  const size_t begin = out_.size();
  const int rows = std::min<int>(from_.model().rows(), room_.rows);
  for (int i = 0; i < rows; ++i) {
    Row row = from_.model().ReadRow(i);
    Fit(row, room_.cols);
    painter.PaintRow(row, i);
    if (out_.size() - begin > kMostPainted) {
      all_ = false;
      break;
    }
  }
  painter.SetStyle({});
}

// `save` is the sequence that does it.
void Painter::PaintSaved(const Interpreter::Saved& saved,
                         absl::string_view save) {
  if (!saved.set) return;
  if (saved.origin) absl::StrAppend(&out_, RegionSequence(from_), "\x1b[?6h");
  MoveTo(saved.cursor, saved.origin);
  const int row = saved.cursor.row;
  if (saved.cursor.wraps && row < from_.model().rows() &&
      HasRoom(saved.cursor)) {
    PrintLast(from_.model().ReadRow(row));
  }
  SetPen(saved.pen);
  absl::StrAppend(&out_, saved.charsets.Select(), save);
  if (saved.origin) out_ += "\x1b[?6l\x1b[r";
  if (saved.charsets != Charsets()) out_ += Charsets::kReset;
  SetPen({});
}

// The model knows the region in rows that there are.
void Painter::PaintModes() {
  out_ += digest_.Modes();
  out_ += RegionSequence(from_);
}

bool Painter::HasRoom(const Cursor& cursor) const {
  return cursor.row < room_.rows && cursor.col < room_.cols;
}

// What was printed last is printed again: a terminal that is told to repeat it,
// or given a mark to combine with it, has to have it; and it is the only way to
// have the cursor wait to wrap.
void Painter::PaintCursor() {
  const Cursor cursor = from_.cursor();
  const Cursor printed = from_.LastPrinted();
  if ((from_.printed_last() || cursor.wraps) && printed.col >= 0 &&
      HasRoom(cursor)) {
    MoveTo(printed, from_.origin());
    Reprint(from_.model().ReadCell(printed.row, printed.col), cursor.wraps);
  } else {
    MoveTo(cursor, from_.origin());
  }
  SetPen(from_.pen());
}

// In spite of the modes; where it can be, the character is the last thing.
void Painter::Reprint(const Cell& cell, bool wraps) {
  const char32_t first = cell.characters[0];
  const bool wrap = wraps && !from_.autowrap();
  const bool ascii = first < 0x80 && from_.charsets().Translate(
                                         static_cast<char>(first)) != first;
  // What is inserted has its room made before; outside of the scroll region
  // libvterm can't.
  const bool room = from_.insert() && from_.InRegion(from_.cursor().row);
  const bool replace = from_.insert() && !room;
  if (room) absl::StrAppend(&out_, "\x1b[", int{cell.width}, "P");
  if (replace) out_ += "\x1b[4l";
  if (wrap) out_ += "\x1b[?7h";
  if (ascii) out_ += Charsets::kReset;
  Print(cell);
  if (ascii) out_ += from_.charsets().Select();
  if (wrap) out_ += "\x1b[?7l";
  if (replace) out_ += "\x1b[4h";
}

// The last cell of a row, where the cursor is.
void Painter::PrintLast(const Row& row) {
  const Cell* cell = &row.back();
  if (cell->width == 0) {
    out_ += "\b";
    --cell;
  }
  Print(*cell);
}

// An erased one is again: the cursor waits to wrap nevertheless.
void Painter::Print(const Cell& cell) {
  SetPen(cell.style);
  cell.AppendTo(out_);
  if (cell.erased()) out_ += "\x1b[K";
}

void Painter::MoveTo(const Cursor& cursor, bool origin) {
  const int top = origin ? from_.region().top : 0;
  absl::StrAppend(&out_, "\x1b[", cursor.row - top + 1, ";", cursor.col + 1,
                  "H");
}

void Painter::SetPen(const Style& style) {
  out_ += Sgr(pen_, style);
  pen_ = style;
}

}  // namespace deptyr
