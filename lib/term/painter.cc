#include "lib/term/painter.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

// The most bytes for each of the two screens: dozens for every cell of the
// largest.
constexpr size_t kMostPainted = 3 << 20;

// Whether the cell is as it is on a blank screen.
bool IsUntouched(const Cell& cell) {
  return cell.erased() && cell.style == Style{};
}

template <typename Predicate>
size_t LengthWithout(const std::vector<Cell>& cells, Predicate trailing) {
  size_t length = cells.size();
  while (length > 0 && trailing(cells[length - 1])) --length;
  return length;
}

// How many cells from `col` on were erased in the same style.
size_t ErasedAt(const std::vector<Cell>& cells, size_t col) {
  const size_t begin = col;
  while (col < cells.size() && cells[col].erased() &&
         cells[col].style == cells[begin].style) {
    ++col;
  }
  return col - begin;
}

// A wide character needs both of its columns.
void Fit(Row& row, size_t cols) {
  if (row.cells.size() <= cols) return;
  const bool split = row.cells[cols].width == 0;
  row.cells.resize(cols);
  row.wraps = false;
  if (!split || cols == 0) return;
  row.cells.back() = {.style = {.fg = {}, .bg = row.cells.back().style.bg}};
}

// `link` is a cell's.
void AppendLink(absl::string_view link, std::string& out) {
  absl::StrAppend(&out, "\x1b]8;", link.empty() ? ";" : link, "\x1b\\");
}

std::string Count(size_t count) {
  return count == 1 ? "" : absl::StrCat(count);
}

std::string RegionSequence(const Screen& from) {
  const Area& region = from.region();
  if (region.rows() == from.rows()) return "\x1b[r";
  return absl::StrCat("\x1b[", region.top + 1, ";", region.bottom, "r");
}

}  // namespace

std::string Painter::Paint() {
  out_ = from_.tabs().Sequences();
  if (modes_.alternate()) {
    PaintBeneath();
  } else if (from_.has_alternate()) {
    PaintHidden();
  }
  PaintRows(from_.alternate_screen());
  PaintSaved(from_.alternate_screen(), "\x1b\x37");
  PaintPushedStyles();
  PaintModes();
  PaintCursor();
  return std::move(out_);
}

// Mode 1049 saves the cursor, and the program leaves by the mode it entered by.
// Terminals differ in what the alternate screen shows when it is entered, so it
// is cleared.
void Painter::PaintBeneath() {
  const bool saves = modes_.alternate_mode() == 1049 && from_.saved(false).set;
  const std::string enter =
      absl::StrCat("\x1b[?", modes_.alternate_mode(), "h");
  if (from_.alternate_screen()) {
    PaintRows(false);
    PaintSaved(false, saves ? enter : "\x1b\x37");
    out_ += modes_.HiddenSequences();
  }
  if (!saves || !from_.alternate_screen()) out_ += enter;
  out_ += "\x1b[H\x1b[2J";
}

// Paints what the alternate screen will show when it is entered by mode 47
// again.  A terminal without one has shown it, so all is cleared.
void Painter::PaintHidden() {
  out_ += "\x1b[?47h\x1b[H\x1b[2J";
  PaintRows(true);
  PaintSaved(true, "\x1b\x37");
  out_ += "\x1b[?47l\x1b[H\x1b[2J";
}

void Painter::PaintRows(bool alternate) {
  row_ = 0;
  out_ += "\x1b[H";
  const size_t begin = out_.size();
  const int rows =
      room_.cols == 0 ? 0 : std::min<int>(from_.rows(), room_.rows);
  goes_on_ = false;
  // A row of double width has less room, but may hold more from before.
  std::string sizes;
  for (int i = 0; i < rows; ++i) {
    Row row = from_.ReadRow(alternate, i);
    Fit(row, room_.cols);
    PaintRow(row, i);
    if (row.size != RowSize::kSingle) {
      absl::StrAppend(&sizes, "\x1b[", i + 1, "H\x1b#",
                      kRowSizeFinals.substr(static_cast<size_t>(row.size), 1));
    }
    // Only a terminal that is as wide wraps there.
    goes_on_ = row.wraps && row.cells.size() == room_.cols;
    last_erased_ = row.cells.back().erased();
    if (out_.size() - begin > kMostPainted) {
      all_ = false;
      break;
    }
  }
  SetLook({});
  out_ += sizes;
}

// Skips what is as on a blank screen.
void Painter::PaintRow(const Row& row, int number) {
  const std::vector<Cell>& cells = row.cells;
  const size_t length = LengthWithout(cells, IsUntouched);
  if (length == 0 && !goes_on_ && !row.wraps) return;
  StartRow(number, cells[0]);
  for (size_t col = 0; col < length;) {
    if (const size_t erased = ErasedAt(cells, col); erased > 0) {
      PaintErased(cells[col].style, erased, col + erased == cells.size());
      col += erased;
      continue;
    }
    SetLook(cells[col].style, cells[col].link, cells[col].is_guarded);
    out_ += cells[col].text;
    ++col;
  }
}

// A row that goes on with the line of the row before is entered by wrapping, so
// that the terminal knows.  A wide character wraps if only the last column is
// left.
void Painter::StartRow(int number, const Cell& first) {
  constexpr int kFarther = 4;  // where CUP is shorter
  if (goes_on_) {
    if (last_erased_) absl::StrAppend(&out_, "\x1b[", room_.cols, "G");
    if (first.erased() || (last_erased_ && first.width != 2)) {
      SetLook({});
      absl::StrAppend(&out_, last_erased_ ? "\u3000" : " ", "\r\x1b[K");
    }
  } else if (number - row_ > kFarther) {
    MoveTo(number, 0);
  } else if (number > row_) {
    absl::StrAppend(&out_, "\r",
                    std::string(static_cast<size_t>(number - row_), '\n'));
  }
  row_ = number;
}

// Erases cells, instead of printing spaces, because terminals tell these apart
// when text is copied and when they are resized.
void Painter::PaintErased(const Style& style, size_t count, bool to_end) {
  if (style != Style{}) {
    SetLook({.style = style});
    if (to_end) {
      out_ += "\x1b[K";
      return;
    }
    absl::StrAppend(&out_, "\x1b[", Count(count), "X");
  }
  absl::StrAppend(&out_, "\x1b[", Count(count), "C");
}

// `save` is the sequence that saves.
void Painter::PaintSaved(bool alternate, absl::string_view save) {
  const Screen::Saved& saved = from_.saved(alternate);
  const Modes::Saved& modes = from_.modes().saved(alternate);
  if (!saved.set) return;
  // The present region came later, and may not have the cursor in it.
  if (modes.origin) out_ += "\x1b[?6h";
  const Cursor& at = saved.cursor;
  const Row row = from_.ReadRow(alternate, at.row);
  const bool waits = at.wraps && at.col == from_.cols() - 1 && HasRoom(at) &&
                     row.size == RowSize::kSingle;
  const bool wide = waits && row.cells.back().width == 0;
  MoveTo(at.row, wide ? at.col - 1 : at.col);
  if (waits) Reprint(*(row.cells.end() - (wide ? 2 : 1)), at.row, at.col);
  SetLook(saved.pen);
  absl::StrAppend(&out_, modes.charsets.Sequences(), save);
  if (modes.origin) out_ += "\x1b[?6l";
  if (modes.charsets != Charsets()) out_ += Charsets::kReset;
  SetLook({});
}

void Painter::PaintPushedStyles() {
  for (const Screen::Pushed& pushed : from_.pushed_styles()) {
    SetLook({.style = pushed.style.style()});
    out_ += pushed.style.Sequence();
  }
  for (size_t i = from_.pushed_styles().size();
       i < from_.modes().pushed_styles(); ++i) {
    out_ += "\x1b[#{";
  }
  SetLook({});
}

// The region comes from the screen, which knows how many rows there are.
void Painter::PaintModes() {
  out_ += modes_.Sequences();
  out_ += RegionSequence(from_);
  const Area& region = from_.region();
  if (from_.modes().has_margins()) {
    absl::StrAppend(&out_, "\x1b[", region.left + 1, ";", region.right, "s");
  }
}

bool Painter::HasRoom(const Cursor& cursor) const {
  return cursor.row < room_.rows && cursor.col < room_.cols;
}

// Prints again what was printed last: the terminal may be told to repeat it, or
// be given a mark that combines with it; and there is no other way to make the
// cursor wait to wrap.
void Painter::PaintCursor() {
  const bool origin = from_.modes().origin();
  const int top = origin ? from_.region().top : 0;
  const int left = origin ? from_.region().left : 0;
  const Cursor cursor = from_.cursor();
  const std::optional<Cursor> printed = from_.LastPrinted();
  if (printed && HasRoom(cursor)) {
    MoveTo(printed->row - top, printed->col - left);
    const Row row = from_.ReadRow(from_.alternate_screen(), printed->row);
    const Cell& cell = row.cells[static_cast<size_t>(printed->col)];
    const auto first =
        static_cast<char32_t>(cell.text.empty() ? ' ' : cell.text[0]);
    const Charsets& charsets = from_.modes().charsets();
    const bool translated = charsets.Translate(first) != first;
    // Makes room for what is inserted; but that ends a line that goes on, and
    // moves what a row of double width hides.
    const bool inserts = from_.modes().insert();
    const bool replaces =
        inserts && (row.wraps || row.size != RowSize::kSingle);
    if (replaces) {
      out_ += "\x1b[4l";
    } else if (inserts) {
      absl::StrAppend(&out_, "\x1b[", int{cell.width}, "P");
    }
    if (translated) out_ += Charsets::kReset;
    Reprint(cell, printed->row - top, printed->col - left);
    if (translated) out_ += charsets.Sequences();
    if (replaces) out_ += "\x1b[4h";
    if (!from_.printed_last()) {
      // After any sequence, REP repeats nothing.
      out_ += "\x1b[m";
      style_ = {};
    }
  } else {
    MoveTo(cursor.row - top, cursor.col - left);
  }
  SetLook(from_.pen());
  const Guard& guard = from_.modes().guard();
  if (guard.from_all()) absl::StrAppend(&out_, guard.Sequences());
}

// Where nothing is left of what was printed, DECERA takes away again what is
// printed for it; a terminal that doesn't know that shows a blank.
void Painter::Reprint(const Cell& cell, int row, int col) {
  SetLook(cell.style, cell.link, cell.is_guarded);
  cell.AppendTo(out_);
  if (!cell.erased()) return;
  const std::string place = absl::StrCat(row + 1, ";", col + 1);
  absl::StrAppend(&out_, "\x1b[", place, ";", place, "$z");
}

void Painter::MoveTo(int row, int col) {
  if (row == 0 && col == 0) {
    out_ += "\x1b[H";
  } else {
    absl::StrAppend(&out_, "\x1b[", row + 1, ";", col + 1, "H");
  }
}

void Painter::SetLook(const Look& look) {
  SetLook(look.style, from_.LinkOf(look), look.is_guarded);
}

void Painter::SetLook(const Style& style, absl::string_view link,
                      bool is_guarded) {
  if (style != style_) AppendSgr(style_, style, out_);
  if (link != link_) AppendLink(link, out_);
  if (is_guarded != is_guarded_) out_ += is_guarded ? "\x1b[1\"q" : "\x1b[0\"q";
  style_ = style;
  link_ = std::string(link);
  is_guarded_ = is_guarded;
}

std::string PaintLine(const Row& row, Links links) {
  std::string out;
  Style style;
  absl::string_view link;
  const size_t length = LengthWithout(row.cells, [](const Cell& cell) {
    return cell.blank() && cell.width == 1 && cell.style == Style{};
  });
  for (size_t col = 0; col < length; ++col) {
    const Cell& cell = row.cells[col];
    AppendSgr(style, cell.style, out);
    style = cell.style;
    if (links == Links::kKept && cell.link != link) AppendLink(cell.link, out);
    link = cell.link;
    cell.AppendTo(out);
  }
  AppendSgr(style, {}, out);
  if (links == Links::kKept && !link.empty()) AppendLink("", out);
  return out;
}

}  // namespace deptyr
