#include "lib/term/interpreter.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

// For each byte it is given, libvterm puts a number on the stack.
constexpr size_t kMostAtOnce = 960;
// Each of the characters printed at once may wrap, and scroll all rows.
constexpr size_t kMostRowsAtOnce = 48 << 10;
constexpr size_t kFewest = 24;
// A sequence that doesn't end may cost this much more than was allowed.
constexpr uint64_t kLongestSequence = 65536;
// An alternate screen that takes more bytes to paint again would take more than
// some milliseconds.
constexpr size_t kMostRepainted = 256 << 10;

bool IsAscii(char c) {
  return c >= ' ' && c < '\x7f';
}

}  // namespace

Interpreter::Interpreter(WindowSize size, size_t scrollback)
    : model_(size, scrollback),
      tabs_(model_.cols()),
      region_{0, model_.rows()} {}

Cursor Interpreter::cursor() const {
  return {model_.row(), wraps_ ? model_.cols() - 1 : model_.col(), wraps_};
}

size_t Interpreter::Write(absl::string_view bytes, uint64_t most) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  const uint64_t before = model_.work();
  const auto taken = [&] { return static_cast<size_t>(p - bytes.data()); };
  const auto enough = [&] {
    const uint64_t done = model_.work() - before + taken();
    if (done < most) return false;
    return (parser_.ground() && utf8_.pending() == 0) ||
           done - most > kLongestSequence;
  };
  while (p != end && !enough()) {
    if (IsAscii(*p) && parser_.ground() && utf8_.pending() == 0 &&
        modes_.charsets().ascii()) {
      p = TakeAscii(p, end);
    } else {
      TakeByte(*p++);
    }
  }
  FlushText();
  model_.AddWork(taken());
  return taken();
}

size_t Interpreter::MostAtOnce() const {
  return std::clamp(kMostRowsAtOnce / static_cast<size_t>(model_.rows()),
                    kFewest, kMostAtOnce);
}

const char* Interpreter::TakeAscii(const char* p, const char* end) {
  FlushText();
  const char* const begin = p;
  const char* const limit =
      p + std::min(static_cast<size_t>(end - p), MostAtOnce());
  while (p != limit && IsAscii(*p)) ++p;
  last_ = static_cast<unsigned char>(p[-1]);
  Print(absl::string_view(begin, static_cast<size_t>(p - begin)));
  return p;
}

void Interpreter::TakeByte(char c) {
  const SequenceParser::Event event = parser_.Take(c);
  const auto take = [this](char32_t character) { TakeCharacter(character); };
  if (event == SequenceParser::Event::kPrint) return utf8_.Feed(c, take);
  utf8_.Flush(take);
  FlushText();
  if (event != SequenceParser::Event::kNone) Act(event);
}

void Interpreter::TakeCharacter(char32_t character) {
  if (IsC1(character)) return;  // controls are taken in their 7-bit form only
  if (character < 0x80) {
    character = modes_.charsets().Translate(static_cast<char>(character));
  }
  const bool combines = GlyphWidth(character) == 0;
  if (combines && text_.empty()) {
    std::string marks;
    AppendUtf8(character, marks);
    Combine(marks);
    return;
  }
  if (modes_.insert() && GlyphWidth(character) == 2) MakeRoom();
  AppendUtf8(character, text_);
  if (!combines) last_ = character;
  if (text_.size() >= MostAtOnce()) FlushText();
}

// In insert mode libvterm moves what follows by one column, even for a wide
// character.
void Interpreter::MakeRoom() {
  FlushText();
  if (!wraps_ && model_.col() + 2 <= model_.cols()) model_.Write("\x1b[@");
}

void Interpreter::FlushText() {
  if (text_.empty()) return;
  Print(text_);
  text_.clear();
}

void Interpreter::Print(absl::string_view text) {
  model_.Write(text);
  at_end_ = model_.at_end();
  wraps_ = modes_.autowrap() && at_end_;
  printed_last_ = true;
}

// Marks that come after their character was printed join what is left of the
// cursor.
void Interpreter::Combine(absl::string_view marks) {
  const Cursor at = LastPrinted();
  if (at.col < 0) return;
  const Cursor before = cursor();
  Reprint(at, marks);
  if (!before.wraps) MoveTo(before.row, before.col);
  wraps_ = before.wraps;
}

// REP doesn't wrap.
void Interpreter::Repeat(int count) {
  const int width = last_ == 0 || wraps_ ? 0 : GlyphWidth(last_);
  if (width == 0) return;
  count = std::min(count, (model_.cols() - model_.col()) / width);
  std::string text;
  for (int i = 0; i < count; ++i) AppendUtf8(last_, text);
  for (absl::string_view rest = text; !rest.empty();) {
    const absl::string_view part = rest.substr(0, kMostAtOnce);
    Print(part);
    rest.remove_prefix(part.size());
  }
}

Cursor Interpreter::LastPrinted() const {
  Cursor at = cursor();
  if (!wraps_ && !(printed_last_ && at_end_)) --at.col;
  if (at.col > 0 && model_.ReadCell(at.row, at.col).width == 0) --at.col;
  return at;
}

// Prints what is there again, which leaves the cursor after it: in the last
// column, waiting to wrap.
void Interpreter::Reprint(const Cursor& at, absl::string_view marks) {
  const Cell cell = model_.ReadCell(at.row, at.col);
  std::string text;
  cell.AppendTo(text);
  if (cell.erased() && marks.empty()) text += "\x1b[K";
  MoveTo(at.row, at.col);
  model_.SetPen(cell.style);
  WithPlainModes(absl::StrCat(text, marks));
  model_.SetPen(pen_);
}

void Interpreter::WithPlainModes(absl::string_view bytes) {
  if (modes_.insert()) model_.Write("\x1b[4l");
  if (!modes_.autowrap()) model_.Write("\x1b[?7h");
  model_.Write(bytes);
  if (modes_.insert()) model_.Write("\x1b[4h");
  if (!modes_.autowrap()) model_.Write("\x1b[?7l");
}

void Interpreter::MoveTo(int row, int col) {
  row = std::max(row - (modes_.origin() ? region_.top : 0), 0);
  model_.Write(absl::StrCat("\x1b[", row + 1, ";", col + 1, "H"));
}

void Interpreter::Settle(const Cursor& cursor) {
  MoveTo(cursor.row, cursor.col);
  wraps_ = cursor.wraps && model_.col() == model_.cols() - 1;
  if (wraps_) Reprint(LastPrinted(), "");
}

void Interpreter::Resize(WindowSize size) {
  const Cursor before = cursor();
  if (!whole_region()) {
    region_ = Whole();
    WriteRegion();
  }
  EraseRowsBelow(before.row, model_.rows() - size.rows);
  Settle(before);
  const int row = model_.row();
  const int col = model_.col();
  model_.Resize(size);
  wraps_ = wraps_ && model_.row() == row && model_.col() == col;
  printed_last_ = false;
  tabs_.Resize(model_.cols());
  modes_.ForgetRegion();
  region_ = Whole();
  Confine(saved_.cursor);
  Confine(saved_primary_.cursor);
}

void Interpreter::Confine(Cursor& cursor) const {
  cursor.row = std::min(cursor.row, model_.rows() - 1);
  cursor.col = std::min(cursor.col, model_.cols() - 1);
  cursor.wraps = cursor.wraps && cursor.col == model_.cols() - 1;
}

// A screen that gets smaller loses rows below the cursor first, as in tmux, and
// then rows at the top.  libvterm would keep those below, and the cursor would
// end up above the top.
void Interpreter::EraseRowsBelow(int row, int count) {
  const int last = model_.rows() - 1;
  count = std::min(count, last - row);
  if (count <= 0) return;
  MoveTo(last - count + 1, 0);
  model_.SetPen({});
  model_.Write("\x1b[J");
  model_.SetPen(pen_);
}

std::vector<Row> Interpreter::Rows() const {
  std::vector<Row> rows;
  rows.reserve(static_cast<size_t>(model_.rows()));
  for (int row = 0; row < model_.rows(); ++row) {
    rows.push_back(model_.ReadRow(row));
  }
  return rows;
}

// The alternate screen is blank when it is entered again, so it has to be
// painted.
bool Interpreter::LookBeneath(absl::FunctionRef<void()> look) {
  const auto set_pen = [](const Style&, const Style& to, std::string& out) {
    out += Model::PenSequence(to);
  };
  // The rows are painted one by one, because libvterm's stack is limited
  // (kMostAtOnce).
  std::vector<std::string> shown;
  std::string painted;
  RowPainter painter(set_pen, painted);
  painter.Begin();
  size_t size = 0;
  for (int row = 0; row < model_.rows(); ++row) {
    painter.PaintRow(model_.ReadRow(row), row);
    size += painted.size();
    if (size > kMostRepainted) return false;
    shown.push_back(std::exchange(painted, ""));
  }
  const Cursor before = cursor();
  model_.ShowAlternate(false);
  look();
  model_.SetPen({});
  model_.ShowAlternate(true);
  model_.Write("\x1b[?6l\x1b[r\x1b[20l");
  for (const std::string& row : shown) WithPlainModes(row);
  if (modes_.new_line()) model_.Write("\x1b[20h");
  WriteRegion();
  if (modes_.origin()) model_.Write("\x1b[?6h");
  model_.SetPen(pen_);
  Settle(before);
  return true;
}

void Interpreter::Act(SequenceParser::Event event) {
  const char final = parser_.final();
  const bool repeats = event == SequenceParser::Event::kCsi && final == 'b';
  if (!repeats) {
    printed_last_ = false;
    last_ = 0;
  }
  modes_.Take(event, parser_,
              [this](Modes::Effect effect) { OnEffect(effect); });
  switch (event) {
    case SequenceParser::Event::kControl:
      if (final >= '\b' && final <= '\r') Edit(absl::string_view(&final, 1));
      break;
    case SequenceParser::Event::kEscape:
      Escape();
      break;
    case SequenceParser::Event::kCsi:
      Csi();
      break;
    case SequenceParser::Event::kNone:
    case SequenceParser::Event::kPrint:
    case SequenceParser::Event::kString:  // titles, colours, pictures
      break;
  }
}

void Interpreter::OnEffect(Modes::Effect effect) {
  switch (effect) {
    case Modes::Effect::kInsert:
      return model_.Write(modes_.insert() ? "\x1b[4h" : "\x1b[4l");
    case Modes::Effect::kNewLine:
      return model_.Write(modes_.new_line() ? "\x1b[20h" : "\x1b[20l");
    case Modes::Effect::kAutowrap:
      return model_.Write(modes_.autowrap() ? "\x1b[?7h" : "\x1b[?7l");
    case Modes::Effect::kOrigin:
      return Edit(modes_.origin() ? "\x1b[?6h" : "\x1b[?6l");
    case Modes::Effect::kRegion:
      return SetRegion();
    case Modes::Effect::kSave:
      saved_ = {true, cursor(), pen_, modes_.saved()};
      return;
    case Modes::Effect::kRestore:
      return Restore(saved_);
    case Modes::Effect::kAlternate:
      return ShowAlternate();
    case Modes::Effect::kPrimary:
      return model_.ShowAlternate(false);
    case Modes::Effect::kRestorePrimary:
      return Restore(saved_primary_);
    case Modes::Effect::kAlign:
      return Align();
    case Modes::Effect::kSoftReset:
      return SoftReset();
    case Modes::Effect::kReset:
      return Reset();
  }
}

// Writes a sequence that may move the cursor.  If the cursor moves, it doesn't
// wait to wrap any more.
void Interpreter::Edit(absl::string_view sequence) {
  const int row = model_.row();
  const int col = model_.col();
  model_.Write(sequence);
  // A tab stop is looked for column by column.
  model_.AddWork(static_cast<uint64_t>(std::abs(model_.col() - col)) / 4);
  wraps_ = wraps_ && model_.row() == row && model_.col() == col;
}

// Writes a sequence that moves the cursor, if only to where it is.
void Interpreter::Move(absl::string_view sequence) {
  model_.Write(sequence);
  wraps_ = false;
}

void Interpreter::Escape() {
  if (parser_.intermediate() != 0) return;
  switch (parser_.final()) {
    case 'D':
      Edit("\x1b\x44");
      break;
    case 'E':
      Edit("\x1b\x45");
      break;
    case 'M':
      Edit("\x1bM");
      break;
    case 'H':
      model_.Write("\x1bH");
      tabs_.Set(model_.col(), true);
      break;
    default:
      break;
  }
}

void Interpreter::ClearTabs(int what) {
  if (what == 0) tabs_.Set(model_.col(), false);
  if (what == 3) {
    tabs_.Clear();
    model_.AddWork(static_cast<uint64_t>(model_.cols()) / 4);
  }
  model_.Write(absl::StrCat("\x1b[", what, "g"));
}

void Interpreter::Align() {
  region_ = Whole();
  WriteRegion();
  wraps_ = false;
  model_.SetPen({});
  model_.Write("\x1b#8");
  model_.SetPen(pen_);
}

void Interpreter::Csi() {
  constexpr absl::string_view kMoves = "ABCDEFGHadefjk`";
  constexpr absl::string_view kEdits = "@ILMPSXZ";
  if (parser_.intermediate() != 0) return;
  const Parameters parameters(parser_.body());
  const char final = parser_.final();
  const bool erases = final == 'J' || final == 'K';
  // With '?' it spares what is protected, and nothing is protected here.
  if (erases && parser_.prefix() == '?') return Erase(final, parameters);
  if (parser_.prefix() != 0) return;
  const auto sequence = [&] {
    return absl::StrCat("\x1b[", parameters.At(0, 1), ";", parameters.At(1, 1),
                        absl::string_view(&final, 1));
  };
  if (absl::StrContains(kMoves, final)) return Move(sequence());
  if (absl::StrContains(kEdits, final)) return Edit(sequence());
  if (erases) return Erase(final, parameters);
  switch (final) {
    case 'm': {
      Style style = pen_;
      ApplySgr(parameters, style);
      SetPen(style);
      break;
    }
    case 'T':  // with more parameters, it is about a mouse
      if (parameters.size() < 2) Edit(sequence());
      break;
    case 'b':
      Repeat(std::max(parameters.At(0, 1), 1));
      break;
    case 'g':
      ClearTabs(parameters.At(0));
      break;
    default:
      break;
  }
}

void Interpreter::Erase(char final, const Parameters& parameters) {
  const int what = parameters.At(0);
  if (final == 'J' && what == 3) model_.ForgetScrollback();
  if (what > 2) return;
  Edit(absl::StrCat("\x1b[", what, absl::string_view(&final, 1)));
}

void Interpreter::SetPen(const Style& style) {
  if (style == pen_) return;
  pen_ = style;
  model_.SetPen(style);
}

void Interpreter::ShowAlternate() {
  saved_primary_ = {};
  if (modes_.alternate_mode() == 1049) {
    saved_primary_ = {true, cursor(), pen_, modes_.saved_primary()};
  }
  model_.SetPen({});  // its cells are erased with the pen
  model_.ShowAlternate(true);
  model_.SetPen(pen_);
}

// A region that lies below the last row is ignored.
void Interpreter::SetRegion() {
  const auto [top, bottom] = modes_.region();
  const int rows = model_.rows();
  const Region region = {std::max<int>(top, 1) - 1,
                         bottom == 0 ? rows : std::min<int>(bottom, rows)};
  if (region.bottom <= region.top + 1) return;
  region_ = region;
  WriteRegion();
  wraps_ = false;
}

// Moves the cursor to the top left.
void Interpreter::WriteRegion() {
  if (whole_region()) {
    model_.Write("\x1b[r");
  } else {
    model_.Write(
        absl::StrCat("\x1b[", region_.top + 1, ";", region_.bottom, "r"));
  }
}

void Interpreter::Restore(const Saved& saved) {
  Edit(modes_.origin() ? "\x1b[?6h" : "\x1b[?6l");
  SetPen(saved.pen);
  Settle(saved.cursor);
}

void Interpreter::SoftReset() {
  const Cursor before = cursor();
  region_ = Whole();
  saved_ = {};
  model_.Write("\x1b[4l\x1b[?6l\x1b[?7h");
  WriteRegion();
  SetPen({});
  Settle(before);
}

void Interpreter::Reset() {
  wraps_ = false;
  region_ = Whole();
  saved_ = {};
  pen_ = {};
  last_ = 0;
  tabs_ = TabStops(model_.cols());
  model_.Write("\x1b\x63");
}

}  // namespace deptyr
