// Cells, as the escape sequences that paint them.  Pure.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"

#include "lib/term/cell.h"

namespace deptyr {

// Paints rows onto a screen that is blank, from the top left on, with the usual
// modes; writes nothing where there is nothing.
class RowPainter {
 public:
  using ToStyle =
      absl::FunctionRef<void(const Style&, const Style&, std::string&)>;

  // `sgr` appends what turns one style into the other.
  RowPainter(ToStyle sgr, std::string& out) : sgr_(sgr), out_(out) {}

  void Begin();
  // Each after those above it.
  void PaintRow(const Row& row, int number);
  void SetStyle(const Style& style);
  void MoveTo(int row, int col);  // by CUP

 private:
  void StartRow(int number);
  void PaintErased(const Style& style, size_t count, bool to_end);

  ToStyle sgr_;
  std::string& out_;
  Style style_;
  int row_ = 0;
};

// A row by itself, as a line of a file: ends in the usual style.
std::string PaintLine(const Row& row);

}  // namespace deptyr
