#include "lib/term/plain_text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/term/charsets.h"
#include "tests/support/recordings.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Plain(absl::string_view bytes) {
  PlainText plain;
  const std::string text = plain.Feed(bytes);
  return text + plain.Flush();
}

std::string PlainOfCut(const std::string& bytes, size_t step) {
  PlainText plain;
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += step) {
    text += plain.Feed(absl::string_view(bytes).substr(at, step));
  }
  return text + plain.Flush();
}

class PlainTextTest : public testing::TestWithParam<Transcript> {};

TEST_P(PlainTextTest, HowItIsCutDoesNotMatter) {
  const std::string& bytes = GetParam().bytes;
  for (const size_t step : {1, 2, 3, 5, 17}) {
    EXPECT_EQ(PlainOfCut(bytes, step), Plain(bytes)) << "in steps of " << step;
  }
}

TEST_P(PlainTextTest, NothingIsLeftForATerminal) {
  for (const char c : Plain(GetParam().bytes)) {
    EXPECT_TRUE(c < 0 || c >= ' ' || c == '\n' || c == '\t')
        << static_cast<int>(c);
    EXPECT_NE(c, '\x7f');
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlainTextTest, testing::ValuesIn(Transcripts()));

TEST(PlainTextLinesTest, TextStaysAsItIs) {
  EXPECT_EQ(Plain("one\ntwo\n\n\tthree ☃\n"), "one\ntwo\n\n\tthree ☃\n");
  EXPECT_EQ(Plain("one\r\ntwo\r\r\n\r\nthree\r\n"), "one\ntwo\n\nthree\n");
}

TEST(PlainTextLinesTest, EscapesGo) {
  EXPECT_EQ(Plain("\x1b[1;31mred\x1b[m, \x1b[4:3mcurly\x1b[K"), "red, curly");
  EXPECT_EQ(Plain("\x1b]0;title\x07"
                  "a\x1b]8;;x\x1b\\b\x1bP1$r\x1b\\c\x1b_G\x1b\\d"),
            "abcd");
  EXPECT_EQ(Plain("\x1b=\x1b>\x1b#8\x1b%Ga\a\b\x0e\x0f\x7f\x05z"), "az");
  EXPECT_EQ(Plain("a\x1b[1\x18z\x1b]0;x\x1ay"), "azy");
}

TEST(PlainTextLinesTest, WhatIsWrittenOverIsALineOfItsOwn) {
  EXPECT_EQ(Plain("10%\r20%\r\x1b[K30%\r\n"), "10%\n20%\n30%\n");
  EXPECT_EQ(Plain("\r\x1b[K$ ls"), "$ ls");
}

TEST(PlainTextLinesTest, WhereTheCursorGoesElsewhereTextIsApart) {
  EXPECT_EQ(Plain("\x1b[H\x1b[2Jone\x1b[2;1Htwo\x1b[5;1H"), "one\ntwo");
  EXPECT_EQ(Plain("name\x1b[10Gsize\x1b[3Cdate \x1b[2Cx"), "name size date x");
}

TEST(CharsetsTest, WhatHasNoOtherFormStaysAsItIs) {
  Charsets charsets;
  ASSERT_TRUE(charsets.Escape('(', '0'));
  EXPECT_EQ(charsets.Translate('q'), U'─');
  EXPECT_EQ(charsets.Translate('^'), U'^');
  EXPECT_EQ(charsets.Translate('\x7f'), U'\x7f');
  ASSERT_TRUE(charsets.Escape('(', 'A'));
  EXPECT_EQ(charsets.Translate('#'), U'£');
  EXPECT_EQ(charsets.Translate('q'), U'q');
}

TEST(PlainTextLinesTest, LineDrawingIsDrawn) {
  EXPECT_EQ(Plain("\x1b(0lqk\x1b(Blqk\x1b)0\x0ex\x0fx"), "┌─┐lqk│x");
}

TEST(PlainTextLinesTest, ASingleShiftIsForOneCharacter) {
  EXPECT_EQ(Plain("\x1b*0\x1b+A\x1bNqq \x1bO##"), "─q £#");
  EXPECT_EQ(Plain("\x1b*0\x1bNéq"), "éq");
}

TEST(PlainTextLinesTest, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(Plain("a\xff"
                  "b\xe2\x82z\xc0\xaf."),
            "a\uFFFDb\uFFFDz\uFFFD\uFFFD.");
  EXPECT_EQ(Plain("a\xe2\x82"), "a\uFFFD");
  EXPECT_EQ(Plain("a\xe2\x1b[mb"), "a\uFFFDb");
  EXPECT_EQ(Plain("a\xe2\nb"), "a\uFFFD\nb");
  EXPECT_EQ(Plain("a\xc2\x9bz"), "az");  // a C1 control
}

TEST(PlainTextLinesTest, WhatNeverEndsTakesNoMemory) {
  PlainText plain;
  EXPECT_EQ(plain.Feed("a\x1b]52;c;"), "a");
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(plain.Feed(std::string(10000, 'x')), "");
  }
  EXPECT_EQ(plain.Feed("\x07z"), "z");
}

TEST(PlainTextRecordingTest, AShellsSessionCanBeRead) {
  for (const Recording& recording : Recordings()) {
    if (recording.name != "shell") continue;
    const std::string text = Plain(recording.bytes);
    EXPECT_THAT(text,
                AllOf(HasSubstr("$ ls --color=always -l\n"),
                      HasSubstr("\n99\n100\n$ "), Not(HasSubstr("\x1b"))));
  }
}

}  // namespace
}  // namespace deptyr
