#include "lib/term/cell_tables.h"

#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "tests/term/terminal.h"

namespace deptyr {
namespace {

Look Coloured(int n) {
  const Color fg = {Color::Kind::kRgb, static_cast<uint8_t>(n >> 8),
                    static_cast<uint8_t>(n), 7};
  return {.style = {.fg = fg}};
}

TEST(CellTablesTest, WhatACellHasCanBeRead) {
  CellTables tables;
  Look look = Coloured(1);
  look.link = tables.NumberOfLink("id=1;http://x");
  GridCell cell = {.glyph = 'e', .look = tables.NumberOf(look)};
  tables.AddMark(cell, U'\u0301');
  const Cell read = tables.Read(cell);
  EXPECT_EQ(read.text, "e\u0301");
  EXPECT_EQ(read.link, "id=1;http://x");
  EXPECT_EQ(read.style, look.style);
  EXPECT_EQ(read.width, 1);
}

TEST(CellTablesTest, WhatNoCellHasIsForgottenAndTheRestStays) {
  constexpr int kMany = 5000;
  CellTables tables;
  Grid grid(1, 2, 0);
  Look pen = Coloured(kMany);
  pen.link = tables.NumberOfLink(";pen");
  for (int i = 0; i < kMany; ++i) {
    GridCell& cell = grid.at(0, i % 2);
    Look look = Coloured(i);
    look.link = tables.NumberOfLink(absl::StrCat(";", i));
    cell = {.glyph = 'a', .look = tables.NumberOf(look)};
    tables.AddMark(cell, static_cast<char32_t>(0x300 + i % 0x70));
    if (tables.is_full()) {
      Grid* const grids[] = {&grid};
      Look* const pens[] = {&pen};
      EXPECT_EQ(tables.Collect(grids, pens), 2U);
      EXPECT_FALSE(tables.is_full());
      EXPECT_LT(tables.NumberOf(pen), 5U);
    }
    EXPECT_EQ(tables.Read(cell).style, look.style);
    EXPECT_EQ(tables.Read(cell).link, absl::StrCat(";", i));
    EXPECT_EQ(tables.LinkOf(pen), ";pen");
  }
}

// The tables become full within an act that holds a number: of the pen while
// half of a wide character is made blank, and of a cell that is made blank.
TEST(CellTablesTest, NoActIsLeftWithANumberThatMeansNothing) {
  for (int looks = 500; looks < 530; ++looks) {
    std::string bytes = "\x1b[1;1H世界世界";
    for (int i = 0; i < looks; ++i) {
      absl::StrAppend(&bytes, "\x1b[2;1H\x1b[38;2;", i >> 8, ";", i & 255,
                      ";9mx");
    }
    Terminal filled({4, 20});
    filled.Write(bytes + "\x1b[38;2;1;2;3;48;2;4;5;6m\x1b[88;1;2;1;5$x");
    const Color pen = {Color::Kind::kRgb, 1, 2, 3};
    for (size_t col = 1; col < 5; ++col) {
      EXPECT_EQ(filled.screen.Rows()[0].cells[col].style.fg, pen) << looks;
    }
    Terminal blanked({4, 20});
    blanked.Write(bytes + "\x1b[48;2;4;5;6m\x1b[1;2;1;5${");
    for (size_t col = 4; col < 8; ++col) {
      EXPECT_EQ(blanked.screen.Rows()[0].cells[col].style.fg, Color()) << looks;
    }
  }
}

}  // namespace
}  // namespace deptyr
