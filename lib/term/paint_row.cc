#include "lib/term/paint_row.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

// Whether the cell is as it is on a blank screen.
bool IsUntouched(const Cell& cell) {
  return cell.erased() && cell.style == Style{};
}

template <typename Predicate>
size_t LengthWithout(const Row& row, Predicate trailing) {
  size_t length = row.size();
  while (length > 0 && trailing(row[length - 1])) --length;
  return length;
}

// How many cells from `col` on were erased in the same style.
size_t ErasedAt(const Row& row, size_t col) {
  const size_t begin = col;
  while (col < row.size() && row[col].erased() &&
         row[col].style == row[begin].style) {
    ++col;
  }
  return col - begin;
}

std::string Count(size_t count) {
  return count == 1 ? "" : absl::StrCat(count);
}

}  // namespace

void RowPainter::Begin() {
  MoveTo(0, 0);
  row_ = 0;
}

void RowPainter::PaintRow(const Row& row, int number) {
  const size_t length = LengthWithout(row, IsUntouched);
  if (length == 0) return;
  StartRow(number);
  for (size_t col = 0; col < length;) {
    if (const size_t erased = ErasedAt(row, col); erased > 0) {
      PaintErased(row[col].style, erased, col + erased == row.size());
      col += erased;
      continue;
    }
    SetStyle(row[col].style);
    row[col].AppendTo(out_);
    ++col;
  }
}

// Erases cells, instead of printing spaces, because terminals tell these apart
// when text is copied and when they are resized.
void RowPainter::PaintErased(const Style& style, size_t count, bool to_end) {
  if (style != Style{}) {
    SetStyle(style);
    if (to_end) {
      out_ += "\x1b[K";
      return;
    }
    absl::StrAppend(&out_, "\x1b[", Count(count), "X");
  }
  absl::StrAppend(&out_, "\x1b[", Count(count), "C");
}

void RowPainter::StartRow(int number) {
  constexpr int kFarther = 4;  // where CUP is shorter
  if (number - row_ > kFarther) {
    MoveTo(number, 0);
  } else if (number > row_) {
    absl::StrAppend(&out_, "\r",
                    std::string(static_cast<size_t>(number - row_), '\n'));
  }
  row_ = number;
}

void RowPainter::SetStyle(const Style& style) {
  if (style == style_) return;
  sgr_(style_, style, out_);
  style_ = style;
}

void RowPainter::MoveTo(int row, int col) {
  if (row == 0 && col == 0) {
    out_ += "\x1b[H";
  } else {
    absl::StrAppend(&out_, "\x1b[", row + 1, ";", col + 1, "H");
  }
}

std::string PaintLine(const Row& row) {
  std::string out;
  Style style;
  const size_t length = LengthWithout(row, [](const Cell& cell) {
    return cell.blank() && cell.width == 1 && cell.style == Style{};
  });
  for (size_t col = 0; col < length; ++col) {
    AppendSgr(style, row[col].style, out);
    style = row[col].style;
    row[col].AppendTo(out);
  }
  AppendSgr(style, {}, out);
  return out;
}

}  // namespace deptyr
