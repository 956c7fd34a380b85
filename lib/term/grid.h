// The cells of a terminal's screen, and the lines that have left its top.
//
//   Grid grid(/*rows=*/24, /*cols=*/80, /*history=*/24);
//   *grid.Open(0, 0, 1, /*look=*/0) = {.glyph = 'x'};
//   grid.Scroll({.bottom = 24, .right = 80}, 1, /*look=*/0);
//   const bool empty = grid[-1].cells[0].erased();  // false
//
// Rows and columns are counted from 0; row -1 left the screen last.  The
// grid doesn't know what a look is.  Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "lib/term/cell.h"

namespace deptyr {

struct GridCell {
  // A code point, or the number of a text in a table.  0 was erased.
  static constexpr uint32_t kNumber = (uint32_t{1} << 21) - 1;
  static constexpr uint32_t kText = uint32_t{1} << 21;
  static constexpr uint32_t kWide = uint32_t{1} << 22;
  static constexpr uint32_t kRightHalf = uint32_t{1} << 23;

  uint32_t glyph = 0;
  uint32_t look = 0;

  bool erased() const { return glyph == 0; }
  bool wide() const { return (glyph & kWide) != 0; }
  bool right_half() const { return glyph == kRightHalf; }
  bool is_text() const { return (glyph & kText) != 0; }
  uint32_t number() const { return glyph & kNumber; }
  bool operator==(const GridCell&) const = default;
};
static_assert(sizeof(GridCell) == 8);

struct GridLine {
  std::vector<GridCell> cells = {};
  bool wraps = false;  // the next one goes on with it
  bool known = true;   // all of it is as the program wrote it
  RowSize size = RowSize::kSingle;
};

// The first row and column, and those after the last.
struct Area {
  int top = 0;
  int bottom = 0;
  int left = 0;
  int right = 0;

  int rows() const { return bottom - top; }
  int cols() const { return right - left; }
  bool empty() const { return rows() <= 0 || cols() <= 0; }
  int cells() const { return empty() ? 0 : rows() * cols(); }
  bool Has(int row, int col) const {
    return row >= top && row < bottom && col >= left && col < right;
  }
  bool operator==(const Area&) const = default;
};

class Grid {
 public:
  // Keeps up to `history` lines; more rows after it got narrower, but not more
  // cells.
  Grid(int rows, int cols, int history);

  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int history() const { return static_cast<int>(lines_.size()) - rows_; }
  void ForgetHistory();
  Area all() const { return {0, rows_, 0, cols_}; }

  GridLine& operator[](int row) { return lines_[IndexOf(row)]; }
  const GridLine& operator[](int row) const { return lines_[IndexOf(row)]; }
  GridCell& at(int row, int col) {
    return (*this)[row].cells[static_cast<size_t>(col)];
  }
  const GridCell& at(int row, int col) const {
    return (*this)[row].cells[static_cast<size_t>(col)];
  }

  // Makes wide characters that lie across an edge of these columns blanks of
  // this look.  Returns the first of the cells.
  GridCell* Open(int row, int from, int to, uint32_t look) {
    GridCell* const data = (*this)[row].cells.data();
    if (data[from].right_half()) Split(data + from, look);
    if (to < cols_ && data[to].right_half()) Split(data + to, look);
    return data + from;
  }
  void Erase(int row, int from, int to, uint32_t look);
  void Erase(const Area& area, uint32_t look);
  // Moves the cells from `at` on to the right, or to the left if `count` is
  // negative; those that would pass `right` are lost.
  void Shift(int row, int at, int right, int count, uint32_t look);
  // Moves the rows of an area up, or down if `count` is negative.  With
  // `keeps`, a line that leaves the top of the screen becomes history.
  void Scroll(const Area& area, int count, uint32_t look, bool keeps = false);
  void Copy(const Area& from, int row, int col, uint32_t look);
  // Whether nothing was written on the screen.
  bool blank() const;

  // Cursors stay with the characters they are on.  Lines are wrapped anew if
  // `reflows`, and cut otherwise.
  void Resize(int rows, int cols, bool reflows,
              absl::Span<Cursor* const> cursors);

 private:
  static void Split(GridCell* right_half, uint32_t look) {
    right_half[0] = right_half[-1] = {.glyph = ' ', .look = look};
  }
  size_t IndexOf(int row) const {
    const size_t index =
        first_ +
        static_cast<size_t>(row + static_cast<int>(lines_.size()) - rows_);
    return index < lines_.size() ? index : index - lines_.size();
  }
  int MostHistory() const { return most_history_ * widest_ / cols_; }
  void ScrollAll(int bottom, uint32_t look);
  void Straighten();
  void Cut(int cols);
  void Reflow(int cols, absl::Span<Cursor* const> cursors);
  void SetRows(int rows, absl::Span<Cursor* const> cursors);
  void Clear(GridLine& line, uint32_t look) const;

  int rows_;
  int cols_;
  int most_history_;
  int widest_;  // since it was made
  // The history and the screen, in a circle: the oldest line is at first_.
  std::vector<GridLine> lines_;
  size_t first_ = 0;
};

}  // namespace deptyr
