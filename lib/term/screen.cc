#include "lib/term/screen.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "absl/strings/strip.h"

#include "lib/term/characters.h"
#include "lib/term/painter.h"
#include "lib/term/widths.h"

namespace deptyr {
namespace {

// A row or a cell that is made, or freed, costs as much as so many that are
// touched; and so does a cell that is looked at by itself.
constexpr int kNewRow = 6;
constexpr int kNewCell = 5;
constexpr int kCellAlone = 2 * kCellsAtOnce;
// A sequence that doesn't end may cost this much more than was allowed.
constexpr uint64_t kLongestSequence = 65536;

// Returns where printable ASCII ends.  Eight bytes are looked at in one go.
const char* EndOfAscii(const char* p, const char* end) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x80 * kOnes;
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    std::memcpy(&word, p, sizeof word);
    // The high bit of a byte is set if it is below ' ', DEL, or above ASCII.
    const uint64_t below = (word | kHighs) - 0x20 * kOnes;
    if (((~below | (word + kOnes) | word) & kHighs) != 0) break;
  }
  while (p != end && IsPrintableAscii(*p)) ++p;
  return p;
}

int RowsOf(WindowSize size) {
  return std::max<int>(size.rows, 1);
}

// A wide character needs two columns.
int ColsOf(WindowSize size) {
  return std::max<int>(size.cols, 2);
}

// Whether the cursor stays where it is in any case.
bool MayStay(SequenceParser::Event event, char final) {
  return event == SequenceParser::Event::kString ||
         (event == SequenceParser::Event::kCsi && final == 'm') ||
         (event == SequenceParser::Event::kEscape && final == '7') ||
         (event == SequenceParser::Event::kControl && final < '\b');
}

// Changes a style as DECCARA and DECRARA do, which know four attributes.
void ChangeStyle(int parameter, bool reverses, Style& style) {
  constexpr std::pair<int, bool Style::*> kKnown[] = {
      {1, &Style::bold}, {5, &Style::blink}, {7, &Style::reverse}};
  const bool all = parameter == 0;
  const int number = parameter > 20 ? parameter - 20 : parameter;
  const auto change = [&](bool now) {
    return reverses ? !now : parameter > 0 && parameter < 20;
  };
  for (const auto& [known, flag] : kKnown) {
    const bool same = number == known || (number == 2 && known == 1);
    if (all || same) style.*flag = change(style.*flag);
  }
  if (!all && number != 4) return;
  const bool line = change(style.underline != Underline::kNone);
  style.underline = line ? Underline::kSingle : Underline::kNone;
}

// A blank keeps the pen's background.
Look BlankOf(const Look& look) {
  return {.style = {.fg = {}, .bg = look.style.bg}};
}

}  // namespace

Screen::Screen(WindowSize size, size_t scrollback)
    : size_(size),
      most_scrollback_(scrollback),
      primary_(RowsOf(size), ColsOf(size), MostHistory()),
      region_(primary_.all()),
      tabs_(ColsOf(size)) {}

int Screen::MostHistory() const {
  return std::max(static_cast<int>(most_scrollback_), RowsOf(size_));
}

size_t Screen::WriteSome(absl::string_view bytes, uint64_t most) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  const uint64_t before = work_;
  const auto enough = [&] {
    const uint64_t done = work_ - before;
    if (done < most) return false;
    return (parser_.ground() && utf8_.pending() == 0) ||
           done - most > kLongestSequence;
  };
  while (p != end && !enough()) {
    p = TakeSome(p, end);
    // Only here: whatever acts may hold numbers of looks.
    if (tables_.is_full()) Collect();
  }
  return static_cast<size_t>(p - bytes.data());
}

// Takes a run of text, a sequence or a byte.
const char* Screen::TakeSome(const char* p, const char* end) {
  if (parser_.ground()) {
    const auto print = [this](char32_t character) { Print(character); };
    if (*p < 0) {
      ++work_;
      utf8_.Feed(*p, print);
      return p + 1;
    }
    if (utf8_.pending() == 0) {
      if (IsPrintableAscii(*p) && modes_.charsets().ascii())
        return PrintAscii(p, end);
      if (*p >= '\b' && *p <= '\r') {
        ++work_;
        marks_join_ = false;
        ForgetLast();
        Control(*p);
        if (doubts_ && *p == '\r') doubts_->KnowColumn();
        return p + 1;
      }
      const char* const after = parser_.TakeCsi(p, end);
      if (after != p) {
        work_ += static_cast<uint64_t>(after - p);
        Act(SequenceParser::Event::kCsi);
        return after;
      }
    }
  }
  TakeByte(*p);
  return p + 1;
}

// --- printing

GridCell* Screen::Open(int row, int from, int to) {
  GridCell* const cells = grid()[row].cells.data();
  if (cells[from].right_half() || (to < cols() && cells[to].right_half())) {
    return grid().Open(row, from, to, BlankNumber());
  }
  return cells + from;
}

const char* Screen::PrintAscii(const char* p, const char* end) {
  WrapIfWaiting();
  const int limit = RightLimit();
  const char* const stop =
      EndOfAscii(p, p + std::min<ptrdiff_t>(end - p, limit - col_));
  const auto count = static_cast<int>(stop - p);
  if (modes_.insert()) MakeRoom(count, limit);
  GridCell* cell = Open(row_, col_, col_ + count);
  const uint32_t look = PenNumber();
  for (const char* q = p; q != stop; ++q, ++cell) {
    *cell = {.glyph = static_cast<uint32_t>(*q), .look = look};
  }
  last_ = static_cast<char32_t>(stop[-1]);
  Advance(count, limit);
  work_ += 1 + static_cast<uint64_t>(count) / 8;
  return stop;
}

void Screen::TakeByte(char c) {
  ++work_;
  const SequenceParser::Event event = parser_.Take(c);
  const auto take = [this](char32_t character) { Print(character); };
  if (event == SequenceParser::Event::kPrint) return utf8_.Feed(c, take);
  utf8_.Flush(take);
  if (event == SequenceParser::Event::kShifted) {
    return PrintTranslated(
        modes_.charsets().TranslateShifted(c, parser_.intermediate()));
  }
  if (event != SequenceParser::Event::kNone) Act(event);
  if (c == kDelete) ForgetLast();
}

void Screen::Print(char32_t character) {
  if (IsC1(character)) return;  // controls are taken in their 7-bit form only
  PrintTranslated(modes_.charsets().Translate(character));
}

void Screen::PrintTranslated(char32_t character) {
  const int width = GlyphWidth(character);
  if (width == 0) return Combine(character);
  last_ = character;
  PutGlyph(character, width);
}

void Screen::PutGlyph(uint32_t glyph, int width) {
  WrapIfWaiting();
  if (width > RightLimit() - col_) {
    // Half of it would be shown.
    if (!modes_.autowrap()) {
      waits_ = false;
      return;
    }
    Wrap();
  }
  const int limit = RightLimit();
  if (modes_.insert()) MakeRoom(width, limit);
  GridCell* const cell = Open(row_, col_, col_ + width);
  const uint32_t look = PenNumber();
  *cell = {.glyph = glyph | (width == 2 ? GridCell::kWide : 0), .look = look};
  if (width == 2) cell[1] = {.glyph = GridCell::kRightHalf, .look = look};
  Advance(width, limit);
}

// Left and right of the margins, nothing is inserted.
void Screen::MakeRoom(int count, int limit) {
  if (col_ < region_.left || col_ >= region_.right) return;
  Charge(limit - col_);
  grid().Shift(row_, col_, limit, count, BlankNumber());
}

void Screen::Advance(int count, int limit) {
  col_ += count;
  waits_ = col_ >= limit;
  if (waits_) col_ = limit - 1;
  printed_last_ = true;
  marks_join_ = true;
  if (doubts_ && !doubts_->certain()) grid()[row_].known = false;
}

void Screen::WrapIfWaiting() {
  if (waits_ && modes_.autowrap()) Wrap();
}

void Screen::Wrap() {
  const bool moves =
      row_ == region_.bottom - 1 ? InRegion() : row_ + 1 < rows();
  if (col_ == cols() - 1) grid()[row_].wraps = moves;
  Index();
  col_ = region_.left;
}

void Screen::Combine(char32_t mark) {
  const Cursor at = MarkedCell();
  GridCell& cell = grid().at(at.row, at.col);
  if (cell.erased()) return;
  work_ += 12;
  tables_.AddMark(cell, mark);
}

// A mark joins what was printed last, or what is at the cursor if that has
// moved since.
Cursor Screen::MarkedCell() const {
  int col = marks_join_ && !waits_ ? col_ - 1 : col_;
  if (grid().at(row_, std::max(col, 0)).right_half()) --col;
  return {row_, std::max(col, 0)};
}

std::optional<Cursor> Screen::LastPrinted() const {
  if (!waits_ && (!marks_join_ || col_ == 0)) return std::nullopt;
  return MarkedCell();
}

// More than would fill the region twice shows the same as less.
void Screen::Repeat(int count) {
  const int width = last_ == 0 ? 0 : GlyphWidth(last_);
  if (width == 0) return;
  const int whole = std::max(region_.cells(), 1);
  if (count > 2 * whole) count = whole + count % whole;
  work_ += static_cast<uint64_t>(count);
  for (int i = 0; i < count; ++i) PutGlyph(last_, width);
  ForgetLast();
}

int Screen::RowCols(int row) const {
  const bool single = !has_row_sizes_ || grid()[row].size == RowSize::kSingle;
  return single ? cols() : std::max(cols() / 2, 2);
}

int Screen::RightLimit() const {
  const int most = RowCols(row_);
  return col_ < region_.right ? std::min(region_.right, most) : most;
}

uint32_t Screen::PenNumber() {
  if (pen_number_ == kUnknown) pen_number_ = tables_.NumberOf(pen_);
  return pen_number_;
}

uint32_t Screen::BlankNumber() {
  if (blank_number_ == kUnknown) {
    blank_number_ = tables_.NumberOf(BlankOf(pen_));
  }
  return blank_number_;
}

void Screen::Collect() {
  std::vector<Grid*> grids = {&primary_};
  if (alternate_) grids.push_back(&*alternate_);
  work_ += tables_.Collect(grids, {&pen_, &saved_[0].pen, &saved_[1].pen});
  PenHasChanged();
}

// --- certainty

void Screen::DoubtRows(Grid& grid) {
  Charge(0, rows());
  for (int row = 0; row < rows(); ++row) grid[row].known = false;
}

void Screen::Doubt(bool knows_pen) {
  doubts_.emplace(knows_pen);
  DoubtRows(primary_);
  if (alternate_) DoubtRows(*alternate_);
  for (Saved& saved : saved_) saved.known = false;
  for (Pushed& pushed : pushed_styles_) pushed.doubtful = true;
}

void Screen::OnPicture() {
  if (!doubts_) doubts_.emplace(/*knows_pen=*/true, /*knows_modes=*/true);
  doubts_->LosePlace();
  DoubtRows(grid());
}

bool Screen::known() const {
  if (!doubts_) return true;
  if (!doubts_->certain()) return false;
  for (int row = 0; row < rows(); ++row) {
    if (!grid()[row].known) return false;
  }
  return true;
}

void Screen::DoubtAfter(SequenceParser::Event event) {
  const Doubts::Rows rows = doubts_->Take(event, parser_);
  if (rows == Doubts::Rows::kAll) DoubtRows(grid());
  if (rows == Doubts::Rows::kCursors) grid()[row_].known = false;
}

// --- sequences

void Screen::Act(SequenceParser::Event event) {
  work_ += 3;
  const char final = parser_.final();
  const bool repeats = event == SequenceParser::Event::kCsi && final == 'b';
  if (!repeats) ForgetLast();
  marks_join_ = marks_join_ && MayStay(event, final);
  if (event != SequenceParser::Event::kCsi || Modes::Minds(parser_)) {
    modes_.Take(event, parser_,
                [this](Modes::Effect effect) { OnEffect(effect); });
  }
  switch (event) {
    case SequenceParser::Event::kControl:
      Control(final);
      break;
    case SequenceParser::Event::kEscape:
      Escape(parser_.intermediate(), final);
      break;
    case SequenceParser::Event::kCsi:
      Csi();
      break;
    case SequenceParser::Event::kString:  // titles, colours, pictures
      if (final == ']') SetLink(parser_.body());
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
    case SequenceParser::Event::kShifted:
      break;
  }
  // A row of double width may have come to the cursor.
  if (has_row_sizes_) Settle();
  if (doubts_) DoubtAfter(event);
}

void Screen::OnEffect(Modes::Effect effect) {
  switch (effect) {
    case Modes::Effect::kOrigin:
      return MoveTo(0, 0);
    case Modes::Effect::kRegion:
    case Modes::Effect::kMargins:
      return SetRegion();
    case Modes::Effect::kNoMargins:
      region_.left = 0;
      region_.right = cols();
      return Settle();
    case Modes::Effect::kSave:
      return Save();
    case Modes::Effect::kRestore:
      return Restore();
    case Modes::Effect::kAlternate:
      return ShowAlternate();
    case Modes::Effect::kClearAlternate:
      return ClearAlternate();
    case Modes::Effect::kPrimary:
      return ShowPrimary();
    case Modes::Effect::kAlign:
      return Align();
    case Modes::Effect::kSoftReset:
      return SoftReset();
    case Modes::Effect::kReset:
      return Reset();
    case Modes::Effect::kPushStyle:
      return PushStyle();
    case Modes::Effect::kPopStyle:
      return PopStyle();
    case Modes::Effect::kPicture:
      return OnPicture();
    case Modes::Effect::kGuard:
      pen_.is_guarded = modes_.guard().on();
      return PenHasChanged();
  }
}

void Screen::Control(char c) {
  switch (c) {
    case '\b':
      return MoveLeft(1);
    case '\t':
      return Tab(1);
    case '\n':
    case '\v':
    case '\f':
      Index();
      if (modes_.new_line()) Return();
      return;
    case '\r':
      return Return();
    default:
      return;
  }
}

void Screen::Escape(char intermediate, char final) {
  if (intermediate == '#') return SetRowSize(final);
  if (intermediate != 0) return;
  switch (final) {
    case '6':
      return ReverseColumns();
    case '9':
      return ForwardColumns();
    case 'D':
      return Index();
    case 'E':
      Index();
      return Return();
    case 'H':
      return tabs_.Set(col_, true);
    case 'M':
      return ReverseIndex();
    default:
      return;
  }
}

void Screen::Csi() {
  const Parameters parameters(parser_.body());
  const char final = parser_.final();
  const int first = parameters.At(0);
  const int count = std::max(first, 1);
  const bool selective = parser_.prefix() == '?';
  if (parser_.intermediate() != 0) {
    if (parser_.prefix() == 0) Extended(parameters);
    return;
  }
  if (selective && final == 'J') return EraseInDisplay(first, true);
  if (selective && final == 'K') return EraseInLine(first, true);
  if (selective && final == 'W' && first == 5) {
    tabs_ = TabStops(cols());
    return;
  }
  if (parser_.prefix() != 0 || (parameters.any_joined() && final != 'm')) {
    return;
  }
  switch (final) {
    case '@':
    case 'L':
    case 'M':
    case 'P':
    case 'S':
    case 'X':
    case '^':
      return Edit(final, count);
    case 'A':
    case 'B':
    case 'C':
    case 'D':
    case 'E':
    case 'F':
    case 'a':
    case 'e':
    case 'j':
    case 'k':
      return MoveBy(final, count);
    case 'G':
    case '`':
      return MoveTo(row_ - Home().row, count - 1);
    case 'H':
    case 'f':
      return MoveTo(count - 1, std::max(parameters.At(1), 1) - 1);
    case 'I':
      return Tab(count);
    case 'J':
      return EraseInDisplay(first, false);
    case 'K':
      return EraseInLine(first, false);
    case 'T':  // with 0 or more parameters, it is about a mouse
      if (parameters.size() > 1) return;
      if (first != 0 || parameters.missing(0)) Edit('T', count);
      return;
    case 'Z':
      return BackTab(count);
    case 'b':
      return Repeat(count);
    case 'd':
      return MoveTo(count - 1, col_ - Home().col);
    case 'g':
      if (first == 0) tabs_.Set(col_, false);
      if (first == 3) tabs_.Clear();
      return;
    case 'm':
      ApplySgr(parameters, pen_.style);
      return PenHasChanged();
    default:
      return;
  }
}

// The sequences with an intermediate.
void Screen::Extended(const Parameters& parameters) {
  const int count = std::max(parameters.At(0), 1);
  const char final = parser_.final();
  switch (parser_.intermediate()) {
    case ' ':
      if (final == '@') ShiftColumns(region_.left, -count);
      if (final == 'A') ShiftColumns(region_.left, count);
      return;
    case '\'':
      if (final == '}') ShiftColumns(col_, count);
      if (final == '~') ShiftColumns(col_, -count);
      return;
    case '*':
      if (final == 'x') in_rectangles_ = parameters.At(0) == 2;
      return;
    case '$':
      return Rectangle(final, parameters);
    default:
      return;
  }
}

// --- the cursor

// What MoveTo() counts from.
Cursor Screen::Home() const {
  if (!modes_.origin()) return {};
  return {region_.top, region_.left};
}

void Screen::MoveTo(int row, int col) {
  const Area within = modes_.origin() ? region_ : grid().all();
  row_ = std::clamp(row + within.top, within.top, within.bottom - 1);
  col_ = std::clamp(col + within.left, within.left, within.right - 1);
  col_ = std::min(col_, RowCols(row_) - 1);
  waits_ = false;
}

void Screen::MoveBy(char final, int count) {
  switch (final) {
    case 'A':
    case 'F':
    case 'k':
      row_ = std::max(row_ - count, row_ >= region_.top ? region_.top : 0);
      break;
    case 'B':
    case 'E':
      row_ = std::min(row_ + count,
                      (row_ < region_.bottom ? region_.bottom : rows()) - 1);
      break;
    case 'C':
      col_ = std::min(col_ + count, RightLimit() - 1);
      break;
    case 'D':
    case 'j':
      MoveLeft(count);
      break;
    case 'a':
      return MoveTo(row_ - Home().row, col_ - Home().col + count);
    default:
      return MoveTo(row_ - Home().row + count, col_ - Home().col);
  }
  col_ = std::min(col_, RowCols(row_) - 1);
  waits_ = false;
  if (final == 'E' || final == 'F') Return();
}

// With reverse wrap, the cursor goes on at the end of the row above, and from
// the first row at the last one.
void Screen::MoveLeft(int count) {
  const bool wraps = modes_.reverse_wrap() && modes_.autowrap();
  if (wraps && waits_) --count;
  waits_ = false;
  for (;;) {
    const int left = col_ >= region_.left ? region_.left : 0;
    const int by = std::min(count, col_ - left);
    col_ -= by;
    count -= by;
    if (count == 0 || !wraps) return;
    if (row_ == region_.top) {
      row_ = region_.bottom - 1;
    } else {
      row_ = row_ == 0 ? rows() - 1 : row_ - 1;
    }
    --count;
    col_ = RightLimit() - 1;
    ++work_;
  }
}

void Screen::Return() {
  col_ = col_ >= region_.left || modes_.origin() ? region_.left : 0;
  waits_ = false;
}

void Screen::Index() {
  waits_ = false;
  if (row_ != region_.bottom - 1) {
    row_ = std::min(row_ + 1, rows() - 1);
  } else if (InRegion()) {
    if (doubts_) doubts_->KnowRow();
    Scroll(region_, 1);
  }
}

void Screen::ReverseIndex() {
  waits_ = false;
  if (row_ != region_.top) {
    row_ = std::max(row_ - 1, 0);
  } else if (InRegion()) {
    if (doubts_ && doubts_->row()) DoubtRows(grid());
    Scroll(region_, -1);
  }
}

void Screen::Tab(int count) {
  const int before = col_;
  const int last = RightLimit() - 1;
  for (; count > 0 && col_ < last; --count) col_ = tabs_.After(col_, last);
  work_ += static_cast<uint64_t>(col_ - before) / 4;
  waits_ = waits_ && col_ == before;
}

void Screen::BackTab(int count) {
  work_ += static_cast<uint64_t>(col_) / 4;
  for (; count > 0 && col_ > 0; --count) col_ = tabs_.Before(col_);
  col_ = std::max(col_, Home().col);
  waits_ = false;
}

// DECBI and DECFI: the cursor moves by a column, or all between the margins
// does.
void Screen::ReverseColumns() {
  if (col_ == region_.left) return ShiftColumns(col_, 1);
  col_ = std::max(col_ - 1, 0);
  waits_ = false;
}

void Screen::ForwardColumns() {
  if (col_ == region_.right - 1) return ShiftColumns(region_.left, -1);
  col_ = std::min(col_ + 1, cols() - 1);
  waits_ = false;
}

// --- editing

void Screen::Scroll(const Area& area, int count) {
  if (area.empty()) return;
  const int by = std::min(std::abs(count), area.rows());
  const bool whole = area.cols() == cols();  // then rows are exchanged
  Charge(whole ? by * cols() : area.cells(), area.rows());
  grid().Scroll(area, count, BlankNumber(), /*keeps=*/!shows_alternate_);
}

void Screen::Edit(char final, int count) {
  const bool beyond = waits_ && modes_.autowrap();
  const Area below = {row_, region_.bottom, region_.left, region_.right};
  switch (final) {
    case '@':
    case 'P':
      if (beyond || col_ < region_.left || col_ >= region_.right) return;
      Charge(region_.right - col_);
      grid().Shift(row_, col_, region_.right, final == '@' ? count : -count,
                   BlankNumber());
      if (final == 'P') grid()[row_].wraps = false;
      break;
    case 'X':
      if (beyond) return;
      EraseArea({row_, row_ + 1, col_, std::min(col_ + count, cols())},
                modes_.guard().from_all());
      grid()[row_].wraps = false;
      break;
    case 'L':
    case 'M':
      if (!InRegion()) return;
      Scroll(below, final == 'M' ? count : -count);
      col_ = region_.left;
      break;
    default:
      return Scroll(region_, final == 'S' ? count : -count);
  }
  waits_ = false;
}

void Screen::EraseInDisplay(int what, bool selective) {
  const int first = what == 0 ? row_ + 1 : 0;
  const int end = what == 1 ? row_ : rows();
  if (what == 3) {
    Charge(0, rows() + primary_.history());
    primary_.ForgetHistory();
  }
  if (what < 0 || what > 2) return;
  if (what != 2) EraseInLine(what, selective);
  EraseArea({first, end, 0, cols()}, selective || modes_.guard().from_all());
  for (int row = first; row < end; ++row) grid()[row].wraps = false;
}

// While the cursor waits to wrap, it is beyond the last character.
void Screen::EraseInLine(int what, bool selective) {
  const bool beyond = waits_ && modes_.autowrap();
  if (what < 0 || what > 2 || (what == 0 && beyond)) return;
  if (what == 0) grid()[row_].wraps = false;
  waits_ = beyond;
  EraseArea(
      {row_, row_ + 1, what == 0 ? col_ : 0, what == 1 ? col_ + 1 : cols()},
      selective || modes_.guard().from_all());
}

void Screen::EraseArea(const Area& area, bool selective) {
  if (area.empty()) return;
  Charge(area.cells(), area.rows());
  if (!selective) return grid().Erase(area, BlankNumber());
  Charge(kCellAlone * area.cells());
  const uint32_t look = BlankNumber();
  for (int row = area.top; row < area.bottom; ++row) {
    for (int col = area.left; col < area.right; ++col) {
      if (tables_.LookOf(grid().at(row, col)).is_guarded) continue;
      grid().Erase(row, col, col + 1, look);
    }
  }
}

// Moves the columns from `at` on to the right, or to the left.
void Screen::ShiftColumns(int at, int count) {
  if (!InRegion()) return;
  Charge(region_.rows() * (region_.right - at), 4 * region_.rows());
  for (int row = region_.top; row < region_.bottom; ++row) {
    grid().Shift(row, at, region_.right, count, BlankNumber());
    if (count < 0) grid()[row].wraps = false;
  }
}

Area Screen::AreaOf(const Parameters& parameters, size_t first) const {
  const Area within = modes_.origin() ? region_ : grid().all();
  const auto number = [&](size_t i, int otherwise) {
    const int given = parameters.At(first + i);
    return given == 0 ? otherwise : given;
  };
  Area area = {
      within.top + number(0, 1) - 1, within.top + number(2, within.rows()),
      within.left + number(1, 1) - 1, within.left + number(3, within.cols())};
  area.bottom = std::min(area.bottom, within.bottom);
  area.right = std::min(area.right, within.right);
  return area;
}

void Screen::Rectangle(char final, const Parameters& parameters) {
  switch (final) {
    case 'v': {  // DECCRA
      const Area from = AreaOf(parameters, 0);
      const Area to = AreaOf(parameters, 5);
      if (from.empty()) return;
      Charge(2 * from.cells(), 4 * from.rows());
      return grid().Copy(from, to.top, to.left, BlankNumber());
    }
    case 'x': {  // DECFRA
      const int character = parameters.At(0);
      const bool graphic = (character >= 0x20 && character < 0x7f) ||
                           (character >= 0xa0 && character < 0x100);
      if (graphic)
        Fill(AreaOf(parameters, 1), static_cast<char32_t>(character));
      return;
    }
    case 'z':  // DECERA
      return EraseArea(AreaOf(parameters, 0), false);
    case '{':  // DECSERA
      return BlankArea(AreaOf(parameters, 0));
    case 'r':  // DECCARA
    case 't':  // DECRARA
      return ChangeLooks(AreaOf(parameters, 0), parameters, final == 't');
    default:
      return;
  }
}

// Takes away characters that aren't protected by DECSCA, but not their looks.
void Screen::BlankArea(const Area& area) {
  if (area.empty()) return;
  Charge(kCellAlone * area.cells());
  for (int row = area.top; row < area.bottom; ++row) {
    for (int col = area.left; col < area.right; ++col) {
      const GridCell before = grid().at(row, col);
      if (tables_.LookOf(before).is_guarded && !modes_.guard().from_all())
        continue;
      *Open(row, col, col + 1) = {.glyph = ' ', .look = before.look};
    }
  }
}

void Screen::Fill(const Area& area, char32_t character) {
  if (area.empty()) return;
  Charge(area.cells(), 2 * area.rows());
  const GridCell cell = {.glyph = character, .look = PenNumber()};
  for (int row = area.top; row < area.bottom; ++row) {
    std::fill_n(Open(row, area.left, area.right), area.cols(), cell);
  }
}

// Applies SGR to cells, or reverses attributes.  Unless DECSACE has said
// otherwise, all between the area's first cell and its last is changed.  An
// attribute becomes what the parameters make of one that is off, or on.
void Screen::ChangeLooks(const Area& area, const Parameters& parameters,
                         bool reverses) {
  if (area.empty()) return;
  const auto changed = [&](Style style) {
    for (size_t i = 4; i < std::max<size_t>(parameters.size(), 5); ++i) {
      ChangeStyle(parameters.At(i), reverses, style);
    }
    return style;
  };
  constexpr Style kOn = {.underline = Underline::kCurly,
                         .bold = true,
                         .blink = true,
                         .reverse = true};
  const Style off = changed({});
  const Style on = changed(kOn);
  for (int row = area.top; row < area.bottom; ++row) {
    const bool first = in_rectangles_ || row == area.top;
    const bool last = in_rectangles_ || row == area.bottom - 1;
    const int end = last ? area.right : cols();
    for (int col = first ? area.left : 0; col < end; ++col) {
      GridCell& cell = grid().at(row, col);
      Look look = tables_.LookOf(cell);
      Style& style = look.style;
      for (bool Style::*flag : {&Style::bold, &Style::blink, &Style::reverse}) {
        style.*flag = (style.*flag ? on : off).*flag;
      }
      if (style.underline == Underline::kNone) {
        style.underline = off.underline;
      } else if (on.underline != kOn.underline) {
        style.underline = on.underline;
      }
      cell.look = tables_.NumberOf(look);
      work_ += 2;
    }
  }
}

void Screen::Align() {
  region_ = grid().all();
  MoveTo(0, 0);
  const Look pen = std::exchange(pen_, {});
  PenHasChanged();
  EraseArea(grid().all(), false);
  Fill(grid().all(), U'E');
  work_ += static_cast<uint64_t>(grid().all().cells());
  pen_ = pen;
  PenHasChanged();
}

// --- states

void Screen::ChargeGrid() {
  Charge(kNewCell * rows() * cols(), kNewRow * rows());
}

void Screen::SetRowSize(char final) {
  const size_t which = kRowSizeFinals.find(final);
  if (which == absl::string_view::npos) return;
  grid()[row_].size = static_cast<RowSize>(which);
  has_row_sizes_ = true;
}

// Takes an OSC.  The URI of OSC 8 is kept with its parameters; one that was cut
// is none.
void Screen::SetLink(absl::string_view body) {
  if (!absl::ConsumePrefix(&body, "8;")) return;
  const size_t parameters = body.find(';');
  const bool whole = parser_.body().size() < SequenceParser::kLongestBody;
  pen_.link = 0;
  PenHasChanged();
  if (!whole || parameters + 1 >= body.size()) return;
  pen_.link = tables_.NumberOfLink(std::string(body));
}

// A region that lies below the last row is ignored, and so are margins that
// leave no two columns.
void Screen::SetRegion() {
  const bool rows_set =
      modes_.region().Within(rows(), region_.top, region_.bottom);
  const bool cols_set =
      modes_.margins().Within(cols(), region_.left, region_.right);
  if (rows_set && cols_set) MoveTo(0, 0);
}

void Screen::Save() {
  const bool known = !doubts_ || doubts_->certain();
  saved_[shows_alternate_ ? 1 : 0] = {true, known, {row_, col_, waits_}, pen_};
}

void Screen::Restore() {
  const Saved& saved = saved_[shows_alternate_ ? 1 : 0];
  if (doubts_) saved.known ? doubts_->KnowAll() : doubts_->KnowNothing();
  row_ = saved.cursor.row;
  col_ = saved.cursor.col;
  waits_ = saved.cursor.wraps;
  if (modes_.origin()) {
    row_ = std::clamp(row_, region_.top, region_.bottom - 1);
    col_ = std::clamp(col_, region_.left, region_.right - 1);
  }
  Settle();
  pen_ = saved.pen;
  PenHasChanged();
}

void Screen::PushStyle() {
  if (pushed_styles_.size() == Modes::kMostPushedStyles) return;
  pushed_styles_.push_back(
      {{Parameters(parser_.body()), pen_.style}, doubts_ && doubts_->pen()});
}

void Screen::PopStyle() {
  if (modes_.pushed_styles() < pushed_styles_.size()) {
    pushed_styles_.back().style.Restore(pen_.style);
    PenHasChanged();
    if (doubts_) doubts_->SetPen(pushed_styles_.back().doubtful);
    pushed_styles_.pop_back();
  } else if (doubts_ && pushed_styles_.empty()) {
    doubts_->SetPen(true);  // it was put aside before
  }
}

// Keeps the cursor in a row that may have become shorter.  Where it waits to
// wrap, there has to be a character that can be printed again.
void Screen::Settle() {
  const int last = RowCols(row_) - 1;
  waits_ = waits_ && col_ <= last;
  col_ = std::min(col_, last);
  waits_ = waits_ && col_ == RightLimit() - 1 && !grid().at(row_, col_).wide();
}

void Screen::ShowAlternate() {
  ChargeGrid();
  const bool is_new = !alternate_;
  if (is_new) alternate_.emplace(rows(), cols(), 0);
  if (is_new && doubts_) DoubtRows(*alternate_);
  shows_alternate_ = true;
}

void Screen::ClearAlternate() {
  waits_ = false;
  EraseArea(alternate_->all(), false);
  for (int row = 0; row < rows(); ++row) (*alternate_)[row].wraps = false;
}

void Screen::ShowPrimary() {
  ChargeGrid();
  shows_alternate_ = false;
  if (alternate_->blank() && !saved_[1].set) alternate_.reset();
}

void Screen::SoftReset() {
  region_ = grid().all();
  saved_[shows_alternate_ ? 1 : 0] = {};
  pen_ = {};
  PenHasChanged();
}

void Screen::Reset() {
  doubts_.reset();
  ChargeGrid();
  primary_ = Grid(rows(), cols(), MostHistory());
  alternate_.reset();
  region_ = primary_.all();
  saved_ = {};
  pushed_styles_.clear();
  in_rectangles_ = false;
  pen_ = {};
  PenHasChanged();
  tabs_ = TabStops(cols());
  row_ = col_ = 0;
  waits_ = false;
  last_ = 0;
}

void Screen::Resize(WindowSize size) {
  if (size == size_) return;
  size_ = size;
  Cursor now = {row_, col_, waits_};
  const auto resize = [&](Grid& grid, bool reflows,
                          std::initializer_list<Cursor*> cursors) {
    Charge(2 * (grid.rows() + grid.history()) * grid.cols());
    grid.Resize(RowsOf(size), ColsOf(size), reflows, cursors);
    Charge(2 * (grid.rows() + grid.history()) * grid.cols());
  };
  if (shows_alternate_) {
    resize(*alternate_, false, {&now, &saved_[1].cursor});
    resize(primary_, true, {&saved_[0].cursor});
  } else {
    resize(primary_, true, {&now, &saved_[0].cursor});
    if (alternate_) resize(*alternate_, false, {&saved_[1].cursor});
  }
  row_ = now.row;
  col_ = now.col;
  waits_ = now.wraps;
  printed_last_ = false;
  marks_join_ = false;
  tabs_.Resize(cols());
  modes_.ForgetRegion();
  region_ = primary_.all();
  Settle();
}

// --- reading

Row Screen::ReadRow(bool alternate, int row) const {
  const GridLine& line = (alternate ? *alternate_ : primary_)[row];
  Row out{.wraps = line.wraps, .size = line.size};
  out.cells.reserve(line.cells.size());
  for (const GridCell& cell : line.cells) {
    out.cells.push_back(tables_.Read(cell));
  }
  return out;
}

std::vector<Row> Screen::Rows(bool alternate) const {
  std::vector<Row> out;
  out.reserve(static_cast<size_t>(rows()));
  for (int row = 0; row < rows(); ++row) {
    out.push_back(ReadRow(alternate, row));
  }
  return out;
}

std::vector<std::string> Screen::Scrollback() const {
  std::vector<std::string> lines;
  const int count =
      std::min(primary_.history(), static_cast<int>(most_scrollback_));
  for (int row = -count; row < 0; ++row) {
    lines.push_back(PaintLine(ReadRow(false, row)));
  }
  return lines;
}

std::string Screen::Paint(const Modes& modes, WindowSize room,
                          bool* all) const {
  Painter painter(*this, modes, room);
  std::string painted = painter.Paint();
  if (all != nullptr) *all = painter.all();
  return painted;
}

}  // namespace deptyr
