#include "lib/attach/chooser.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using State = Chooser::State;

Chooser Three() {
  return Chooser({{"irc", "irssi"}, {"mc", "java -jar mc.jar"}, {"web", "sh"}});
}

TEST(ChooserTest, ArrowsMoveAndEnterChooses) {
  Chooser chooser = Three();
  EXPECT_EQ(chooser.Take("\x1b[B"), State::kOpen);
  EXPECT_EQ(chooser.Take("\x1bOB\x1bOA\r"), State::kChosen);
  EXPECT_EQ(chooser.chosen(), "mc");
}

TEST(ChooserTest, TheListIsACircle) {
  Chooser chooser = Three();
  EXPECT_EQ(chooser.Take("\x1b[A\r"), State::kChosen);
  EXPECT_EQ(chooser.chosen(), "web");
}

TEST(ChooserTest, ADigitChoosesItsLine) {
  Chooser chooser = Three();
  EXPECT_EQ(chooser.Take("9"), State::kOpen);
  EXPECT_EQ(chooser.Take("2"), State::kChosen);
  EXPECT_EQ(chooser.chosen(), "mc");
}

TEST(ChooserTest, LettersNarrowTheListAndBackspaceWidensIt) {
  Chooser chooser = Three();
  EXPECT_EQ(chooser.Take("WEbx"), State::kOpen);
  EXPECT_EQ(chooser.Take("\r"), State::kOpen);  // nothing is left to choose
  EXPECT_EQ(chooser.Take("\x7f"), State::kOpen);
  const std::string drawn = chooser.Draw({.rows = 24, .cols = 80});
  EXPECT_THAT(drawn, AllOf(HasSubstr("web"), Not(HasSubstr("irc"))));
  EXPECT_EQ(chooser.Take("\r"), State::kChosen);
  EXPECT_EQ(chooser.chosen(), "web");
}

TEST(ChooserTest, EscapeCancelsAndOtherKeysDoNothing) {
  EXPECT_EQ(Three().Take("\x1b[5~\x1b[1;5C"), State::kOpen);
  for (const char* const key : {"\x1b", "\x03", "\x04"}) {
    EXPECT_EQ(Three().Take(key), State::kCancelled);
  }
}

TEST(ChooserTest, TheListFitsTheTerminal) {
  Chooser chooser = Three();
  EXPECT_EQ(chooser.Take("\x1b[B"), State::kOpen);
  // A line for the question, one for the chosen session, and one is left.
  const std::string drawn = chooser.Draw({.rows = 3, .cols = 10});
  EXPECT_EQ(drawn, "\r\x1b[JWhich ses\r\n\x1b[7m2  mc   j\x1b[m\r\x1b[1A");
}

}  // namespace
}  // namespace deptyr
