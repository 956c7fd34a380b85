// Lines are wrapped anew when the width changes.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/term/same_screen.h"
#include "tests/term/terminal.h"

namespace deptyr {
namespace {

constexpr WindowSize kSize{6, 10};

Terminal After(absl::string_view bytes, WindowSize size) {
  Terminal terminal(kSize);
  terminal.Write(bytes);
  terminal.Resize(size);
  return terminal;
}

TEST(ReflowTest, ANarrowScreenWrapsLines) {
  EXPECT_EQ(After("abcdefgh\r\nxyz", {6, 5}).text(), "abcde\nfgh\nxyz\n");
  EXPECT_EQ(After("abcdefghijklm", {6, 5}).text(), "abcde\nfghij\nklm\n");
}

TEST(ReflowTest, AWideOneJoinsWhatWasWrapped) {
  EXPECT_EQ(After("abcdefghijklm\r\nxyz", {6, 20}).text(),
            "abcdefghijklm\nxyz\n");
  EXPECT_EQ(After("abcdefghij\r\nklm", {6, 20}).text(), "abcdefghij\nklm\n")
      << "a line's end";
}

TEST(ReflowTest, TheCursorStaysWithItsCharacter) {
  Terminal terminal = After("abcdefghijklm\x1b[1;8H", {6, 5});
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{1, 2}));
  terminal.Write("X");
  EXPECT_EQ(terminal.text(), "abcde\nfgXij\nklm\n");
  terminal.Resize(kSize);
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{0, 8}));
}

TEST(ReflowTest, ASavedCursorDoesToo) {
  Terminal terminal = After("abcdefghijklm\x1b[2;2H\x1b\x37\x1b[H", {6, 5});
  terminal.Write("\x1b\x38X");
  EXPECT_EQ(terminal.text(), "abcde\nfghij\nkXm\n");
}

TEST(ReflowTest, AfterALineThatFillsTheRowTheCursorWaits) {
  Terminal terminal = After("abcde", {6, 5});
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{0, 4, true}));
  terminal.Resize(kSize);
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{0, 5}));
}

TEST(ReflowTest, ThereAndBackIsTheSame) {
  const std::string bytes =
      "\x1b[31mabcdefghijklm\x1b[m\r\n漢字漢字漢字\r\n\r\nx";
  for (const WindowSize size :
       {WindowSize{6, 5}, {6, 3}, {6, 20}, {20, 7}, {6, 2}}) {
    Terminal before(kSize);
    before.Write(bytes);
    Terminal after = After(bytes, size);
    after.Resize(kSize);
    EXPECT_TRUE(SameScreen(before.screen, after.screen)) << size.cols;
  }
}

TEST(ReflowTest, AWideCharacterIsNotCut) {
  EXPECT_EQ(After("a漢字", {6, 4}).text(), "a漢\n字\n");
  EXPECT_EQ(After("漢字漢字漢字", {6, 12}).text(), "漢字漢字漢字\n");
  Terminal terminal = After("a漢字漢字漢", {6, 4});
  terminal.Resize({6, 20});
  EXPECT_EQ(terminal.text(), "a漢字漢字漢\n") << "no blank is left";
}

TEST(ReflowTest, LinesComeBackFromTheHistory) {
  Terminal terminal = After("a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng", {9, 10});
  EXPECT_EQ(terminal.text(), "a\nb\nc\nd\ne\nf\ng\n");
  EXPECT_EQ(terminal.screen.cursor(), (Cursor{6, 1}));
  EXPECT_EQ(After("abcdefghijk\r\n1\r\n2\r\n3\r\n4\r\n5", {6, 20}).text(),
            "abcdefghijk\n1\n2\n3\n4\n5\n")
      << "its beginning had left the top";
}

TEST(ReflowTest, TheAlternateScreenIsCut) {
  EXPECT_EQ(After("\x1b[?1049habcdefghijklm", {6, 5}).text(), "abcde\nklm\n");
  Terminal terminal = After("abcdefgh\x1b[?1049hx", {6, 5});
  terminal.Write("\x1b[?1049l");
  EXPECT_EQ(terminal.text(), "abcde\nfgh\n") << "the primary one is wrapped";
}

TEST(ReflowTest, ALineThatWasErasedToItsEndIsShorter) {
  EXPECT_EQ(After("abcdefghijklm\x1b[1;3H\x1b[K", {6, 20}).text(), "ab\nklm\n");
}

}  // namespace
}  // namespace deptyr
