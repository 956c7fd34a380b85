#include "lib/term/interpreter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/term/paint_row.h"

namespace deptyr {
namespace {

// libvterm has as many numbers on the stack.
constexpr size_t kMostAtOnce = 960;
// Each of the characters printed at once may wrap, and scroll all rows.
constexpr size_t kMostRowsAtOnce = 48 << 10;
constexpr size_t kFewest = 24;
// What a sequence that doesn't end may cost more than was allowed.
constexpr uint64_t kLongestSequence = 65536;
// Of an alternate screen, to be painted again: some milliseconds.
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
        charsets_.ascii()) {
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
  if (event != SequenceParser::Event::kPrint) {
    if (utf8_.pending() > 0) TakeCharacter(kReplacement);
    utf8_.Forget();
    FlushText();
    if (event != SequenceParser::Event::kNone) Act(event);
    return;
  }
  Utf8Decoder::Result result = utf8_.Take(c);
  if (result == Utf8Decoder::Result::kAgain) {
    TakeCharacter(kReplacement);
    result = utf8_.Take(c);
  }
  if (result == Utf8Decoder::Result::kMore) return;
  const bool whole = result == Utf8Decoder::Result::kCharacter;
  TakeCharacter(whole ? utf8_.character() : kReplacement);
}

void Interpreter::TakeCharacter(char32_t character) {
  if (character >= 0x80 && character < 0xa0) return;  // C1: not as characters
  if (character < 0x80) {
    character = charsets_.Translate(static_cast<char>(character));
  }
  const bool combines = GlyphWidth(character) == 0;
  if (combines && text_.empty()) {
    std::string marks;
    AppendUtf8(character, marks);
    Combine(marks);
    return;
  }
  if (insert_ && GlyphWidth(character) == 2) MakeRoom();
  AppendUtf8(character, text_);
  if (!combines) last_ = character;
  if (text_.size() >= MostAtOnce()) FlushText();
}

// Inserting, libvterm moves what follows by one column even for a wide
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
  wraps_ = autowrap_ && at_end_;
  printed_last_ = true;
}

// Marks that come apart from their character join what is left of the cursor.
void Interpreter::Combine(absl::string_view marks) {
  const Cursor at = LastPrinted();
  if (at.col < 0) return;
  const Cursor before = cursor();
  Reprint(at, marks);
  if (!before.wraps) MoveTo(before.row, before.col);
  wraps_ = before.wraps;
}

// REP, which doesn't wrap.
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

// Prints again what is there, so that the cursor comes after it, waiting to
// wrap in the last column.
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
  if (insert_) model_.Write("\x1b[4l");
  if (!autowrap_) model_.Write("\x1b[?7h");
  model_.Write(bytes);
  if (insert_) model_.Write("\x1b[4h");
  if (!autowrap_) model_.Write("\x1b[?7l");
}

void Interpreter::MoveTo(int row, int col) {
  row = std::max(row - (origin_ ? region_.top : 0), 0);
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
  region_ = Whole();
  Confine(saved_.cursor);
  Confine(saved_primary_.cursor);
}

void Interpreter::Confine(Cursor& cursor) const {
  cursor.row = std::min(cursor.row, model_.rows() - 1);
  cursor.col = std::min(cursor.col, model_.cols() - 1);
  cursor.wraps = cursor.wraps && cursor.col == model_.cols() - 1;
}

// As in tmux, a screen that gets smaller loses rows below the cursor first,
// then at the top.  libvterm would keep them, and the cursor end up above the
// top.
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

// The alternate screen is blank when it is entered again: it is painted.
bool Interpreter::LookBeneath(absl::FunctionRef<void()> look) {
  const auto set_pen = [](const Style&, const Style& to, std::string& out) {
    out += Model::PenSequence(to);
  };
  // Row by row: libvterm has as many numbers on the stack as there are bytes.
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
  if (new_line_) model_.Write("\x1b[20h");
  WriteRegion();
  if (origin_) model_.Write("\x1b[?6h");
  model_.SetPen(pen_);
  Settle(before);
  return true;
}

}  // namespace deptyr
