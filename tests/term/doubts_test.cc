// A screen says what it knows for sure after a part of its stream was lost.

#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/term/screen.h"

namespace deptyr {
namespace {

constexpr WindowSize kSize{6, 10};

std::string Flood(int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i) absl::StrAppend(&out, "line ", i, "\r\n");
  return out;
}

bool KnownAfter(absl::string_view bytes, bool knows_pen = false) {
  Screen screen(kSize);
  screen.Doubt(knows_pen);
  screen.Write(bytes);
  return screen.known();
}

TEST(DoubtsTest, AScreenIsKnownUnlessSomethingWasLost) {
  Screen screen(kSize);
  screen.Write(Flood(3));
  EXPECT_TRUE(screen.known());
  EXPECT_FALSE(screen.doubts());
  screen.Doubt(true);
  EXPECT_TRUE(screen.doubts());
  EXPECT_FALSE(screen.known());
}

TEST(DoubtsTest, AFloodIsKnownOnceItHasScrolledAScreenful) {
  EXPECT_TRUE(KnownAfter("\x1b[m\r\n" + Flood(30)));
  EXPECT_TRUE(KnownAfter("\r\n" + Flood(30), /*knows_pen=*/true));
  // A row is whole only if it began after the first scroll.
  EXPECT_FALSE(KnownAfter("\x1b[m\r\n" + Flood(5)));
  EXPECT_FALSE(KnownAfter(Flood(30))) << "whatever the pen is";
}

TEST(DoubtsTest, AClearMakesItKnown) {
  EXPECT_TRUE(KnownAfter("\x1b[m\x1b[H\x1b[2J"));
  EXPECT_TRUE(KnownAfter("\x1b[H\x1b[2Jabc", /*knows_pen=*/true));
  EXPECT_FALSE(KnownAfter("\x1b[H\x1b[2J")) << "in which colour?";
  EXPECT_FALSE(KnownAfter("\x1b[m\x1b[2Jx")) << "where?";
  EXPECT_TRUE(KnownAfter("\x1b\x63"));
}

TEST(DoubtsTest, AFullScreenProgramThatNeverClearsIsNotKnown) {
  std::string frames;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&frames, "\x1b[m\x1b[H", i, "\x1b[3;2Hx\x1b[5;1Hy");
  }
  EXPECT_FALSE(KnownAfter(frames));
}

TEST(DoubtsTest, AModeThatMayHaveBeenSetBeforeMakesRowsUncertain) {
  Screen screen(kSize);
  screen.Doubt(/*knows_pen=*/true);
  screen.Write("\x1b[H\x1b[2Jabc");
  ASSERT_TRUE(screen.known());
  screen.Write("\x1b[?7h");
  EXPECT_FALSE(screen.known());
  screen.Write("\x1b[H\x1b[2J\x1b[?7l");
  EXPECT_TRUE(screen.known()) << "it has been set before";
}

TEST(DoubtsTest, ARestoredCursorMayBeAnywhere) {
  const std::string clear = "\x1b[H\x1b[2J";
  EXPECT_FALSE(KnownAfter("\x1b[m\x1b\x38" + clear)) << "with whatever pen";
  EXPECT_TRUE(KnownAfter("\x1b[m" + clear + "\x1b\x37\x1b\x38" + clear));
}

}  // namespace
}  // namespace deptyr
