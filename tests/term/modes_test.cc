#include "lib/term/modes.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/terminal.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Effect = Modes::Effect;

std::vector<Effect> Write(absl::string_view bytes, Modes& modes) {
  SequenceParser parser;
  std::vector<Effect> effects;
  for (const char c : bytes) {
    const SequenceParser::Event event = parser.Take(c);
    modes.Take(event, parser, [&](Effect e) { effects.push_back(e); });
  }
  return effects;
}

Modes After(absl::string_view bytes) {
  Modes modes;
  (void)Write(bytes, modes);
  return modes;
}

std::string Sequences(absl::string_view bytes) {
  return After(bytes).Sequences();
}

// The effects of `bytes` on modes that were left by `before`.
std::vector<Effect> Effects(absl::string_view before, absl::string_view bytes) {
  Modes modes = After(before);
  return Write(bytes, modes);
}

TEST(ModesTest, ATerminalThatWasResetNeedsNoSequences) {
  EXPECT_EQ(Sequences(""), "");
  EXPECT_EQ(Sequences(kResetModes), "");
  EXPECT_EQ(Sequences("text\r\n\x1b[31;1m\x1b[5;5Hx\x1b[K"), "");
}

TEST(ModesTest, AModeThatIsSetIsSetAgain) {
  for (const char* mode : {"\x1b[?1h",    "\x1b[?5h",    "\x1b[?7l",
                           "\x1b[?12h",   "\x1b[?12l",   "\x1b[?25l",
                           "\x1b[?9h",    "\x1b[?1000h", "\x1b[?1002h",
                           "\x1b[?1003h", "\x1b[?1004h", "\x1b[?1005h",
                           "\x1b[?1006h", "\x1b[?1015h", "\x1b[?1016h",
                           "\x1b[?2004h", "\x1b[4h",     "\x1b[20h",
                           "\x1b=",       "\x1b[3;7r",   "\x1b[?6h",
                           "\x1b[4 q",    "\x1b(0",      "\x1b)0",
                           "\x1b*0",      "\x1b+A",      "\x0e",
                           "\x1bn",       "\x1bo",       "\x1b]2;a title\x07",
                           "\x1b[>4;2m",  "\x1b[>5u",    "\x1b[?4h",
                           "\x1b[?8l",    "\x1b[?80h",   "\x1b[?8452h",
                           "\x1b[>1;3m",  "\x1b[>2n"}) {
    EXPECT_EQ(Sequences(mode), mode);
    EXPECT_EQ(Sequences(absl::StrCat(mode, "\x1b\x63")),
              absl::StartsWith(mode, "\x1b]") ? mode : "")
        << testing::PrintToString(mode);
  }
}

TEST(ModesTest, TheKeypadHasTwoSequences) {
  EXPECT_EQ(Sequences("\x1b[?66h"), "\x1b=");
}

TEST(ModesTest, AModeThatIsResetNeedsNoSequences) {
  EXPECT_EQ(Sequences("\x1b[?1000;1006;2004;1h\x1b[?1000;1006;2004;1l"), "");
  EXPECT_EQ(Sequences("\x1b[?1000h\x1b[?1003h\x1b[?1000l"), "");
  EXPECT_EQ(Sequences("\x1b(0\x1b(B\x0e\x0f\x1b=\x1b>"), "");
  EXPECT_EQ(Sequences("\x1b[5;9r\x1b[r"), "");
  EXPECT_EQ(Sequences("\x1b[>4;2m\x1b[>4m\x1b[>4;1m\x1b[>4n"), "");
  EXPECT_EQ(Sequences("\x1b[>4;2m\x1b[>m"), "");
  EXPECT_EQ(Sequences("\x1b[>4;2m\x1b[>;m"), "");
  EXPECT_EQ(Sequences("\x1b[?66h\x1b[?66l"), "");
  EXPECT_EQ(Sequences("\x1b[6 q\x1b[0 q"), "");
  EXPECT_EQ(Sequences("\x1b[4h\x1b[?6h\x1b[?7l\x1b[?25l\x1b=\x1b(0\x1b[!p"),
            "");
}

TEST(ModesTest, KeysAreModifiedByTheirKind) {
  EXPECT_EQ(Sequences("\x1b[>4;1m\x1b[>1;3m\x1b[>0;2m"),
            "\x1b[>0;2m\x1b[>1;3m\x1b[>4;1m");
  EXPECT_EQ(Sequences("\x1b[>1;3m\x1b[>n\x1b[>2m"), "\x1b[>1;3m");
  EXPECT_EQ(Sequences("\x1b[>1;3m\x1b[>m"), "");
  EXPECT_EQ(Sequences("\x1b[>9;3m"), "") << "there is no such kind";
  EXPECT_EQ(Sequences("\x1b[>1;32767m"), "\x1b[>1;9m");
}

TEST(ModesTest, WhatIsPrintedMayBeGuarded) {
  EXPECT_TRUE(After("\x1b[1\"q").guard().on());
  EXPECT_FALSE(After("\x1b[1\"q").guard().from_all());
  EXPECT_FALSE(After("\x1b[1\"q\x1b[2\"q").guard().on());
  EXPECT_TRUE(After("\x1bV").guard().from_all());
  EXPECT_FALSE(After("\x1bV\x1bW").guard().on());
  EXPECT_TRUE(After("\x1bV\x1bW").guard().from_all())
      << "what was printed stays";
  EXPECT_FALSE(After("\x1b[1\"q\x1b[!p").guard().on());
  for (const char* guard : {"\x1b[1\"q", "\x1bV", "\x1bV\x1bW"}) {
    EXPECT_EQ(After(guard).guard().Sequences(), guard);
  }
}

// Which of the two counts, terminals don't agree.
TEST(ModesTest, WhatWasSaidOfABlinkingCursorKeepsItsOrder) {
  EXPECT_EQ(Sequences("\x1b[?12h\x1b[?12l"), "\x1b[?12l");
  EXPECT_EQ(Sequences("\x1b[2 q\x1b[?12h"), "\x1b[2 q\x1b[?12h");
  EXPECT_EQ(Sequences("\x1b[?12h\x1b[2 q"), "\x1b[?12h\x1b[2 q");
  EXPECT_EQ(Sequences("\x1b[?12h\x1b[0 q"), "\x1b[?12h\x1b[0 q");
  EXPECT_EQ(Sequences("\x1b[?12s\x1b[?12h\x1b[?12r"), "\x1b[?12l");
  EXPECT_EQ(After("\x1b[?12h").Undo(), "\x1b[?12l");
}

// Midnight Commander saves 1001 and sets 1000.
TEST(ModesTest, TheMouseIsSavedAsOneMode) {
  EXPECT_EQ(
      Sequences("\x1b[?1002h\x1b[?1001s\x1b[?1000h\x1b[?1000l\x1b[?1001r"),
      "\x1b[?1002h");
  EXPECT_EQ(Sequences("\x1b[?1001s\x1b[?1000h\x1b[?1001r"), "");
}

TEST(ModesTest, StylesThatWerePutAsideAreCounted) {
  const std::string push = "\x1b[#{";
  EXPECT_EQ(After(push + "\x1b[1;30#p").pushed_styles(), 2U);
  EXPECT_EQ(After(push + "\x1b[#}\x1b[#q").pushed_styles(), 0U);
  EXPECT_EQ(After(push + "\x1b\x63").pushed_styles(), 0U);
  EXPECT_EQ(After(Repeated(push, 999)).pushed_styles(), 99U);
  EXPECT_EQ(After(push + push).Undo(), "\x1b[#}\x1b[#}");
}

TEST(ModesTest, EachOfSeveralModesInOneSequenceCounts) {
  EXPECT_THAT(Sequences("\x1b[?1;1002;1006;2004;25h"),
              AllOf(HasSubstr("[?1h"), HasSubstr("[?1002h"),
                    HasSubstr("[?1006h"), HasSubstr("[?2004h")));
}

TEST(ModesTest, KittysFlagsAreAStack) {
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[>5u"), "\x1b[>1u\x1b[>5u");
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[>5u\x1b[<u"), "\x1b[>1u");
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[>5u\x1b[<9u"), "");
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[=4;2u"), "\x1b[>5u");
  EXPECT_EQ(Sequences("\x1b[>5u\x1b[=4;3u"), "\x1b[>1u");
  EXPECT_EQ(Sequences("\x1b[=3u"), "\x1b[>3u");
  EXPECT_EQ(Sequences("\x1b[<u"), "");
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[?u"), "\x1b[>1u") << "that is a question";
  // Each screen has its own.
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[?1049h"), "");
  EXPECT_EQ(Sequences("\x1b[>1u\x1b[?1049h\x1b[>2u\x1b[?1049l"), "\x1b[>1u");
  EXPECT_EQ(Sequences(Repeated("\x1b[>1u", 20)), Repeated("\x1b[>1u", 8));
}

TEST(ModesTest, SavedCursorsHaveCharactersAndOrigin) {
  EXPECT_EQ(Sequences("\x1b(0\x1b\x37\x1b(B\x1b\x38"), "\x1b(0");
  EXPECT_EQ(Sequences("\x1b[?6h\x1b\x37\x1b[?6l\x1b\x38"), "\x1b[?6h");
  EXPECT_EQ(Sequences("\x1b(0\x1b\x38"), "");
  EXPECT_EQ(Sequences("\x1b[?1049h\x1b(0\x1b[?1049l"), "");
}

TEST(ModesTest, TheTitleIsTextAndNotTooLong) {
  EXPECT_EQ(After("\x1b]0;one\x07\x1b]2;two\x1b\\\x1b]1;icon\x07").title(),
            "two");
  EXPECT_EQ(
      After("\x1b]2;a\xff\x62\xc2\x9bz\r\xe2\x82\xac\xe2\x82\x07").title(),
      "abz€");
  EXPECT_EQ(After("\x1b]2;" + std::string(9999, 'x') + "\x07").title(),
            std::string(OscSettings::kLongestTitle, 'x'));
  const std::string wide =
      After("\x1b]2;x" + Repeated("é", 999) + "\x07").title();
  EXPECT_EQ(wide, "x" + Repeated("é", 127));
  EXPECT_EQ(After("\x1b]2;x\x07\x1b]2;\x07").title(), "");
}

TEST(ModesTest, TheAlternateScreen) {
  EXPECT_FALSE(After("").alternate());
  for (const int mode : {47, 1047, 1049}) {
    const std::string on = absl::StrCat("\x1b[?", mode, "h");
    EXPECT_EQ(After(on).alternate_mode(), mode);
    EXPECT_FALSE(After(on + "\x1b[?1049l").alternate());
    EXPECT_FALSE(After(on + "\x1b\x63").alternate());
    EXPECT_EQ(Sequences(on), "");
  }
}

TEST(ModesTest, ThoseThatTheScreenNeedsCanBeAsked) {
  const Modes set = After("\x1b[?1;5;6h\x1b[?7;25l\x1b[4;20h\x1b[3;7r");
  EXPECT_TRUE(set.application_cursor_keys() && set.reverse_video() &&
              set.origin() && set.insert() && set.new_line());
  EXPECT_FALSE(set.autowrap() || set.cursor_visible());
  EXPECT_EQ(set.region().first, 3);
  EXPECT_EQ(set.region().last, 7);
  const Modes usual;
  EXPECT_TRUE(usual.autowrap() && usual.cursor_visible());
  EXPECT_EQ(usual.region().last, 0);
}

TEST(EffectsTest, AreToldInTheirOrder) {
  EXPECT_THAT(Effects("", "\x1b[?6;1049;7;25h"),
              ElementsAre(Effect::kOrigin, Effect::kSave, Effect::kAlternate,
                          Effect::kClearAlternate));
  EXPECT_THAT(Effects("", "\x1b[4;20l\x1b\x37\x1b[s\x1b\x38\x1b[u"),
              ElementsAre(Effect::kSave, Effect::kSave, Effect::kRestore,
                          Effect::kRestore));
  EXPECT_THAT(Effects("", "\x1b[r\x1b#8\x1b[!p"),
              ElementsAre(Effect::kRegion, Effect::kAlign, Effect::kSoftReset));
}

// As in xterm, whichever screen is shown (dialog restores without saving).
TEST(EffectsTest, Mode1049SavesAndRestoresTheCursor) {
  EXPECT_THAT(
      Effects("", "\x1b[?1049h"),
      ElementsAre(Effect::kSave, Effect::kAlternate, Effect::kClearAlternate));
  EXPECT_THAT(Effects("\x1b[?1049h", "\x1b[?1049h"),
              ElementsAre(Effect::kClearAlternate));
  EXPECT_THAT(
      Effects("\x1b[?1049h", "\x1b[?1049l"),
      ElementsAre(Effect::kClearAlternate, Effect::kPrimary, Effect::kRestore));
  EXPECT_THAT(Effects("", "\x1b[?1049l"), ElementsAre(Effect::kRestore));
  EXPECT_THAT(Effects("\x1b[?1049h", "\x1b[?47l"),
              ElementsAre(Effect::kPrimary));
  EXPECT_THAT(
      Effects("\x1b[?47h", "\x1b[?1049l"),
      ElementsAre(Effect::kClearAlternate, Effect::kPrimary, Effect::kRestore));
  EXPECT_THAT(Effects("\x1b[?1049h", "\x1b[?1047l"),
              ElementsAre(Effect::kClearAlternate, Effect::kPrimary));
}

TEST(EffectsTest, APictureIsDrawn) {
  for (const char* picture :
       {"\x1bPq#0~\x1b\\", "\x1bP0;1;0q\"1;1\x1b\\", "\x1b_Ga=T,f=100;AA\x1b\\",
        "\x1b_Gi=1,a=p\x1b\\", "\x1b]1337;File=size=3;inline=1:AAAA\x07"}) {
    EXPECT_THAT(Effects("", picture), ElementsAre(Effect::kPicture)) << picture;
  }
  for (const char* other :
       {"\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1bP1;2p\x1b\\",
        "\x1bP1;2\x1b\\", "\x1b_Gi=1,a=q;AA\x1b\\", "\x1b_Ga=d\x1b\\",
        "\x1b_Gm=0;a=T\x1b\\", "\x1b_x\x1b\\", "\x1b]1337;File=size=3:AAAA\x07",
        "\x1b]2;File=inline=1\x07"}) {
    EXPECT_THAT(Effects("", other), IsEmpty()) << other;
  }
}

TEST(EffectsTest, AResetLeavesTheAlternateScreen) {
  EXPECT_THAT(Effects("\x1b[?47h", "\x1b\x63"),
              ElementsAre(Effect::kPrimary, Effect::kReset));
  EXPECT_THAT(Effects("", "\x1b\x63"), ElementsAre(Effect::kReset));
}

TEST(EffectsTest, ASequenceThatChangesNothingHasNone) {
  EXPECT_THAT(Effects("",
                      "x\x1b[31m\x1b[5;5H\x1b[?1l\x1b[?47l\x1b[9;3r"
                      "\x1b[?2004h\x1b[7h\x1b]2;t\x07"),
              IsEmpty());
}

}  // namespace
}  // namespace deptyr
