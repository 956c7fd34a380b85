// Paints cells by escape sequences.  Pure.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"

#include "lib/term/cell.h"

namespace deptyr {

// Paints rows onto a blank screen with the usual modes, and skips what is blank
// there.
//
//   std::string out;
//   RowPainter painter(AppendSgr, out);
//   painter.Begin();
//   painter.PaintRow(screen.Rows()[0], 0);
class RowPainter {
 public:
  using ToStyle =
      absl::FunctionRef<void(const Style&, const Style&, std::string&)>;

  // `sgr` appends what turns one style into the other.
  RowPainter(ToStyle sgr, std::string& out) : sgr_(sgr), out_(out) {}

  void Begin();
  // Rows are painted from the top down.
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

// Returns a row as a line of a file, which ends in the usual style, without an
// LF.
std::string PaintLine(const Row& row);

}  // namespace deptyr
