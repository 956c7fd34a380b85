// A screen says what it knows for sure after a part of its stream was lost.

#include "lib/term/doubts.h"

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

Doubts::Rows Taken(Doubts& doubts, absl::string_view sequence) {
  SequenceParser parser;
  SequenceParser::Event event{};
  for (const char c : sequence) event = parser.Take(c);
  return doubts.Take(event, parser);
}

TEST(DoubtsTest, RowColumnAndPenBecomeKnown) {
  Doubts doubts(/*knows_pen=*/false);
  EXPECT_EQ(Taken(doubts, "\x1b[K"), Doubts::Rows::kAll) << "of which row?";
  doubts.KnowRow();
  EXPECT_EQ(Taken(doubts, "\x1b[K"), Doubts::Rows::kCursors);
  EXPECT_EQ(Taken(doubts, "\x1b[L"), Doubts::Rows::kNone);
  EXPECT_EQ(Taken(doubts, "\x1b[5G"), Doubts::Rows::kNone);
  EXPECT_EQ(Taken(doubts, "\x1b[K"), Doubts::Rows::kNone);
  EXPECT_FALSE(doubts.certain()) << "the pen isn't known";
  EXPECT_EQ(Taken(doubts, "\x1b[0;1m"), Doubts::Rows::kNone);
  EXPECT_TRUE(doubts.certain());
  doubts.KnowNothing();
  EXPECT_FALSE(doubts.certain());
}

TEST(DoubtsTest, AKindOfModeIsAGuessOnce) {
  Doubts doubts(/*knows_pen=*/true);
  EXPECT_EQ(Taken(doubts, "\x1b[?7h"), Doubts::Rows::kAll);
  EXPECT_EQ(Taken(doubts, "\x1b[?7l"), Doubts::Rows::kNone);
  EXPECT_EQ(Taken(doubts, "\x1b[2;5r"), Doubts::Rows::kAll);
  EXPECT_EQ(Taken(doubts, "\x0e"), Doubts::Rows::kAll);
  EXPECT_EQ(Taken(doubts, "\x07"), Doubts::Rows::kNone);
}

// They are looked for one by one, so there must not be many.
TEST(DoubtsTest, SoManyKindsOfModesAreNeverCertain) {
  Doubts doubts(/*knows_pen=*/true);
  for (char intermediate = '!'; intermediate <= '/'; ++intermediate) {
    for (char final = 'A'; final <= 'Z'; ++final) {
      const std::string kind = {'\x1b', '[', intermediate, final};
      EXPECT_EQ(Taken(doubts, kind), Doubts::Rows::kAll);
    }
  }
  EXPECT_EQ(Taken(doubts, "\x1b[!A"), Doubts::Rows::kNone);
  EXPECT_EQ(Taken(doubts, "\x1b[/Z"), Doubts::Rows::kAll);
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
  const std::string known = "\x1b\x37\x1b\x38\x1b[m" + clear;
  EXPECT_TRUE(KnownAfter(known + "\x1b\x37\x1b\x38x"));
  EXPECT_FALSE(KnownAfter(known + "\x1b\x38x"))
      << "nobody knew where it was when it was saved";
}

TEST(DoubtsTest, ThePrimaryScreenIsInDoubtToo) {
  Screen screen(kSize);
  screen.Write("\x1b[?1049h");
  screen.Doubt(/*knows_pen=*/true);
  screen.Write("\x1b[?25h\x1b[H\x1b[2J");
  EXPECT_TRUE(screen.known());
  screen.Write("\x1b[?1049l\x1b[Hx");
  EXPECT_FALSE(screen.known());
}

TEST(DoubtsTest, AStyleThatIsTakenBackIsAsCertainAsItWas) {
  const std::string clear = "\x1b[H\x1b[2J";
  EXPECT_FALSE(KnownAfter("\x1b[m" + clear + "\x1b[#}x"));
  EXPECT_FALSE(KnownAfter("\x1b[#{\x1b[m" + clear + "\x1b[#}x"));
  EXPECT_TRUE(KnownAfter("\x1b[m" + clear + "\x1b[#{\x1b[1m\x1b[#}x"));
}

TEST(DoubtsTest, APictureMakesAScreenUncertainUntilItIsGone) {
  const std::string picture = "\x1bPq#0~\x1b\\";
  const auto known_after = [&](absl::string_view bytes) {
    Screen screen(kSize);
    screen.Write("\x1b[1;3Hab" + picture);
    screen.Write(bytes);
    return screen.known();
  };
  EXPECT_FALSE(known_after(""));
  EXPECT_FALSE(known_after("\r\n" + Flood(3)));
  EXPECT_TRUE(known_after("\r\n" + Flood(30)));
  EXPECT_TRUE(known_after("\x1b[31m\r\n" + Flood(30))) << "the pen is known";
  EXPECT_TRUE(known_after("\x1b[H\x1b[2J\x1b[?7lx")) << "the modes are, too";
  EXPECT_FALSE(known_after("\x1b[2Jx")) << "where?";
  EXPECT_TRUE(known_after("\x1b[?1049h\x1b[Hx"));
  EXPECT_FALSE(known_after("\x1b[?1049h\x1b[Hx\x1b[?1049l"));
  Screen screen(kSize);
  screen.Write("shell\x1b[?1049h" + picture + "\x1b[?1049l");
  EXPECT_TRUE(screen.known()) << "it was on the other screen";
}

}  // namespace
}  // namespace deptyr
