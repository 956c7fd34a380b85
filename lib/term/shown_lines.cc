#include "lib/term/shown_lines.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/term/characters.h"
#include "lib/term/widths.h"

namespace deptyr {
namespace {

// A larger screen is followed as one of this size, which wraps elsewhere, and
// nobody sees that in whole lines.
constexpr int kMostRows = 150;
constexpr int kMostCols = 400;
constexpr int kTab = 8;
// A byte that isn't UTF-8 is a glyph beyond all characters.
constexpr uint32_t kRawByte = 0x110000;

int Clamped(int size, int usual, int most) {
  return size == 0 ? usual : std::clamp(size, 2, most);
}
int ModelledRows(WindowSize size) {
  return Clamped(size.rows, 24, kMostRows);
}
int ModelledCols(WindowSize size) {
  return Clamped(size.cols, 80, kMostCols);
}

void AppendRawByte(uint32_t byte, std::string& out) {
  absl::StrAppend(&out, "\\x", absl::Hex(byte & 0xff, absl::kZeroPad2));
}

bool IsBlank(const GridLine& line) {
  return std::ranges::all_of(line.cells, &GridCell::erased);
}

void TrimSpaces(std::string& text) {
  text.resize(text.find_last_not_of(' ') + 1);
}

}  // namespace

ShownLines::ShownLines(WindowSize size, Colors colors)
    : keeps_colors_(colors == Colors::kKept),
      grid_(ModelledRows(size), ModelledCols(size), /*history=*/0),
      notes_(static_cast<size_t>(grid_.rows())),
      bottom_(grid_.rows()) {}

std::string ShownLines::Feed(absl::string_view bytes) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  while (p != end) {
    const char* const after = IsPlain() ? TakePlain(p, end) : p;
    p = after != p ? after : TakeSome(p, end);
  }
  return std::exchange(out_, {});
}

std::string ShownLines::Resize(WindowSize size) {
  if (ModelledRows(size) == rows() && ModelledCols(size) == cols()) return "";
  PutPlain();
  const int first = FirstRow(row_);
  GiveChanged(0, first);
  GiveChanged(LastRow(row_) + 1, rows());
  const Note note = notes_[static_cast<size_t>(first)];
  const bool changed = IsChanged(first);
  Cursor now{row_, col_, waits_};
  Cursor saved{saved_row_, saved_col_};
  grid_.Resize(ModelledRows(size), ModelledCols(size), /*reflows=*/true,
               std::vector<Cursor*>{&now, &saved});
  row_ = now.row;
  col_ = now.col;
  waits_ = now.wraps;
  saved_row_ = saved.row;
  saved_col_ = saved.col;
  top_ = 0;
  bottom_ = rows();
  modes_.ForgetRegion();
  // All but the cursor's line are as they were given.
  notes_.assign(static_cast<size_t>(rows()), {});
  used_ = 0;
  for (int row = 0; row < rows(); ++row) {
    if (IsBlank(grid_[row])) continue;
    notes_[static_cast<size_t>(row)] = {.written = true, .given = true};
    used_ = row + 1;
  }
  for (int row = FirstRow(row_); row <= LastRow(row_); ++row) {
    notes_[static_cast<size_t>(row)] = note;
    notes_[static_cast<size_t>(row)].changed = changed;
  }
  return std::exchange(out_, {});
}

std::string ShownLines::Finish() {
  PutPlain();
  ShowRaw();
  if (std::exchange(alternate_, false)) {
    absl::StrAppend(&out_, kFullScreenEnded, "\n");
  }
  GiveChanged(0, rows());
  GiveBegun();
  return std::exchange(out_, {});
}

// --- Lines of plain text, which nothing has to be known of

// Whether the cursor is where plain text would begin a line, or go on with one
// that is in plain_.
bool ShownLines::IsPlain() const {
  return row_ >= used_ && col_ == 0 && !deferred_ && parser_.ground() &&
         utf8_.pending() == 0 && begun_.empty() && top_ == 0 &&
         bottom_ == rows() && !alternate_ && look_ == 0 &&
         modes_.charsets().ascii() && modes_.autowrap() && !modes_.insert();
}

// Takes lines of it, and what there is of the next.
const char* ShownLines::TakePlain(const char* p, const char* end) {
  while (p != end) {
    const size_t before = plain_.size();
    const char* const after = AppendPlain(p, end);
    const bool fits = plain_.size() - plain_line_ <= LongestPlain();
    const char* line_end = after;
    while (line_end != end && *line_end == '\r') ++line_end;
    const bool whole = line_end != end && *line_end == '\n';
    // After an LF alone, the next line begins below the end of this one.
    const bool returns = line_end != after || plain_.size() == plain_line_;
    if (!fits || (whole ? !returns : after != end)) {
      plain_.resize(before);
      return p;
    }
    if (!whole) return after;
    p = line_end + 1;
    EndPlainLine();
  }
  return p;
}

// Takes text, and colours if they are dropped.
const char* ShownLines::AppendPlain(const char* p, const char* end) {
  for (;;) {
    const char* after = p;
    while (after != end && IsPrintableAscii(*after)) ++after;
    plain_.append(p, after);
    p = after;
    if (keeps_colors_ || p == end || *p != kEscape) return p;
    after = parser_.TakeCsi(p, end);
    if (after == p || parser_.final() != 'm' || Modes::Minds(parser_)) return p;
    p = after;
  }
}

void ShownLines::EndPlainLine() {
  out_.append(plain_, plain_line_);
  TrimSpaces(out_);
  out_ += '\n';
  plain_rows_ += RowsFor(plain_.size() - plain_line_);
  plain_ += '\n';
  plain_line_ = plain_.size();
  if (plain_rows_ < 2 * rows()) return;
  // Only those that are still shown have to be kept.
  size_t from = plain_.size();
  for (plain_rows_ = 0; from > 0 && plain_rows_ < rows();) {
    const size_t begin = from == 1 ? 0 : plain_.rfind('\n', from - 2) + 1;
    plain_rows_ += RowsFor(from - 1 - begin);
    from = begin;
  }
  plain_.erase(0, from);
  plain_line_ = plain_.size();
}

// How many rows a line of so many bytes takes.
int ShownLines::RowsFor(size_t line) const {
  const auto across = static_cast<size_t>(cols());
  return static_cast<int>(std::max<size_t>((line + across - 1) / across, 1));
}

// No part of a plain line leaves the top while it is printed, and it is given
// in one piece.
size_t ShownLines::LongestPlain() const {
  return std::min(static_cast<size_t>(rows() * cols()), kLongest);
}

// Writes them to the grid, because something has to be known of them now.
void ShownLines::PutPlain() {
  if (plain_.empty()) return;
  const std::string plain = std::exchange(plain_, {});
  plain_line_ = 0;
  plain_rows_ = 0;
  const char* p = plain.data();
  const char* const end = p + plain.size();
  const char* line = p;
  while (p != end) {
    if (*p != '\n') {
      p = PrintAscii(p, std::find(p, end, '\n'));
      continue;
    }
    std::string text(line, p);
    TrimSpaces(text);
    const int first = FirstRow(row_);
    for (int row = first; row <= row_; ++row) {
      notes_[static_cast<size_t>(row)] = {.written = true, .given = true};
    }
    notes_[static_cast<size_t>(first)].hash = absl::HashOf(text);
    used_ = std::max(used_, row_ + 1);
    line = p + 1;
    GoDown();
    col_ = 0;
    waits_ = false;
    last_ = 0;
    ++p;
  }
}

// --- Everything else

const char* ShownLines::TakeSome(const char* p, const char* end) {
  PutPlain();
  if (parser_.ground()) {
    if (*p < 0) {
      TakeText(*p);
      return p + 1;
    }
    if (utf8_.pending() == 0) {
      if (IsPrintableAscii(*p) && alternate_) return SkipText(p, end);
      if (IsPrintableAscii(*p) && modes_.charsets().ascii())
        return PrintAscii(p, end);
      const char* const after = parser_.TakeCsi(p, end);
      if (after != p) {
        Act(SequenceParser::Event::kCsi);
        return after;
      }
    }
  }
  TakeByte(*p);
  return p + 1;
}

const char* ShownLines::SkipText(const char* p, const char* end) const {
  while (p != end && IsPrintableAscii(*p)) ++p;
  return p;
}

void ShownLines::TakeByte(char c) {
  const SequenceParser::Event event = parser_.Take(c);
  if (event == SequenceParser::Event::kPrint) return TakeText(c);
  ShowRaw();
  if (event != SequenceParser::Event::kShifted) return Act(event);
  PrintTranslated(
      modes_.charsets().TranslateShifted(c, parser_.intermediate()));
}

void ShownLines::TakeText(char c) {
  Utf8Decoder::Result result = utf8_.Take(c);
  if (result == Utf8Decoder::Result::kAgain) {
    ShowRaw();
    result = utf8_.Take(c);
  }
  raw_ += c;
  if (result == Utf8Decoder::Result::kMore) return;
  if (result == Utf8Decoder::Result::kInvalid) return ShowRaw();
  raw_.clear();
  Print(utf8_.character());
}

// These bytes are no character.
void ShownLines::ShowRaw() {
  utf8_.Forget();
  const std::string raw = std::exchange(raw_, {});
  for (const char c : raw) {
    if (!alternate_) Put(kRawByte | static_cast<uint8_t>(c), 1);
  }
}

// --- Printing

const char* ShownLines::PrintAscii(const char* p, const char* end) {
  if (modes_.insert()) {
    Put(static_cast<unsigned char>(*p), 1);
    return p + 1;
  }
  if (waits_ && !modes_.autowrap()) waits_ = false;
  WrapIfWaiting();
  Touch();
  const char* const begin = p;
  const char* const limit = p + std::min<ptrdiff_t>(end - p, cols() - col_);
  while (p != limit && IsPrintableAscii(*p)) ++p;
  const int count = static_cast<int>(p - begin);
  GridCell* cell = grid_.Open(row_, col_, col_ + count, 0);
  const uint32_t look = Look();
  for (const char* c = begin; c != p; ++c) {
    *cell++ = {.glyph = static_cast<unsigned char>(*c), .look = look};
  }
  last_ = static_cast<unsigned char>(p[-1]);
  col_ += count;
  if (col_ == cols()) {
    col_ = cols() - 1;
    waits_ = true;
  }
  return p;
}

void ShownLines::Print(char32_t character) {
  if (IsC1(character)) return;
  PrintTranslated(modes_.charsets().Translate(character));
}

void ShownLines::PrintTranslated(char32_t character) {
  if (alternate_) return;
  const int width = GlyphWidth(character);
  if (width == 0) return Join(character);
  Put(character, width);
}

void ShownLines::Put(uint32_t glyph, int width) {
  if (waits_ && !modes_.autowrap()) waits_ = false;
  WrapIfWaiting();
  if (col_ + width > cols()) {
    if (!modes_.autowrap()) return;
    waits_ = true;
    WrapIfWaiting();
  }
  Touch();
  if (modes_.insert()) grid_.Shift(row_, col_, cols(), width, 0);
  GridCell* const cell = grid_.Open(row_, col_, col_ + width, 0);
  const uint32_t look = Look();
  const uint32_t wide = width == 2 ? GridCell::kWide : 0;
  cell[0] = {.glyph = glyph | wide, .look = look};
  if (width == 2) cell[1] = {.glyph = GridCell::kRightHalf, .look = look};
  last_ = glyph;
  col_ += width;
  if (col_ < cols()) return;
  col_ = cols() - 1;
  waits_ = true;
}

// Joins a mark to the character before the cursor.
void ShownLines::Join(char32_t mark) {
  int col = waits_ ? col_ : col_ - 1;
  if (col > 0 && grid_.at(row_, col).right_half()) --col;
  if (col < 0) return;
  GridCell& cell = grid_.at(row_, col);
  const bool raw = !cell.is_text() && cell.number() >= kRawByte;
  if (cell.erased() || cell.right_half() || raw) return;
  Touch();
  tables_.AddMark(cell, mark);
  if (tables_.is_full()) (void)Look();
}

void ShownLines::WrapIfWaiting() {
  if (!waits_) return;
  waits_ = false;
  col_ = 0;
  if (row_ != bottom_ - 1 && row_ == rows() - 1) return;
  grid_[row_].wraps = true;
  GoDown();
}

// The cursor's row is about to get another text.
void ShownLines::Touch() {
  Note& note = notes_[static_cast<size_t>(row_)];
  note.changed = true;
  if (note.written) return;
  note.written = true;
  used_ = std::max(used_, row_ + 1);
  if (!deferred_) return;
  // The lines above won't change any more, as far as can be told.
  const int first = FirstRow(row_);
  GiveChanged(0, first);
  deferred_ = false;
  for (int row = LastRow(row_) + 1; row < used_; ++row) {
    deferred_ |= notes_[static_cast<size_t>(row)].changed;
  }
}

void ShownLines::Repeat(int count) {
  if (last_ == 0) return;
  count = std::min(count, cols());
  if (last_ < 0x80) {
    const std::string text(static_cast<size_t>(count),
                           static_cast<char>(last_));
    const char* p = text.data();
    while (p != text.data() + count) p = PrintAscii(p, text.data() + count);
    return;
  }
  const uint32_t glyph = last_;
  const int width = glyph >= kRawByte ? 1 : GlyphWidth(char32_t{glyph});
  for (; count > 0; --count) Put(glyph, width);
}

// The number of the pen's look.
uint32_t ShownLines::Look() {
  if (tables_.is_full()) {
    Grid* const grids[] = {&grid_};
    deptyr::Look* const pens[] = {&pen_};
    (void)tables_.Collect(grids, pens);
    look_ = tables_.NumberOf(pen_);
  }
  return look_;
}

// --- Sequences

void ShownLines::Act(SequenceParser::Event event) {
  modes_.Take(event, parser_,
              [this](Modes::Effect effect) { OnEffect(effect); });
  if (alternate_ || event == SequenceParser::Event::kNone) return;
  // Only a character that came last is repeated.
  const bool keeps = event == SequenceParser::Event::kCsi &&
                     (parser_.final() == 'b' || parser_.final() == 'm');
  if (!keeps) last_ = 0;
  switch (event) {
    case SequenceParser::Event::kControl:
      return Control(parser_.final());
    case SequenceParser::Event::kEscape:
      return Escape();
    case SequenceParser::Event::kCsi:
      return Csi();
    default:
      return;
  }
}

void ShownLines::OnEffect(Modes::Effect effect) {
  using enum Modes::Effect;
  if (effect == kPrimary && alternate_) {
    alternate_ = false;
    absl::StrAppend(&out_, kFullScreenEnded, "\n");
  }
  if (alternate_) return;
  switch (effect) {
    case kOrigin:
      return GoTo(modes_.origin() ? top_ : 0, 0);
    case kRegion:
      return SetRegion();
    case kSave:
      saved_row_ = row_;
      saved_col_ = col_;
      return;
    case kRestore:
      return GoTo(saved_row_, saved_col_);
    case kAlternate:
      return BeginAlternate();
    case kSoftReset:
      top_ = 0;
      bottom_ = rows();
      return;
    case kReset:
      return Reset();
    default:
      return;
  }
}

void ShownLines::BeginAlternate() {
  GiveChanged(0, rows());
  deferred_ = false;
  alternate_ = true;
  absl::StrAppend(&out_, kFullScreenBegan, "\n");
}

void ShownLines::Reset() {
  EraseRows(0, rows());
  top_ = row_ = col_ = saved_row_ = saved_col_ = 0;
  bottom_ = rows();
  waits_ = false;
  pen_ = {};
  look_ = 0;
}

void ShownLines::SetRegion() {
  if (!modes_.region().Within(rows(), top_, bottom_)) return;
  GoTo(modes_.origin() ? top_ : 0, 0);
}

void ShownLines::Control(char c) {
  switch (c) {
    case '\n':
    case '\v':
    case '\f':
      LineFeed();
      if (modes_.new_line()) col_ = 0;
      return;
    case '\r':
      col_ = 0;
      waits_ = false;
      return;
    case '\b':
      col_ = std::max(col_ - 1, 0);
      waits_ = false;
      return;
    case '\t':
      if (!waits_) col_ = std::min((col_ / kTab + 1) * kTab, cols() - 1);
      return;
    default:
      return;
  }
}

void ShownLines::Escape() {
  if (parser_.intermediate() != 0) return;
  if (parser_.final() == 'D') LineFeed();
  if (parser_.final() == 'M') ReverseFeed();
  if (parser_.final() == 'E') {
    LineFeed();
    col_ = 0;
  }
}

void ShownLines::Csi() {
  if (parser_.prefix() != 0 || parser_.intermediate() != 0) return;
  const char final = parser_.final();
  if (final == 'm' && !keeps_colors_) return;
  const Parameters parameters(parser_.body());
  if (final == 'm') {
    ApplySgr(parameters, pen_.style);
    look_ = tables_.NumberOf(pen_);
    return;
  }
  if (!Move(final, parameters)) Edit(final, parameters);
}

// Returns false if the sequence doesn't move the cursor.
bool ShownLines::Move(char final, const Parameters& parameters) {
  const int count = std::max(parameters.At(0, 1), 1);
  const int top = modes_.origin() ? top_ : 0;
  const int above = std::max(row_ - count, row_ >= top_ ? top_ : 0);
  const int below =
      std::min(row_ + count, (row_ < bottom_ ? bottom_ : rows()) - 1);
  switch (final) {
    case 'A':
      GoTo(above, col_);
      return true;
    case 'B':
    case 'e':
      GoTo(below, col_);
      return true;
    case 'C':
    case 'a':
      GoTo(row_, col_ + count);
      return true;
    case 'D':
      GoTo(row_, col_ - count);
      return true;
    case 'E':
      GoTo(below, 0);
      return true;
    case 'F':
      GoTo(above, 0);
      return true;
    case 'G':
    case '`':
      GoTo(row_, count - 1);
      return true;
    case 'H':
    case 'f':
      GoTo(top + count - 1, std::max(parameters.At(1, 1), 1) - 1);
      return true;
    case 'I':
      GoTo(row_, (col_ / kTab + count) * kTab);
      return true;
    case 'Z':
      GoTo(row_, ((col_ + kTab - 1) / kTab - count) * kTab);
      return true;
    case 'd':
      GoTo(top + count - 1, col_);
      return true;
    default:
      return false;
  }
}

void ShownLines::Edit(char final, const Parameters& parameters) {
  const int count = std::max(parameters.At(0, 1), 1);
  const bool in_region = row_ >= top_ && row_ < bottom_;
  // The cursor's line, or a part of it, may be moved away from it.
  if (absl::StrContains("LMST", final)) {
    deferred_ = deferred_ || IsChanged(FirstRow(row_));
  }
  switch (final) {
    case 'J':
      return EraseInScreen(parameters.At(0));
    case 'K':
      return EraseInLine(parameters.At(0));
    case 'X':
      return EraseCells(col_, std::min(col_ + count, cols()));
    case '@':
      return ShiftCells(count);
    case 'P':
      return ShiftCells(-count);
    case 'L':
      if (in_region) ScrollDown(row_, count);
      return;
    case 'M':
      // The lines are deleted; they don't leave the top.
      if (!in_region) return;
      EraseRows(row_, std::min(row_ + count, bottom_));
      return ScrollUp(row_, count);
    case 'S':
      return ScrollUp(top_, count);
    case 'T':
      return ScrollDown(top_, count);
    case 'b':
      return Repeat(count);
    default:
      return;
  }
}

// --- Erasing

void ShownLines::EraseInScreen(int what) {
  if (what == 0 && (row_ > 0 || col_ > 0)) {
    EraseInLine(0);
    return EraseRows(row_ + 1, rows());
  }
  if (what == 1) {
    EraseRows(0, row_);
    return EraseInLine(1);
  }
  if (what != 0 && what != 2) return;
  EraseRows(0, rows());
  waits_ = false;
}

void ShownLines::EraseInLine(int what) {
  if (what == 0 && waits_) return;  // as lib/term/screen.h does
  if (what == 0) EraseCells(col_, cols());
  if (what == 1) EraseCells(0, col_ + 1);
  if (what == 2) EraseCells(0, cols());
}

// Lines that are erased were not shown in the end, so they aren't given.
void ShownLines::EraseRows(int from, int to) {
  if (from >= to) return;
  if (from == 0) begun_.clear();
  if (from > 0) grid_[from - 1].wraps = false;
  for (int row = from; row < std::min(to, used_); ++row) {
    Note& note = notes_[static_cast<size_t>(row)];
    if (!note.written) continue;
    grid_.Erase(row, 0, cols(), 0);
    grid_[row].wraps = false;
    note = {};
  }
  if (to >= used_) used_ = std::min(used_, from);
}

void ShownLines::EraseCells(int from, int to) {
  if (from == 0 && to == cols() && FirstRow(row_) == row_ &&
      !grid_[row_].wraps && !notes_[static_cast<size_t>(row_)].given) {
    return EraseRows(row_, row_ + 1);
  }
  if (!notes_[static_cast<size_t>(row_)].written) return;
  notes_[static_cast<size_t>(row_)].changed = true;
  grid_.Erase(row_, from, to, 0);
  if (to == cols()) grid_[row_].wraps = false;
}

// Moves the rest of the row to the right, or to the left.
void ShownLines::ShiftCells(int count) {
  waits_ = false;
  if (!notes_[static_cast<size_t>(row_)].written) return;
  notes_[static_cast<size_t>(row_)].changed = true;
  grid_.Shift(row_, col_, cols(), count, 0);
  if (count < 0) grid_[row_].wraps = false;
}

// --- Going from row to row

void ShownLines::GoTo(int row, int col) {
  row = std::clamp(row, 0, rows() - 1);
  col = std::clamp(col, 0, cols() - 1);
  if (row > LastRow(row_)) {
    Leave(/*even_blank=*/false);
  } else if (row != row_) {
    deferred_ = deferred_ || IsChanged(FirstRow(row_));
  }
  row_ = row;
  col_ = col;
  waits_ = false;
}

void ShownLines::LineFeed() {
  if (row_ == LastRow(row_)) Leave(/*even_blank=*/true);
  GoDown();
  waits_ = false;
}

void ShownLines::GoDown() {
  if (row_ == bottom_ - 1) {
    ScrollUp(top_, 1);
  } else if (row_ < rows() - 1) {
    ++row_;
  }
}

void ShownLines::ReverseFeed() {
  deferred_ = deferred_ || IsChanged(FirstRow(row_));
  waits_ = false;
  if (row_ == top_) {
    ScrollDown(top_, 1);
  } else if (row_ > 0) {
    --row_;
  }
}

void ShownLines::ScrollUp(int top, int count) {
  const int by = std::min({count, bottom_ - top, used_ - top});
  if (by <= 0) return;
  if (top > 0) {
    GiveChanged(top, top + by);
    grid_[top - 1].wraps = false;
  }
  for (int row = 0; top == 0 && row < by; ++row) LeaveTop(row);
  const bool one = by == 1 && top == 0 && bottom_ == rows();
  grid_.Scroll({top, bottom_, 0, cols()}, by, 0, /*keeps=*/one);
  grid_[bottom_ - 1].wraps = false;
  const auto first = notes_.begin() + top;
  std::rotate(first, first + by, notes_.begin() + bottom_);
  std::fill_n(notes_.begin() + bottom_ - by, by, Note{});
  if (used_ <= bottom_) used_ -= by;
}

// Room is made at `top`, and the last rows of the region go.
void ShownLines::ScrollDown(int top, int count) {
  const int by = std::min(count, bottom_ - top);
  if (top >= used_) return;
  if (top == 0) GiveBegun();
  if (top > 0) grid_[top - 1].wraps = false;
  grid_.Scroll({top, bottom_, 0, cols()}, -by, 0);
  grid_[bottom_ - 1].wraps = false;
  const auto last = notes_.begin() + bottom_;
  std::rotate(notes_.begin() + top, last - by, last);
  std::fill_n(notes_.begin() + top, by, Note{});
  used_ = std::max(used_, std::min(used_ + by, bottom_));
}

// The row is about to leave the top of the screen, after those above it.
void ShownLines::LeaveTop(int row) {
  const Note note = notes_[static_cast<size_t>(row)];
  if (!grid_[row].wraps) {
    if (note.changed) return Give(row, false);
    return GiveBegun();
  }
  if (note.given && !note.changed) return;
  AppendRow(row, begun_);
  notes_[static_cast<size_t>(row) + 1].changed = true;
  notes_[static_cast<size_t>(row) + 1].given = false;
  if (begun_.size() > kLongest) GiveBegun();
}

// --- Giving lines

int ShownLines::FirstRow(int row) const {
  while (row > 0 && grid_[row - 1].wraps) --row;
  return row;
}

int ShownLines::LastRow(int row) const {
  while (row < rows() - 1 && grid_[row].wraps) ++row;
  return row;
}

bool ShownLines::IsChanged(int first) const {
  const int last = LastRow(first);
  for (int row = first; row <= last; ++row) {
    if (notes_[static_cast<size_t>(row)].changed) return true;
  }
  return false;
}

// The cursor leaves its line downwards.
void ShownLines::Leave(bool even_blank) {
  const int first = FirstRow(row_);
  const Note& note = notes_[static_cast<size_t>(first)];
  const bool changed = IsChanged(first);
  if (!note.given && (even_blank || changed)) return Give(first, even_blank);
  deferred_ = deferred_ || changed;
}

void ShownLines::Give(int first, bool even_blank) {
  // All above it has left the top if there is something of its beginning.
  std::string text = std::exchange(begun_, {});
  const int last = LastRow(first);
  for (int row = first; row <= last; ++row) AppendRow(row, text);
  TrimSpaces(text);
  const uint64_t hash = absl::HashOf(text);
  Note& note = notes_[static_cast<size_t>(first)];
  const bool blank = text.empty() && !even_blank;
  const bool same = note.given && note.hash == hash;
  for (int row = first; row <= last; ++row) {
    notes_[static_cast<size_t>(row)] = {.written = true, .given = true};
  }
  note.hash = hash;
  used_ = std::max(used_, last + 1);
  if (blank || same) return;
  absl::StrAppend(&out_, text, "\n");
}

// Gives the lines that changed and begin in these rows.
void ShownLines::GiveChanged(int from, int to) {
  for (int row = from; row < to; row = LastRow(row) + 1) {
    if (IsChanged(row)) Give(row, false);
  }
}

void ShownLines::GiveBegun() {
  if (begun_.empty()) return;
  absl::StrAppend(&out_, std::exchange(begun_, {}), "\n");
}

void ShownLines::AppendRow(int row, std::string& out) const {
  const std::vector<GridCell>& cells = grid_[row].cells;
  const GridCell* end = cells.data() + cells.size();
  while (end != cells.data() && end[-1].erased()) --end;
  Style style;
  for (const GridCell* cell = cells.data(); cell != end; ++cell) {
    if (cell->look != 0 || !(style == Style())) {
      const Style& next = tables_.LookOf(*cell).style;
      AppendSgr(style, next, out);
      style = next;
    }
    if (cell->glyph < 0x80) {
      out += cell->erased() ? ' ' : static_cast<char>(cell->glyph);
    } else {
      AppendGlyph(*cell, out);
    }
  }
  AppendSgr(style, {}, out);
}

void ShownLines::AppendGlyph(const GridCell& cell, std::string& out) const {
  if (cell.right_half()) return;
  if (cell.is_text()) {
    out += tables_.Read(cell).text;
  } else if (cell.number() >= kRawByte) {
    AppendRawByte(cell.number(), out);
  } else {
    AppendUtf8(char32_t{cell.number()}, out);
  }
}

}  // namespace deptyr
