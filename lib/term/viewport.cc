#include "lib/term/viewport.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

#include "lib/term/painter.h"

namespace deptyr {
namespace {

// A drawing stops after so much work: bytes that are made, for rows that turn
// out to be shown already, too, and so many for every cell that is looked at.
// The cells of the largest screen are half of it.
constexpr size_t kMostWork = 1 << 20;
constexpr size_t kWorkOfCell = 8;

size_t Hash(const std::string& text) {
  return absl::Hash<std::string>()(text);
}

// The first of `room` places that are shown of `count`, so that `at` is one of
// them, and as few move as can be.
int FirstShown(int first, int at, int count, int room) {
  if (count <= room) return 0;
  return std::clamp(std::clamp(first, at - room + 1, at), 0, count - room);
}

// Keeps the cells that are shown; half of a wide character is shown as a blank.
Row Shown(Row row, int left, int room) {
  if (row.size != RowSize::kSingle) {
    // Each of its characters has two columns.
    row.cells.resize(row.cells.size() / 2);
    left /= 2;
    room /= 2;
  }
  std::vector<Cell>& cells = row.cells;
  const auto count = static_cast<int>(cells.size());
  const int begin = std::min(left, count);
  const int end = std::min(left + room, count);
  const auto blank = [](Cell& cell) { cell = {.style = cell.style}; };
  if (begin < end && cells[static_cast<size_t>(begin)].width == 0) {
    blank(cells[static_cast<size_t>(begin)]);
  }
  if (begin < end && cells[static_cast<size_t>(end - 1)].width == 2) {
    blank(cells[static_cast<size_t>(end - 1)]);
  }
  cells.erase(cells.begin() + end, cells.end());
  cells.erase(cells.begin(), cells.begin() + begin);
  return row;
}

}  // namespace

void Viewport::OnReset() {
  modes_ = {};
  cursor_visible_ = true;
  defaced_ = true;
}

std::string Viewport::Draw(const Screen& screen, const Modes& modes,
                           WindowSize room) {
  out_.clear();
  DrawModes(modes, screen, room);
  Scroll(screen, room);
  if (std::exchange(defaced_, false)) {
    out_ += "\x1b[m\x1b[H\x1b[2J";
    rows_.clear();
    next_ = 0;
  }
  const int count = std::min<int>(
      screen.rows() + (border_ == Border::kNone ? 0 : 1), room.rows);
  // Rows that aren't there any more are drawn as blanks.
  const int most = std::max(count, static_cast<int>(rows_.size()));
  rows_.resize(static_cast<size_t>(most), Hash(""));
  size_t work = 0;
  int done = 0;
  for (; done < most && work < kMostWork; ++done) {
    const int i = (next_ + done) % most;
    work += DrawRow(screen, i, room);
  }
  whole_ = done == most;
  next_ = whole_ ? 0 : (next_ + done) % most;
  if (whole_) rows_.resize(static_cast<size_t>(count));
  DrawCursor(screen);
  return std::move(out_);
}

// The other screen is as somebody has left it.
void Viewport::DrawModes(const Modes& modes, const Screen& screen,
                         WindowSize room) {
  // Where only a part is shown, the mouse would be somewhere else for the
  // program.
  const bool all = screen.rows() <= room.rows && screen.cols() <= room.cols;
  Modes wanted =
      modes.WithoutPrinting(all ? Modes::Mouse::kKept : Modes::Mouse::kDropped);
  out_ += wanted.ChangeFrom(modes_);
  if (wanted.alternate() != modes_.alternate()) defaced_ = true;
  modes_ = std::move(wanted);
}

void Viewport::Scroll(const Screen& screen, WindowSize room) {
  const Cursor cursor = screen.cursor();
  top_ = FirstShown(top_, cursor.row, screen.rows(), room.rows);
  left_ = FirstShown(left_, cursor.col, screen.cols(), room.cols);
}

// The terminal erases in the usual style, and before it prints: if it waits to
// wrap after the last column, it would erase that.
size_t Viewport::DrawRow(const Screen& screen, int at, WindowSize room) {
  const bool is_there = at < std::min<int>(screen.rows(), room.rows);
  const Row row =
      is_there ? screen.ReadRow(screen.alternate_screen(), top_ + at) : Row{};
  const Row shown = Shown(row, left_, room.cols);
  std::string drawn;
  if (shown.size != RowSize::kSingle) {
    has_row_sizes_ = true;
    absl::StrAppend(&drawn, "\x1b#",
                    kRowSizeFinals.substr(static_cast<size_t>(shown.size), 1));
  }
  drawn += PaintLine(shown, Links::kKept);
  if (shown.size == RowSize::kSingle) drawn += BorderAt(screen, at, room);
  const size_t hash = Hash(drawn);
  size_t& known = rows_[static_cast<size_t>(at)];
  const size_t work = drawn.size() + row.cells.size() * kWorkOfCell;
  if (hash == known) return work;
  known = hash;
  const bool resets_size = has_row_sizes_ && shown.size == RowSize::kSingle;
  absl::StrAppend(&out_, "\x1b[", at + 1, "H", resets_size ? "\x1b#5" : "",
                  "\x1b[K", drawn);
  return work;
}

// Returns what is drawn beside a row of the program's screen, or below the last
// one.
std::string Viewport::BorderAt(const Screen& screen, int at,
                               WindowSize room) const {
  if (border_ == Border::kNone || at > screen.rows()) return "";
  const bool lines = border_ == Border::kLines;
  const bool below = at == screen.rows();
  std::string out;
  for (int i = 0; below && i < std::min<int>(screen.cols(), room.cols); ++i) {
    out += lines ? "─" : "-";
  }
  if (screen.cols() >= room.cols) return out;
  const absl::string_view corner = lines ? "┘" : "+";
  absl::StrAppend(&out, "\x1b[", at + 1, ";", screen.cols() + 1, "H",
                  below ? corner : (lines ? "│" : "|"));
  return out;
}

void Viewport::DrawCursor(const Screen& screen) {
  Cursor cursor = screen.cursor();
  cursor = {.row = cursor.row - top_, .col = cursor.col - left_};
  if (!out_.empty() || cursor != cursor_) {
    absl::StrAppend(&out_, "\x1b[", cursor.row + 1, ";", cursor.col + 1, "H");
  }
  cursor_ = cursor;
  if (screen.cursor_visible() != cursor_visible_) {
    out_ += cursor_visible_ ? "\x1b[?25l" : "\x1b[?25h";
    cursor_visible_ = !cursor_visible_;
  }
}

}  // namespace deptyr
