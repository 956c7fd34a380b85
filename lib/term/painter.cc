#include "lib/term/painter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

// The most bytes for each of the two screens: dozens for every cell of the
// largest.
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
  out_ = from_.tabs().Sequences();
  if (modes_.alternate()) PaintBeneath();
  PaintRows();
  PaintSaved(from_.saved(), "\x1b\x37");
  PaintModes();
  PaintCursor();
  return std::move(out_);
}

// Mode 1049 saves the cursor.  Terminals differ in what the alternate screen
// shows when it is entered, so it is cleared.
void Painter::PaintBeneath() {
  const std::string enter =
      absl::StrCat("\x1b[?", modes_.alternate_mode(), "h");
  const bool saves =
      modes_.alternate_mode() == 1049 && from_.saved_primary().set;
  const bool seen = from_.modes().alternate() && from_.LookBeneath([&] {
    PaintRows();
    if (saves) PaintSaved(from_.saved_primary(), enter);
  });
  all_ &= seen || !from_.modes().alternate();
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

// `save` is the sequence that saves.
void Painter::PaintSaved(const Interpreter::Saved& saved,
                         absl::string_view save) {
  if (!saved.set) return;
  if (saved.modes.origin)
    absl::StrAppend(&out_, RegionSequence(from_), "\x1b[?6h");
  MoveTo(saved.cursor, saved.modes.origin);
  const int row = saved.cursor.row;
  if (saved.cursor.wraps && row < from_.model().rows() &&
      HasRoom(saved.cursor)) {
    PrintLast(from_.model().ReadRow(row));
  }
  SetPen(saved.pen);
  absl::StrAppend(&out_, saved.modes.charsets.Sequences(), save);
  if (saved.modes.origin) out_ += "\x1b[?6l\x1b[r";
  if (saved.modes.charsets != Charsets()) out_ += Charsets::kReset;
  SetPen({});
}

// The region comes from the model, which knows how many rows there are.
void Painter::PaintModes() {
  out_ += modes_.Sequences();
  out_ += RegionSequence(from_);
}

bool Painter::HasRoom(const Cursor& cursor) const {
  return cursor.row < room_.rows && cursor.col < room_.cols;
}

// Prints again what was printed last: the terminal may be told to repeat it, or
// be given a mark that combines with it; and there is no other way to make the
// cursor wait to wrap.
void Painter::PaintCursor() {
  const Cursor cursor = from_.cursor();
  const Cursor printed = from_.LastPrinted();
  if ((from_.printed_last() || cursor.wraps) && printed.col >= 0 &&
      HasRoom(cursor)) {
    MoveTo(printed, from_.modes().origin());
    Reprint(from_.model().ReadCell(printed.row, printed.col), cursor.wraps);
  } else {
    MoveTo(cursor, from_.modes().origin());
  }
  SetPen(from_.pen());
}

// Prints in spite of the modes, and ends with the character where that is
// possible.
void Painter::Reprint(const Cell& cell, bool wraps) {
  const char32_t first = cell.characters[0];
  const bool wrap = wraps && !from_.modes().autowrap();
  const bool ascii = first < 0x80 && from_.modes().charsets().Translate(
                                         static_cast<char>(first)) != first;
  // Room for what will be inserted is made before, which libvterm can't do
  // outside of the scroll region.
  const bool room =
      from_.modes().insert() && from_.InRegion(from_.cursor().row);
  const bool replace = from_.modes().insert() && !room;
  if (room) absl::StrAppend(&out_, "\x1b[", int{cell.width}, "P");
  if (replace) out_ += "\x1b[4l";
  if (wrap) out_ += "\x1b[?7h";
  if (ascii) out_ += Charsets::kReset;
  Print(cell);
  if (ascii) out_ += from_.modes().charsets().Sequences();
  if (wrap) out_ += "\x1b[?7l";
  if (replace) out_ += "\x1b[4h";
}

// Prints the last cell of the row; the cursor is on it.
void Painter::PrintLast(const Row& row) {
  const Cell* cell = &row.back();
  if (cell->width == 0) {
    out_ += "\b";
    --cell;
  }
  Print(*cell);
}

// An erased cell is erased again, and the cursor waits to wrap nevertheless.
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
