#include "lib/term/grid.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace deptyr {
namespace {

// How much of a line there is to wrap: cells that were erased in the usual look
// at its end are left out.
size_t UsedLength(const GridLine& line) {
  size_t length = line.cells.size();
  while (length > 0 && line.cells[length - 1] == GridCell()) --length;
  return length;
}

// Where a wide character would be cut by the edge before `col`, it ends one
// column earlier.
size_t FitLength(const std::vector<GridCell>& cells, size_t from, size_t cols) {
  const size_t end = from + cols;
  if (end >= cells.size()) return cells.size() - from;
  return cells[end].right_half() ? cols - 1 : cols;
}

// Wraps lines anew, and finds where the cursors are then.
class Wrapper {
 public:
  Wrapper(size_t cols, std::vector<GridLine>& out) : cols_(cols), out_(out) {}

  // The place in the present line of a column of the part that comes next.
  size_t PlaceOf(size_t col) const { return cells_.size() + col; }
  void Add(GridLine& part) {
    const bool whole = part.wraps;
    // A wide character that didn't fit has left the last column alone.
    size_t length = whole ? part.cells.size() : UsedLength(part);
    if (whole && length > 0 && part.cells[length - 1].erased()) --length;
    if (cells_.empty()) size_ = part.size;
    known_ = known_ && part.known;
    cells_.insert(cells_.end(), part.cells.begin(),
                  part.cells.begin() + static_cast<ptrdiff_t>(length));
  }
  // Ends the line; returns the index of its first row.
  size_t End() {
    const size_t first = out_.size();
    length_ = cells_.size();
    starts_.clear();
    size_t at = 0;
    do {
      const size_t length = FitLength(cells_, at, cols_);
      GridLine row{.known = known_, .size = size_};
      row.cells.assign(cells_.begin() + static_cast<ptrdiff_t>(at),
                       cells_.begin() + static_cast<ptrdiff_t>(at + length));
      row.cells.resize(cols_);
      starts_.push_back(at);
      at += length;
      row.wraps = at < cells_.size();
      out_.push_back(std::move(row));
    } while (at < cells_.size());
    cells_.clear();
    known_ = true;
    return first;
  }
  // The length of the line that has just ended.
  size_t length() const { return length_; }
  // The row, counted from its first, and the column of a place in it.
  std::pair<size_t, size_t> Find(size_t place) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), place);
    const auto row = static_cast<size_t>(after - starts_.begin()) - 1;
    return {row, place - starts_[row]};
  }

 private:
  const size_t cols_;
  std::vector<GridLine>& out_;
  std::vector<GridCell> cells_;
  std::vector<size_t> starts_;
  size_t length_ = 0;
  RowSize size_ = RowSize::kSingle;
  bool known_ = true;
};

}  // namespace

Grid::Grid(int rows, int cols, int history)
    : rows_(rows), cols_(cols), most_history_(history), widest_(cols) {
  lines_.resize(static_cast<size_t>(rows));
  for (GridLine& line : lines_) line.cells.resize(static_cast<size_t>(cols));
}

void Grid::Clear(GridLine& line, uint32_t look) const {
  line.cells.resize(static_cast<size_t>(cols_));
  std::fill(line.cells.begin(), line.cells.end(), GridCell{.look = look});
  line.wraps = false;
  line.known = true;
  line.size = RowSize::kSingle;
}

void Grid::Straighten() {
  std::rotate(lines_.begin(), lines_.begin() + static_cast<ptrdiff_t>(first_),
              lines_.end());
  first_ = 0;
}

void Grid::ForgetHistory() {
  Straighten();
  lines_.erase(lines_.begin(), lines_.begin() + history());
}

void Grid::Erase(int row, int from, int to, uint32_t look) {
  if (from >= to) return;
  std::fill_n(Open(row, from, to, look), to - from, GridCell{.look = look});
  if (to < cols_ || from > 0) return;
  GridLine& line = (*this)[row];
  line.known = true;
  line.size = RowSize::kSingle;
}

void Grid::Erase(const Area& area, uint32_t look) {
  for (int row = area.top; row < area.bottom; ++row) {
    Erase(row, area.left, area.right, look);
  }
}

void Grid::Shift(int row, int at, int right, int count, uint32_t look) {
  const int most = right - at;
  const int by = std::min(std::abs(count), most);
  if (by <= 0) return;
  GridCell* const begin = Open(row, at, right, look);
  GridCell* const end = begin + most;
  if (count > 0) {
    // A wide character would be cut there.
    (void)Open(row, at, right - by, look);
    std::move_backward(begin, end - by, end);
    std::fill_n(begin, by, GridCell{.look = look});
  } else {
    if (by < most) (void)Open(row, at + by, right, look);
    std::move(begin + by, end, begin);
    std::fill_n(end - by, by, GridCell{.look = look});
  }
}

// The screen's first `bottom` rows move up by one, and the first becomes
// history.
void Grid::ScrollAll(int bottom, uint32_t look) {
  if (history() < MostHistory()) {
    Straighten();
    lines_.emplace_back();
  } else {
    first_ = IndexOf(1 - history());
  }
  for (int row = rows_ - 1; row >= bottom; --row) {
    std::swap((*this)[row], (*this)[row - 1]);
  }
  Clear((*this)[bottom - 1], look);
}

void Grid::Scroll(const Area& area, int count, uint32_t look, bool keeps) {
  const int by = std::min(std::abs(count), area.rows());
  if (by == 0 || area.empty()) return;
  const bool whole = area.cols() == cols_;
  if (whole && keeps && count > 0 && area.top == 0) {
    for (int i = 0; i < by; ++i) ScrollAll(area.bottom, look);
    return;
  }
  // From the side where rows are lost to the other.
  const int step = count > 0 ? 1 : -1;
  int row = count > 0 ? area.top : area.bottom - 1;
  for (int left = area.rows() - by; left > 0; --left, row += step) {
    if (whole) {
      std::swap((*this)[row], (*this)[row + step * by]);
    } else {
      GridCell* const from = Open(row + step * by, area.left, area.right, look);
      std::copy_n(from, area.cols(), Open(row, area.left, area.right, look));
    }
  }
  if (area.bottom == rows_) (*this)[rows_ - 1].wraps = false;
  for (int left = by; left > 0; --left, row += step) {
    if (whole) {
      Clear((*this)[row], look);
    } else {
      Erase(row, area.left, area.right, look);
    }
  }
}

void Grid::Copy(const Area& from, int row, int col, uint32_t look) {
  const int rows = std::min(from.rows(), rows_ - row);
  const int cols = std::min(from.cols(), cols_ - col);
  if (rows <= 0 || cols <= 0) return;
  const bool down = row > from.top;
  std::vector<GridCell> cells;
  for (int i = 0; i < rows; ++i) {
    const int n = down ? rows - 1 - i : i;
    const GridCell* const begin = &at(from.top + n, from.left);
    cells.assign(begin, begin + cols);
    if (cells.front().right_half()) cells.front().glyph = ' ';
    if (cells.back().wide()) cells.back().glyph = ' ';
    std::copy(cells.begin(), cells.end(), Open(row + n, col, col + cols, look));
  }
}

bool Grid::blank() const {
  for (int row = 0; row < rows_; ++row) {
    if (UsedLength((*this)[row]) > 0) return false;
  }
  return true;
}

void Grid::Resize(int rows, int cols, bool reflows,
                  absl::Span<Cursor* const> cursors) {
  Straighten();
  if (cols != cols_) reflows ? Reflow(cols, cursors) : Cut(cols);
  if (rows != rows_) SetRows(rows, cursors);
  lines_.back().wraps = false;
  for (Cursor* const cursor : cursors) {
    cursor->row = std::clamp(cursor->row, 0, rows_ - 1);
    cursor->wraps = cursor->wraps && cursor->col == cols_ - 1;
    cursor->col = std::min(cursor->col, cols_ - 1);
  }
}

void Grid::Cut(int cols) {
  for (int row = -history(); row < rows_; ++row) {
    if (cols < cols_) (void)Open(row, 0, cols, 0);
    GridLine& line = (*this)[row];
    line.cells.resize(static_cast<size_t>(cols));
    line.wraps = false;
  }
  cols_ = cols;
}

// The first row shown stays the first one if there is enough below it, as in
// tmux; blank rows at the end make room for what takes more rows now.
void Grid::Reflow(int cols, absl::Span<Cursor* const> cursors) {
  std::vector<GridLine> before = std::exchange(lines_, {});
  const int history = static_cast<int>(before.size()) - rows_;
  Wrapper wrapper(static_cast<size_t>(cols), lines_);
  size_t top = 0;
  size_t last = 0;  // with something in it
  std::vector<int> rows(cursors.size());
  std::vector<std::pair<int, size_t>> places;  // of which cursor; -1 is the top
  for (size_t i = 0; i < before.size(); ++i) {
    const int row = static_cast<int>(i) - history;
    if (row == 0) places.emplace_back(-1, wrapper.PlaceOf(0));
    for (size_t n = 0; n < cursors.size(); ++n) {
      if (cursors[n]->row != row) continue;
      const int col = cursors[n]->col + (cursors[n]->wraps ? 1 : 0);
      places.emplace_back(static_cast<int>(n),
                          wrapper.PlaceOf(static_cast<size_t>(col)));
    }
    const bool goes_on = before[i].wraps && i + 1 < before.size();
    if (UsedLength(before[i]) > 0) last = lines_.size();
    wrapper.Add(before[i]);
    if (goes_on) continue;
    const bool used = last == lines_.size();
    const size_t first = wrapper.End();
    if (used) last = lines_.size() - 1;
    for (const auto& [n, place] : std::exchange(places, {})) {
      const auto [down, col] = wrapper.Find(place);
      if (n < 0) {
        top = first + down;
        continue;
      }
      Cursor& cursor = *cursors[static_cast<size_t>(n)];
      rows[static_cast<size_t>(n)] = static_cast<int>(first + down);
      cursor.col = static_cast<int>(col);
      cursor.wraps = cursor.col == cols && place == wrapper.length();
      if (cursor.wraps) cursor.col = cols - 1;
    }
  }
  cols_ = cols;
  widest_ = std::max(widest_, cols);
  for (const int row : rows) last = std::max(last, static_cast<size_t>(row));
  const auto wanted = static_cast<size_t>(rows_);
  while (lines_.size() > top + wanted && lines_.size() > last + 1) {
    lines_.pop_back();
  }
  while (lines_.size() < wanted) Clear(lines_.emplace_back(), 0);
  top = lines_.size() - wanted;
  for (size_t n = 0; n < cursors.size(); ++n) {
    cursors[n]->row = rows[n] - static_cast<int>(top);
  }
  const int surplus = static_cast<int>(top) - MostHistory();
  if (surplus > 0) lines_.erase(lines_.begin(), lines_.begin() + surplus);
}

// A screen that gets smaller loses rows below the cursor first, and then rows
// at the top; one that gets larger takes back what left the top, as in tmux.
void Grid::SetRows(int rows, absl::Span<Cursor* const> cursors) {
  const int cursor = cursors.empty() ? rows_ - 1 : cursors[0]->row;
  int moved = 0;
  if (rows < rows_) {
    const int below = std::min(rows_ - rows, rows_ - 1 - cursor);
    lines_.resize(lines_.size() - static_cast<size_t>(below));
    moved = -(rows_ - rows - below);
  } else {
    moved = std::min(rows - rows_, history());
    for (int i = rows_ + moved; i < rows; ++i) Clear(lines_.emplace_back(), 0);
  }
  rows_ = rows;
  for (Cursor* const each : cursors) each->row += moved;
  const int surplus = history() - MostHistory();
  if (surplus > 0) lines_.erase(lines_.begin(), lines_.begin() + surplus);
}

}  // namespace deptyr
