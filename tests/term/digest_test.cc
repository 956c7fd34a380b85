#include "lib/term/digest.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/terminal.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Digest After(absl::string_view bytes) {
  Digest digest;
  digest.Scan(bytes);
  return digest;
}

std::string ModesAfter(absl::string_view bytes) {
  return After(bytes).Modes();
}

class DigestTest : public testing::TestWithParam<Transcript> {};

std::string Said(const Digest& digest) {
  return absl::StrCat(digest.offset(), " ", digest.whole(), " ",
                      digest.last_clear(), " ", digest.alternate_mode(), " ",
                      digest.printed_last(), " ", digest.Modes());
}

TEST_P(DigestTest, HowItIsCutDoesNotMatter) {
  const std::string& bytes = GetParam().bytes;
  const std::string whole = Said(After(bytes));
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    Digest digest = After(bytes.substr(0, cut));
    digest.Scan(absl::string_view(bytes).substr(cut));
    ASSERT_EQ(Said(digest), whole) << "cut at " << cut;
  }
  Digest in_bytes;
  for (const char c : bytes) in_bytes.Scan(absl::string_view(&c, 1));
  EXPECT_EQ(Said(in_bytes), whole);
}

// What a terminal is given makes it the same.
TEST_P(DigestTest, ItsModesMakeItAgain) {
  const std::string modes = ModesAfter(GetParam().bytes);
  EXPECT_EQ(ModesAfter(modes), modes);
}

INSTANTIATE_TEST_SUITE_P(All, DigestTest, testing::ValuesIn(Transcripts()));

TEST(DigestModesTest, ATerminalThatWasResetNeedsNothing) {
  EXPECT_EQ(ModesAfter(""), "");
  EXPECT_EQ(ModesAfter(kResetModes), "");
  EXPECT_EQ(ModesAfter("text\r\n\x1b[31;1m\x1b[5;5Hx\x1b[K"), "");
}

TEST(DigestModesTest, WhatIsSetIsSetAgain) {
  for (const char* mode : {"\x1b[?1h",
                           "\x1b[?5h",
                           "\x1b[?7l",
                           "\x1b[?12h",
                           "\x1b[?25l",
                           "\x1b[?9h",
                           "\x1b[?1000h",
                           "\x1b[?1002h",
                           "\x1b[?1003h",
                           "\x1b[?1004h",
                           "\x1b[?1005h",
                           "\x1b[?1006h",
                           "\x1b[?1015h",
                           "\x1b[?1016h",
                           "\x1b[?2004h",
                           "\x1b[4h",
                           "\x1b[20h",
                           "\x1b=",
                           "\x1b[3;7r",
                           "\x1b[?6h",
                           "\x1b[4 q",
                           "\x1b(0",
                           "\x1b)0",
                           "\x1b*0",
                           "\x1b+A",
                           "\x0e",
                           "\x1bn",
                           "\x1bo",
                           "\x1b]2;a title\x07",
                           "\x1b[>4;2m",
                           "\x1b[>5u"}) {
    EXPECT_EQ(ModesAfter(mode), mode);
    EXPECT_EQ(ModesAfter(absl::StrCat(mode, "\x1b\x63")),
              absl::StartsWith(mode, "\x1b]") ? mode : "")
        << testing::PrintToString(mode);
  }
}

TEST(DigestModesTest, TheKeypadHasTwoSequences) {
  EXPECT_EQ(ModesAfter("\x1b[?66h"), "\x1b=");
}

TEST(DigestModesTest, WhatIsUndoneIsNot) {
  EXPECT_EQ(ModesAfter("\x1b[?1000;1006;2004;1h\x1b[?1000;1006;2004;1l"), "");
  EXPECT_EQ(ModesAfter("\x1b[?1000h\x1b[?1003h\x1b[?1000l"), "");
  EXPECT_EQ(ModesAfter("\x1b(0\x1b(B\x0e\x0f\x1b=\x1b>"), "");
  EXPECT_EQ(ModesAfter("\x1b[5;9r\x1b[r"), "");
  EXPECT_EQ(ModesAfter("\x1b[>4;2m\x1b[>4m\x1b[>4;1m\x1b[>4n"), "");
  EXPECT_EQ(ModesAfter("\x1b[>4;2m\x1b[>m"), "");
  EXPECT_EQ(ModesAfter("\x1b[>4;2m\x1b[>;m"), "");
  EXPECT_EQ(ModesAfter("\x1b[?66h\x1b[?66l"), "");
  EXPECT_EQ(ModesAfter("\x1b[6 q\x1b[0 q"), "");
  EXPECT_EQ(ModesAfter("\x1b[4h\x1b[?6h\x1b[?7l\x1b[?25l\x1b=\x1b(0\x1b[!p"),
            "");
}

TEST(DigestModesTest, OfSeveralModesInOneSequenceEachCounts) {
  EXPECT_THAT(ModesAfter("\x1b[?1;1002;1006;2004;25h"),
              AllOf(HasSubstr("[?1h"), HasSubstr("[?1002h"),
                    HasSubstr("[?1006h"), HasSubstr("[?2004h")));
}

TEST(DigestModesTest, KittysFlagsAreAStack) {
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[>5u"), "\x1b[>1u\x1b[>5u");
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[>5u\x1b[<u"), "\x1b[>1u");
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[>5u\x1b[<9u"), "");
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[=4;2u"), "\x1b[>5u");
  EXPECT_EQ(ModesAfter("\x1b[>5u\x1b[=4;3u"), "\x1b[>1u");
  EXPECT_EQ(ModesAfter("\x1b[=3u"), "\x1b[>3u");
  EXPECT_EQ(ModesAfter("\x1b[<u"), "");
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[?u"), "\x1b[>1u") << "it is a question";
  // Each screen has its own.
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[?1049h"), "");
  EXPECT_EQ(ModesAfter("\x1b[>1u\x1b[?1049h\x1b[>2u\x1b[?1049l"), "\x1b[>1u");
  EXPECT_EQ(ModesAfter(Repeated("\x1b[>1u", 20)), Repeated("\x1b[>1u", 8));
}

TEST(DigestModesTest, SavedCursorsHaveCharactersAndOrigin) {
  EXPECT_EQ(ModesAfter("\x1b(0\x1b\x37\x1b(B\x1b\x38"), "\x1b(0");
  EXPECT_EQ(ModesAfter("\x1b[?6h\x1b\x37\x1b[?6l\x1b\x38"), "\x1b[?6h");
  EXPECT_EQ(ModesAfter("\x1b(0\x1b\x38"), "");
  EXPECT_EQ(ModesAfter("\x1b[?1049h\x1b(0\x1b[?1049l"), "");
}

TEST(DigestModesTest, TheTitleIsTextAndNotTooLong) {
  EXPECT_EQ(After("\x1b]0;one\x07\x1b]2;two\x1b\\\x1b]1;icon\x07").title(),
            "two");
  EXPECT_EQ(
      After("\x1b]2;a\xff\x62\xc2\x9bz\r\xe2\x82\xac\xe2\x82\x07").title(),
      "abz€");
  EXPECT_EQ(After("\x1b]2;" + std::string(9999, 'x') + "\x07").title(),
            std::string(Digest::kLongestTitle, 'x'));
  const std::string wide =
      After("\x1b]2;x" + Repeated("é", 999) + "\x07").title();
  EXPECT_EQ(wide, "x" + Repeated("é", 127));
  EXPECT_EQ(After("\x1b]2;x\x07\x1b]2;\x07").title(), "");
}

TEST(DigestModesTest, AResizeUndoesTheRegion) {
  Digest digest = After("\x1b[3;7r");
  digest.Resized();
  EXPECT_EQ(digest.Modes(), "");
}

TEST(DigestOffsetTest, NothingIsWholeThatHasNotEnded) {
  EXPECT_EQ(After("ab").whole(), 2);
  EXPECT_EQ(After("ab\x1b").whole(), 2);
  EXPECT_EQ(After("ab\x1b[31").whole(), 2);
  EXPECT_EQ(After("ab\x1b[31m").whole(), 7);
  EXPECT_EQ(After("ab\x1b]0;title").whole(), 2);
  EXPECT_EQ(After("ab\x1b]0;title\x1b").whole(), 2);
  EXPECT_EQ(After("ab\x1b]0;title\x1b\\").whole(), 13);
  EXPECT_EQ(After("ab\x1bP$q\x07").whole(), 2);   // BEL ends an OSC only
  EXPECT_EQ(After("ab\x1b[31\x1b[").whole(), 6);  // the first was given up
  EXPECT_EQ(After("ab\x1b[3\x18").whole(), 6);
  EXPECT_EQ(After("a\xe2\x82").whole(), 1);
  EXPECT_EQ(After("a\xe2\x82\xac").whole(), 4);
  EXPECT_EQ(After("a\xe2\x82z").whole(), 4);
  EXPECT_EQ(After("a\xe2\xe2").whole(), 2);
  EXPECT_EQ(After("a\xff").whole(), 2);
}

TEST(DigestOffsetTest, WhatNeverEndsIsNotWaitedFor) {
  Digest digest = After("ab\x1b]52;");
  digest.Scan(std::string(Digest::kLongestHeld - 5, 'x'));
  EXPECT_EQ(digest.whole(), 2);
  digest.Scan("x");
  EXPECT_EQ(digest.whole(), digest.offset());
  digest.Scan("\x07\x1b[");
  EXPECT_EQ(digest.whole(), digest.offset() - 2);
}

TEST(DigestOffsetTest, LastClear) {
  EXPECT_EQ(After("ab\x1b[J\x1b[K\x1b[1J").last_clear(), 0);
  EXPECT_EQ(After("\x1b[Jab").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[2Jcd").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[2Jcd\x1b\x63").last_clear(), 8);
  EXPECT_EQ(After("ab\x1b[H\x1b[J").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[1;1H\x1b[0J").last_clear(), 2);
  EXPECT_EQ(After("ab\x1b[Hx\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[2;1H\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[?6h\x1b[H\x1b[J").last_clear(), 0);
  EXPECT_EQ(After("ab\x1b[?1049h").last_clear(), 2);
  // The primary screen has come back with what was on it.
  EXPECT_EQ(After("ab\x1b[2J\x1b[?1049h\x1b[2J\x1b[?1049l").last_clear(), 2);
}

TEST(DigestOffsetTest, WhatEndedLast) {
  EXPECT_TRUE(After("a").printed_last());
  EXPECT_TRUE(After("\x1b[ma\xc3\xa9").printed_last());
  EXPECT_TRUE(After("a\x1b[").printed_last());  // up to whole()
  EXPECT_FALSE(After("a\r").printed_last());
  EXPECT_FALSE(After("a\x1b[m").printed_last());
  EXPECT_FALSE(After("a\x1b[?1h").printed_last());
  EXPECT_FALSE(After("").printed_last());
}

TEST(DigestOffsetTest, TheAlternateScreen) {
  EXPECT_FALSE(After("").alternate_screen());
  for (const int mode : {47, 1047, 1049}) {
    const std::string on = absl::StrCat("\x1b[?", mode, "h");
    EXPECT_EQ(After(on).alternate_mode(), mode);
    EXPECT_FALSE(After(on + "\x1b[?1049l").alternate_screen());
    EXPECT_FALSE(After(on + "\x1b\x63").alternate_screen());
    EXPECT_EQ(After(on).Modes(), "");
  }
}

TEST(DigestOffsetTest, RebasedItKeepsTheModesAndCountsAnew) {
  Digest digest = After("\x1b[2J\x1b[?1h\x1b[?1049h\x1b]2;t\x07 text");
  const std::string modes = digest.Modes();
  digest.Rebase();
  EXPECT_EQ(digest.offset(), 0u);
  EXPECT_EQ(digest.whole(), 0u);
  EXPECT_EQ(digest.last_clear(), 0u);
  EXPECT_EQ(digest.Modes(), modes);
  EXPECT_TRUE(digest.alternate_screen());
  digest.Scan("abc\x1b[2J");
  EXPECT_EQ(digest.last_clear(), 3u);
  EXPECT_EQ(digest.offset(), 7u);
}

}  // namespace
}  // namespace deptyr
