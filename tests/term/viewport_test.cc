// A terminal of another size shows the screen, or the part with the cursor.
#include "lib/term/viewport.h"

#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/term/terminal.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A program's terminal, and one that it is drawn on.
class ViewportTest : public testing::Test {
 protected:
  void Open(WindowSize program, WindowSize viewer) {
    program_.emplace(program);
    viewer_.emplace(viewer);
  }
  // Returns what is drawn.
  std::string Write(absl::string_view bytes) {
    program_->Write(bytes);
    std::string drawn = viewport_.Draw(
        program_->screen, program_->digest.modes(), viewer_->screen.size());
    viewer_->Write(drawn);
    return drawn;
  }
  std::string shown() const { return viewer_->text(); }
  Cursor cursor() const { return viewer_->screen.cursor(); }

  std::optional<Terminal> program_;
  std::optional<Terminal> viewer_;
  Viewport viewport_;
};

TEST_F(ViewportTest, ALargerTerminalHasNothingBeside) {
  Open({3, 6}, {5, 10});
  Write("one\r\ntwo\r\nthreefour\r\n");
  EXPECT_EQ(shown(), "threef\nour\n");
  EXPECT_EQ(cursor(), (Cursor{2, 0}));
  Write("last");
  EXPECT_EQ(shown(), "threef\nour\nlast\n");
  EXPECT_EQ(cursor(), (Cursor{2, 4}));
}

TEST_F(ViewportTest, ABorderShowsTheEdgeOfTheScreen) {
  viewport_ = Viewport(Border::kAscii);
  Open({2, 4}, {4, 8});
  Write("ab");
  EXPECT_EQ(shown(), "ab  |\n    |\n----+\n");
  EXPECT_EQ(cursor(), (Cursor{0, 2}));
  Write("cd\r\n\033[41me\r\nf");
  EXPECT_EQ(shown(), "e   |\nf   |\n----+\n");
  EXPECT_EQ(viewer_->screen.ReadRow(false, 1).cells[4].style, Style{});
  viewport_ = Viewport(Border::kLines);
  Open({2, 4}, {4, 8});
  Write("ab");
  EXPECT_EQ(shown(), "ab  │\n    │\n────┘\n");
}

TEST_F(ViewportTest, TheBorderIsWhereThereIsRoom) {
  viewport_ = Viewport(Border::kAscii);
  Open({2, 4}, {2, 5});
  Write("ab\r\ncd");
  EXPECT_EQ(shown(), "ab  |\ncd  |\n");
  viewport_ = Viewport(Border::kAscii);
  Open({2, 4}, {3, 4});
  Write("ab\r\ncd");
  EXPECT_EQ(shown(), "ab\ncd\n----\n");
  viewport_ = Viewport(Border::kAscii);
  Open({2, 4}, {4, 3});
  Write("abcd\r\nef\033[H");
  EXPECT_EQ(shown(), "abc\nef\n---\n");
  viewport_ = Viewport(Border::kAscii);
  Open({3, 4}, {2, 8});
  Write("a\r\nb\r\nc");
  EXPECT_EQ(shown(), "b   |\nc   |\n") << "there are rows below it";
}

TEST_F(ViewportTest, TheBorderMovesWithTheSize) {
  viewport_ = Viewport(Border::kAscii);
  Open({3, 6}, {6, 10});
  Write("1\r\n2\r\n3");
  program_->Resize({2, 4});
  Write("");
  EXPECT_EQ(shown(), "2   |\n3   |\n----+\n");
}

TEST_F(ViewportTest, ASmallerTerminalShowsThePartWithTheCursor) {
  Open({4, 12}, {2, 6});
  Write("1abcdefghi\r\n2abcdefghi\r\n3abcdefghi\r\n4abcdefghi\033[H");
  EXPECT_EQ(shown(), "1abcde\n2abcde\n");
  Write("\033[3;9H");
  EXPECT_EQ(shown(), "cdefgh\ncdefgh\n");
  EXPECT_EQ(cursor(), (Cursor{1, 5}));
  Write("\033[2;8H");
  EXPECT_EQ(shown(), "cdefgh\ncdefgh\n") << "it moves no further than needed";
  EXPECT_EQ(cursor(), (Cursor{0, 4}));
  Write("\033[H");
  EXPECT_EQ(shown(), "1abcde\n2abcde\n");
}

TEST_F(ViewportTest, OnlyRowsThatChangedAreDrawn) {
  Open({5, 20}, {9, 30});
  Write("first\r\nsecond\r\nthird");
  const std::string drawn = Write("\033[2;1HSECOND");
  EXPECT_THAT(drawn, HasSubstr("SECOND"));
  EXPECT_THAT(drawn, Not(HasSubstr("first")));
  EXPECT_THAT(drawn, Not(HasSubstr("third")));
  EXPECT_THAT(Write(""), IsEmpty());
  EXPECT_EQ(Write("\033[4;2H"), "\033[4;2H");
}

// However much each cell asks for, a drawing is bounded, and goes on later.
TEST_F(ViewportTest, AScreenThatIsHardToDrawIsDrawnInParts) {
  Open({60, 100}, {61, 101});
  std::string hard;
  for (int i = 0; i < 60 * 100; ++i) {
    absl::StrAppend(&hard, "\033]8;;http://", i, "/", std::string(2000, 'x'),
                    "\033\\", std::string(1, static_cast<char>('a' + i % 26)));
  }
  constexpr size_t kAtOnce = 2 << 20;
  EXPECT_LT(Write(hard).size(), kAtOnce);
  EXPECT_FALSE(viewport_.whole());
  int parts = 1;
  for (; !viewport_.whole() && parts < 100; ++parts) {
    EXPECT_LT(Write("").size(), kAtOnce);
  }
  EXPECT_GT(parts, 5);
  EXPECT_EQ(shown(), program_->text());
}

// Returns the cells of a row that a viewer of `cols` columns shows, from `left`
// on, in the program's own words.
std::vector<Cell> Expected(const Row& row, int left, int cols) {
  std::vector<Cell> cells(static_cast<size_t>(cols));
  const auto count = static_cast<int>(row.cells.size());
  for (int i = 0; i < cols && left + i < count; ++i) {
    const Cell& cell = row.cells[static_cast<size_t>(left + i)];
    const bool cut =
        (i == 0 && cell.width == 0) || (i == cols - 1 && cell.width == 2);
    cells[static_cast<size_t>(i)] = cut ? Cell{.style = cell.style} : cell;
  }
  return cells;
}

// A blank may have been printed or erased.
testing::AssertionResult LooksLike(const std::vector<Cell>& a,
                                   const std::vector<Cell>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    const bool blank = a[i].blank() && b[i].blank() && a[i].width == b[i].width;
    if ((!blank && a[i].text != b[i].text) || a[i].style != b[i].style) {
      return testing::AssertionFailure()
             << "column " << i << ": " << testing::PrintToString(a[i].text)
             << " and " << testing::PrintToString(b[i].text);
    }
  }
  return testing::AssertionSuccess();
}

TEST_F(ViewportTest, WhateverIsWrittenIsShown) {
  constexpr absl::string_view kParts[] = {
      "abc",       "xyz",         "漢",          "e\u0301",        "\r",
      "\n",        "\b",          "\t",          "\033[2;3H",      "\033[H",
      "\033[5;9H", "\033[K",      "\033[1K",     "\033[J",         "\033[2J",
      "\033[3X",   "\033[2P",     "\033[2@",     "\033[L",         "\033[M",
      "\033[S",    "\033[T",      "\033[31m",    "\033[44m",       "\033[1;4m",
      "\033[m",    "\033[2;4r",   "\033[r",      "\033[?6h",       "\033[?6l",
      "\033[?7l",  "\033[?7h",    "\033[4h",     "\033[4l",        "\033[?69h",
      "\033[2;6s", "\033[?69l",   "\033(0",      "\033(B",         "\0337",
      "\0338",     "\033[?1049h", "\033[?1049l", "\033[?25l",      "\033[?25h",
      "\033[?5h",  "\033[?5l",    "\033[?1h",    "\033[>1u",       "\033[<u",
      "\033c",     "\033[!p",     "\033]2;t\a",  "\033]4;1;red\a", "\033]104\a",
      "\033#8"};
  std::mt19937 random(7);
  for (int stream = 0; stream < 200; ++stream) {
    const auto side = [&random](int most) {
      return static_cast<uint16_t>(random() % static_cast<unsigned>(most) + 2);
    };
    const WindowSize room = {side(9), side(14)};
    Open({6, 10}, room);
    viewport_ = Viewport();
    std::string all;
    for (int i = 0; i < 60; ++i) {
      std::string bytes;
      for (int j = 0; j < 3; ++j) {
        absl::StrAppend(&bytes, kParts[random() % std::size(kParts)]);
      }
      all += bytes;
      Write(bytes);
      const Screen& program = program_->screen;
      const Screen& viewer = viewer_->screen;
      const int top = program.cursor().row - viewer.cursor().row;
      const int left = program.cursor().col - viewer.cursor().col;
      ASSERT_EQ(viewer.cursor_visible(), program.cursor_visible());
      for (int row = 0; row < room.rows; ++row) {
        const bool is_there = top + row < program.rows();
        const Row shown =
            is_there ? program.ReadRow(program.alternate_screen(), top + row)
                     : Row{};
        ASSERT_TRUE(
            LooksLike(Expected(shown, left, room.cols),
                      viewer.ReadRow(viewer.alternate_screen(), row).cells))
            << "row " << row << " of " << room.rows << "x" << room.cols
            << " after " << testing::PrintToString(all);
      }
    }
  }
}

TEST_F(ViewportTest, AllIsDrawnAgainWhereSomebodyElseWrote) {
  Open({3, 10}, {5, 20});
  Write("one\r\ntwo");
  viewer_->Write("\033[H\n\n\n\n\nelse\033[1m");
  viewport_.OnDefaced();
  Write("");
  EXPECT_EQ(shown(), "one\ntwo\n");
}

TEST_F(ViewportTest, AWideCharacterThatIsCutIsABlank) {
  Open({2, 8}, {2, 4});
  Write("\033[Habc漢d\r\n漢漢漢漢\033[H");
  EXPECT_EQ(shown(), "abc\n漢漢\n");
  Write("\033[1;5H");
  EXPECT_EQ(shown(), "bc漢\n 漢\n");
}

TEST_F(ViewportTest, StylesAndLinksAreKept) {
  Open({2, 10}, {4, 20});
  Write("\033[31ma\033[44m b \033]8;;http://a\033\\c\033]8;;\033\\\033[md");
  EXPECT_EQ(program_->screen.ReadRow(false, 0).cells[5],
            viewer_->screen.ReadRow(false, 0).cells[5]);
  for (const size_t col : {0U, 1U, 2U, 3U, 4U}) {
    const Cell ours = program_->screen.ReadRow(false, 0).cells[col];
    const Cell theirs = viewer_->screen.ReadRow(false, 0).cells[col];
    EXPECT_EQ(ours.style, theirs.style) << col;
    EXPECT_EQ(ours.link, theirs.link) << col;
  }
}

TEST_F(ViewportTest, ARowInTheLastColumnDoesNotWrap) {
  Open({2, 8}, {2, 4});
  Write("\033[Habcdefgh\033[2;1Hijklmnop\033[H");
  EXPECT_EQ(shown(), "abcd\nijkl\n");
  Write("\033[1;8H");
  EXPECT_EQ(shown(), "efgh\nmnop\n");
}

// A mode that changes what printing does would spoil what is drawn.
TEST_F(ViewportTest, OnlyModesThatDoNotChangePrintingAreSet) {
  Open({4, 10}, {6, 20});
  Write(
      "\033[?1;1002;1006;2004h\033[?69h\033[2;3s\033[2;3r\033[?6h\033[4h"
      "\033[?5h\033(0\033[?2026h\033]2;title\a");
  const Modes& modes = viewer_->digest.modes();
  for (const int mode : {1, 5, 1002, 1006, 2004}) {
    EXPECT_EQ(modes.IsSet(true, mode), true) << mode;
  }
  for (const int mode : {6, 7, 69, 2026}) {
    EXPECT_EQ(modes.IsSet(true, mode), false) << mode;
  }
  EXPECT_FALSE(modes.insert());
  EXPECT_EQ(modes.charsets(), Charsets());
  EXPECT_EQ(modes.title(), "title");
  Write("\033[?1002l\033[?1l\033]2;other\a");
  EXPECT_EQ(modes.IsSet(true, 1002), false);
  EXPECT_EQ(modes.IsSet(true, 1), false);
  EXPECT_EQ(modes.IsSet(true, 2004), true);
  EXPECT_EQ(modes.title(), "other");
}

TEST_F(ViewportTest, WhereTheMouseIsSomewhereElseItIsNotReported) {
  Open({4, 10}, {3, 20});
  Write("\033[?1002;1006h");
  EXPECT_EQ(viewer_->digest.modes().IsSet(true, 1002), false);
}

TEST_F(ViewportTest, ATitleThatChangesIsAllThatIsWritten) {
  Open({4, 10}, {6, 20});
  Write("\033[?1002;1006h\033]2;a\a");
  EXPECT_EQ(Write("\033]2;b\a"), "\033]2;b\a\033[1;1H");
}

TEST_F(ViewportTest, ColoursComeAndGo) {
  Open({4, 10}, {6, 20});
  EXPECT_THAT(Write("\033]4;1;red\a\033]10;blue\a\033]9;4;1;50\a"),
              HasSubstr("\033]10;blue\a\033]4;1;red\a\033]9;4;1;50\a"));
  EXPECT_THAT(Write("\033]104\a\033]9;4;0\a"),
              HasSubstr("\033]104;1\a\033]9;4;0\a"));
}

TEST_F(ViewportTest, TheAlternateScreenIsTheTerminalsToo) {
  Open({3, 10}, {5, 20});
  Write("shell\r\nsame\033[>1u");
  Write("\033[?1049h\033[>2u\033[Hfull\r\nsame");
  EXPECT_TRUE(viewer_->screen.alternate_screen());
  EXPECT_EQ(shown(), "full\nsame\n");
  Write("\033[?1049l");
  EXPECT_FALSE(viewer_->screen.alternate_screen());
  EXPECT_EQ(shown(), "shell\nsame\n");
  Write("\033[<u");
  EXPECT_EQ(viewer_->digest.modes().Undo(), "\033[?7h");
}

TEST_F(ViewportTest, TheCursorIsHiddenWhereTheProgramHidesIt) {
  Open({3, 10}, {5, 20});
  EXPECT_EQ(Write("\033[?25l"), "\033[?7l\033[1;1H\033[?25l");
  EXPECT_EQ(Write("\033[?25h"), "\033[?25h");
}

TEST_F(ViewportTest, RowsOfDoubleWidthComeAndGo) {
  Open({3, 10}, {5, 20});
  Write("\033#6wide\r\nnext");
  EXPECT_EQ(viewer_->screen.ReadRow(false, 0).size, RowSize::kWide);
  EXPECT_EQ(shown(), "wide\nnext\n");
  Write("\033[H\033#5");
  EXPECT_EQ(viewer_->screen.ReadRow(false, 0).size, RowSize::kSingle);
}

TEST_F(ViewportTest, AScreenThatShrinksLeavesNothing) {
  Open({4, 10}, {6, 20});
  Write("1\r\n2\r\n3\r\n4");
  program_->Resize({2, 5});
  Write("");
  EXPECT_EQ(shown(), "3\n4\n");
}

TEST_F(ViewportTest, AfterAResetAllIsDoneAgain) {
  Open({3, 10}, {5, 20});
  Write("a\033[?1h\033[?25l");
  viewer_.emplace(WindowSize{5, 20});
  viewport_.OnReset();
  Write("");
  EXPECT_EQ(shown(), "a\n");
  EXPECT_EQ(viewer_->digest.modes().IsSet(true, 1), true);
  EXPECT_FALSE(viewer_->screen.cursor_visible());
}

}  // namespace
}  // namespace deptyr
