// A terminal that is sent a painted screen shows the same and goes on the same.

#include "lib/term/painter.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/term/same_screen.h"
#include "tests/term/terminal.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr WindowSize kSize{6, 10};

Terminal After(absl::string_view bytes) {
  Terminal terminal(kSize);
  terminal.Write(bytes);
  return terminal;
}

// Whether a painted one is the same, and goes on the same with `next`.
testing::AssertionResult IsKept(absl::string_view bytes,
                                absl::string_view next) {
  Terminal terminal = After(bytes);
  Terminal copy = terminal.Copy();
  testing::AssertionResult same = SameScreen(terminal.screen, copy.screen);
  if (!same) return same;
  terminal.Write(next);
  copy.Write(next);
  if (terminal.digest.modes().Sequences() != copy.digest.modes().Sequences()) {
    return testing::AssertionFailure() << "modes";
  }
  return SameScreen(terminal.screen, copy.screen);
}

TEST(PaintedTest, ALineThatWrapsIsPaintedAsOne) {
  const Terminal terminal = After("abcdefghijklm\r\nabcdefghij\r\nxyz");
  EXPECT_THAT(terminal.Paint(), HasSubstr("abcdefghijklm"));
  const Terminal copy = terminal.Copy();
  EXPECT_TRUE(copy.screen.ReadRow(false, 0).wraps);
  EXPECT_FALSE(copy.screen.ReadRow(false, 2).wraps);
}

TEST(PaintedTest, SoIsOneWithAWideCharacterAtTheEdge) {
  EXPECT_TRUE(IsKept("abcdefghi漢", "x"));
  EXPECT_TRUE(After("abcdefghi漢").Copy().screen.ReadRow(false, 0).wraps);
}

TEST(PaintedTest, LinksAndUnderlinesAreKept) {
  EXPECT_TRUE(IsKept("\x1b]8;id=1;http://a\x1b\\ab\x1b]8;;\x1b\\c", "d"));
  EXPECT_TRUE(IsKept("\x1b]8;;http://a\x1b\\ab", "d")) << "the pen's";
  EXPECT_TRUE(IsKept("\x1b[4:4;58:5:9mx\x1b[4:5;58:2::1:2:3my", "z"));
}

TEST(PaintedTest, StylesThatWerePutAsideAreKept) {
  const std::string pushed = "\x1b[1;31m\x1b[#{\x1b[0;3;44m\x1b[3;30#{\x1b[m";
  EXPECT_TRUE(IsKept(pushed, "a\x1b[#}b\x1b[#}c\x1b[#}d"));
  const std::string many = Repeated("\x1b[1m\x1b[#{\x1b[m", 12);
  EXPECT_TRUE(IsKept(many, "\x1b[#}\x1b[#}a\x1b[#}b"));
}

TEST(PaintedTest, TitlesAreKept) {
  Terminal copy =
      After("\x1b]0;one\x07\x1b[22;0t\x1b]2;two\x07\x1b]1;icon\x07").Copy();
  EXPECT_EQ(copy.digest.modes().title(), "two");
  EXPECT_THAT(copy.Paint(), HasSubstr("\x1b]1;icon\x07"));
  copy.Write("\x1b[23;0t");
  EXPECT_EQ(copy.digest.modes().title(), "one");
}

TEST(PaintedTest, PalettesAreKept) {
  const std::string paint = After(
                                "\x1b]4;1;red;2;green\x07\x1b]11;#"
                                "123456\x07\x1b]12;blue\x07\x1b]104;2\x07")
                                .Copy()
                                .Paint();
  EXPECT_THAT(paint, HasSubstr("\x1b]4;1;red\x07"));
  EXPECT_THAT(paint, HasSubstr("\x1b]11;#123456\x07"));
  EXPECT_THAT(paint, HasSubstr("\x1b]12;blue\x07"));
  EXPECT_THAT(paint, testing::Not(HasSubstr("green")));
}

TEST(PaintedTest, RowSizesAreKept) {
  const Terminal copy = After("\x1b#6ab\x1b[3;1H\x1b#4x").Copy();
  EXPECT_EQ(copy.screen.ReadRow(false, 0).size, RowSize::kWide);
  EXPECT_EQ(copy.screen.ReadRow(false, 2).size, RowSize::kLowerHalf);
}

// In a row of double width no column is the last one.
TEST(PaintedTest, ASavedCursorInAWideRowPrintsNothing) {
  EXPECT_TRUE(IsKept("abcdefghij\x1b\x37\x1b[1;1H\x1b#6\x1b[2;1H", "x"));
}

TEST(PaintedTest, WhatAWideRowHidesStaysWhenTextIsInserted) {
  EXPECT_TRUE(IsKept("abcdefghij\x1b[1;1H\x1b#6\x1b[4hxy", "z"));
}

TEST(PaintedTest, ProtectedCellsAreKept) {
  const std::string text = "a\x1b[1\"qb\x1b[0\"qc";
  EXPECT_TRUE(IsKept(text, "\x1b[?2J"));
  EXPECT_TRUE(IsKept(text + "\x1b[1\"q", "d\x1b[?2J")) << "the pen's";
  EXPECT_TRUE(IsKept("a\x1bVb\x1bWc", "d\x1b[2J")) << "from any erasure";
  EXPECT_TRUE(IsKept("a\x1bVb", "d\x1b[2J"));
}

TEST(PaintedTest, MarginsAreKept) {
  EXPECT_TRUE(IsKept("\x1b[?69h\x1b[3;6s\x1b[2;4r\x1b[2;3Habc", "def\n\n\nx"));
}

TEST(PaintedTest, APendingWrapIsKept) {
  EXPECT_TRUE(IsKept("\x1b[1;8Habc", "d"));
  EXPECT_TRUE(IsKept("\x1b[?7l\x1b[1;8Habc", "\x1b[?7hd"));
  EXPECT_TRUE(IsKept("\x1b[1;8Habc\x1b\x37\x1b[H",
                     "\x1b\x38"
                     "d"));
  EXPECT_TRUE(IsKept("\x1b[1;8Habc\x1b[1K", "d"));
}

TEST(PaintedTest, WhatTheAlternateScreenWillShowAgainIsKept) {
  EXPECT_TRUE(IsKept("abc\x1b[?47hdef\x1b[?47l", "\x1b[?47h"));
  EXPECT_TRUE(IsKept("\x1b[?47h\x1b[3;3H\x1b\x37\x1b[?47l\x1b[H",
                     "\x1b[?47h\x1b\x38x"));
}

}  // namespace
}  // namespace deptyr
