#include "lib/term/shown_lines.h"

#include <iterator>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/recordings.h"
#include "tests/term/transcripts.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kBegan[] = "deptyr: a full-screen program began\n";
constexpr char kEnded[] = "deptyr: it ended\n";

std::string Shown(absl::string_view bytes, WindowSize size = {24, 80},
                  ShownLines::Colors colors = ShownLines::Colors::kDropped) {
  ShownLines lines(size, colors);
  const std::string text = lines.Feed(bytes);
  return text + lines.Finish();
}

std::string ShownOfCut(const std::string& bytes, size_t step) {
  ShownLines lines({24, 80});
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += step) {
    text += lines.Feed(absl::string_view(bytes).substr(at, step));
  }
  return text + lines.Finish();
}

TEST(ShownLinesEditTest, LinesAreDeletedAndInsertedInTheRegionOnly) {
  for (int row = 2; row <= 6; ++row) {
    const auto shown = [row](absl::string_view edit) {
      return Shown(absl::StrCat("\x1b[3;5r\x1b[", row, ";1Holder\r", edit,
                                "new\x1b[8;1Hend"));
    };
    const bool in_region = row >= 3 && row <= 5;
    EXPECT_EQ(absl::StrContains(shown("\x1b[M"), "newer\n"), !in_region) << row;
    EXPECT_EQ(absl::StrContains(shown("\x1b[L"), "newer\n"), !in_region) << row;
    EXPECT_THAT(shown(""), HasSubstr("newer\n"));
  }
}

TEST(ShownLinesResizeTest, ASavedCursorGoesWithItsText) {
  for (const auto& [before, after] :
       {std::pair("1234567890ABCDE\r\nsecond\x1b\x37\r\n", "secondX\n"),
        std::pair("1234567890ABCDE\x1b\x37\r\n", "1234567890ABCDEX\n")}) {
    ShownLines lines({6, 20});
    std::string text = lines.Feed(before);
    text += lines.Resize({6, 10});
    text += lines.Feed("\x1b\x38X");
    EXPECT_THAT(text + lines.Finish(), HasSubstr(after));
  }
}

class ShownLinesTest : public testing::TestWithParam<Transcript> {};

TEST_P(ShownLinesTest, HowItIsCutDoesNotMatter) {
  const std::string& bytes = GetParam().bytes;
  for (const size_t step : {1, 2, 3, 5, 17}) {
    EXPECT_EQ(ShownOfCut(bytes, step), Shown(bytes)) << "in steps of " << step;
  }
}

TEST_P(ShownLinesTest, NothingIsLeftForATerminal) {
  for (const char c : Shown(GetParam().bytes)) {
    EXPECT_TRUE(c < 0 || c >= ' ' || c == '\n') << static_cast<int>(c);
    EXPECT_NE(c, '\x7f');
  }
}

INSTANTIATE_TEST_SUITE_P(All, ShownLinesTest, testing::ValuesIn(Transcripts()));

TEST(ShownLinesRecordingTest, HowAProgramsSessionIsCutDoesNotMatter) {
  for (const Recording& recording : Recordings()) {
    const std::string whole = Shown(recording.bytes);
    for (const size_t step : {1, 7, 4095}) {
      EXPECT_EQ(ShownOfCut(recording.bytes, step), whole)
          << recording.name << " in steps of " << step;
    }
  }
}

TEST(ShownLinesTextTest, TextStaysAsItIs) {
  EXPECT_EQ(Shown("one\r\ntwo\r\r\n\r\nthree ☃\r\n"), "one\ntwo\n\nthree ☃\n");
  EXPECT_EQ(Shown("a\tb\r\nblanks  \r\n"), "a       b\nblanks\n");
}

TEST(ShownLinesTextTest, TheLastLineIsGivenAtTheEnd) {
  ShownLines lines({24, 80});
  EXPECT_EQ(lines.Feed("one\r\ntwo"), "one\n");
  EXPECT_EQ(lines.Finish(), "two\n");
}

TEST(ShownLinesTextTest, ALineIsGivenAsSoonAsTheCursorLeavesIt) {
  ShownLines lines({24, 80});
  EXPECT_EQ(lines.Feed("on\x1b[1me\r"), "");
  EXPECT_EQ(lines.Feed("\n"), "one\n");
  EXPECT_EQ(lines.Feed("two\x1b[5;1H"), "two\n");
}

TEST(ShownLinesTextTest, EscapesGo) {
  EXPECT_EQ(Shown("\x1b[1;31mred\x1b[m, \x1b[4:3mcurly\x1b[K\r\n"),
            "red, curly\n");
  EXPECT_EQ(Shown("\x1b]0;title\x07"
                  "a\x1b]8;;x\x1b\\b\x1bP1$r\x1b\\c\x1b_G\x1b\\d\n"),
            "abcd\n");
  EXPECT_EQ(Shown("a\a\x0e\x0f\x7f\x05z"), "az\n");
  EXPECT_EQ(Shown("\x1b(0lqk\x1b(Blqk"), "┌─┐lqk\n");
}

TEST(ShownLinesTextTest, ColoursAreKeptIfTheyAreWanted) {
  const auto colors = ShownLines::Colors::kKept;
  EXPECT_EQ(Shown("a \x1b[31mred\x1b[m line\r\nplain\r\n\x1b[1mbold\r\n",
                  {24, 80}, colors),
            "a \x1b[31mred\x1b[m line\nplain\n\x1b[1mbold\x1b[m\n");
}

TEST(ShownLinesTextTest, ALineIsWhatTheTerminalShowed) {
  EXPECT_EQ(Shown("10%\r20%\r\x1b[K30%\r\n"), "30%\n");
  EXPECT_EQ(Shown(" 50%\r100%\n"), "100%\n");
  EXPECT_EQ(Shown("> abcd\b\b\x1b[KXY\r\n"), "> abXY\n");
  EXPECT_EQ(Shown("ab\x1b[3b\x1b[2D\x1b[Px\r\n"), "abbx\n");
  EXPECT_EQ(Shown("name\x1b[10Gsize\x1b[3Cdate\r\n"), "name     size   date\n");
  EXPECT_EQ(Shown("gone\r\x1b[K"), "");
}

TEST(ShownLinesTextTest, APromptThatIsDrawnAgainIsOneLine) {
  std::string bytes = "$ ";
  for (int i = 0; i < 10; ++i) bytes += "\r\x1b[K$ ls";
  EXPECT_EQ(Shown(bytes + "\r\nfile\r\n"), "$ ls\nfile\n");
}

TEST(ShownLinesTextTest, ALineThatWrapsIsOne) {
  const std::string line = Repeated("0123456789", 20);
  EXPECT_EQ(Shown(line + "\r\nnext"), line + "\nnext\n");
  EXPECT_EQ(Shown(std::string(79, '.') + "世\r\n"),
            std::string(79, '.') + "世\n");
  // As readline draws a long command again: up to its first row, and back.
  EXPECT_EQ(Shown(std::string(100, 'x') + "\x1b[A\ry\x1b[B\r\n"),
            "y" + std::string(99, 'x') + "\n");
  // It is longer than the screen.
  const std::string longer(80 * 30, 'x');
  EXPECT_EQ(Shown(longer + "\r\nnext\r\n"), longer + "\nnext\n");
}

// Lines of any length, and then something that depends on what is on the
// screen.
std::string PlainLines(std::minstd_rand& random) {
  constexpr const char* kThen[] = {"\x1b[A*\r\n",     "\x1b[2A\x1b[K\x1b[3B",
                                   "\x1b[H12\x1b[9B", "\x1b[5Aabc\n\n\n",
                                   "\b\b\b!\r\n",     "\x1b[J\r\n",
                                   "\x1b[3L",         "\x1bM\x1bMup"};
  std::string bytes;
  for (int i = 0; i < 12; ++i) {
    const size_t length = random() % 40;
    for (size_t j = 0; j < length; ++j) {
      bytes += random() % 5 == 0 ? ' ' : static_cast<char>('a' + random() % 26);
    }
    bytes += random() % 4 == 0 ? kThen[random() % std::size(kThen)] : "\r\n";
  }
  return bytes;
}

// A British character set has the same letters, but isn't plain text.
TEST(ShownLinesTextTest, PlainTextIsShownAsAnyOther) {
  std::minstd_rand random(1);
  for (int i = 0; i < 5000; ++i) {
    const WindowSize size = {static_cast<uint16_t>(2 + random() % 5),
                             static_cast<uint16_t>(2 + random() % 12)};
    const std::string bytes = PlainLines(random);
    ASSERT_EQ(Shown(bytes, size), Shown("\x1b(A" + bytes, size))
        << i << ", " << size.rows << "x" << size.cols << ": "
        << absl::CHexEscape(bytes);
  }
}

TEST(ShownLinesTextTest, ALineThatNeverEndsIsGivenInPieces) {
  ShownLines lines({24, 80});
  std::string text;
  for (int i = 0; i < 100; ++i) text += lines.Feed(std::string(1000, 'x'));
  EXPECT_GT(text.size(), 100 * 1000 - 2 * ShownLines::kLongest);
  text += lines.Finish();
  EXPECT_EQ(std::count(text.begin(), text.end(), 'x'), 100 * 1000);
}

TEST(ShownLinesTextTest, ABlockOfProgressBarsIsItsFirstAndItsLastState) {
  std::string bytes = "one:   0%\r\ntwo:   0%\r\n";
  for (const char* percent : {" 10", " 50", "100"}) {
    bytes += "\x1b[2A";
    for (const char* name : {"one", "two"}) {
      bytes += std::string("\x1b[2K") + name + ": " + percent + "%\r\n";
    }
  }
  EXPECT_EQ(Shown(bytes + "done\r\n"),
            "one:   0%\ntwo:   0%\none: 100%\ntwo: 100%\ndone\n");
}

TEST(ShownLinesTextTest, WhatIsDrawnAgainAsItWasIsNotGivenAgain) {
  EXPECT_EQ(Shown("one\r\ntwo\r\n\x1b[2Aone\r\ntwo\r\nthree\r\n"),
            "one\ntwo\nthree\n");
}

// As apt does: a scroll region, and a line of its own below it.
TEST(ShownLinesTextTest, ABarBelowAScrollRegionIsNotAmongTheLines) {
  std::string bytes = "\x1b[1;23r\x1b[1;1H";
  for (int i = 1; i <= 50; ++i) {
    bytes += "line " + std::to_string(i) + "\r\n";
    bytes +=
        "\x1b"
        "7\x1b[24;1H\x1b[KProgress: " +
        std::to_string(i * 2) +
        "%\x1b"
        "8";
  }
  bytes +=
      "\x1b"
      "7\x1b[r\x1b[24;1H\x1b[K\x1b"
      "8";
  std::string lines;
  for (int i = 1; i <= 50; ++i) lines += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(Shown(bytes), lines);
}

TEST(ShownLinesTextTest, AFullScreenProgramIsTwoLines) {
  EXPECT_EQ(Shown("$ mc\r\n\x1b[?1049h\x1b[Hmenu\r\nfiles\x1b[?1049l$ "),
            absl::StrCat("$ mc\n", kBegan, kEnded, "$\n"));
  EXPECT_EQ(Shown("a\x1b[?1049hb\r\n"), absl::StrCat("a\n", kBegan, kEnded));
}

TEST(ShownLinesTextTest, WhatIsNotUtf8IsVisible) {
  EXPECT_EQ(Shown("a\xff"
                  "b\xe2\x82z\xc0\xaf.\r\n"),
            "a\\xffb\\xe2\\x82z\\xc0\\xaf.\n");
  EXPECT_EQ(Shown("a\xe2\x82"), "a\\xe2\\x82\n");
  EXPECT_EQ(Shown("a\xe2\r\nb"), "a\\xe2\nb\n");
  EXPECT_EQ(Shown("a\xc2\x9bz"), "az\n");  // a C1 control
  EXPECT_EQ(Shown("e\xcc\x81\r\n"), "e\xcc\x81\n");
}

TEST(ShownLinesTextTest, LinesGoOnAfterAResize) {
  ShownLines lines({24, 80});
  EXPECT_EQ(lines.Feed("one\r\n$ tw"), "one\n");
  EXPECT_EQ(lines.Resize({30, 40}), "");
  EXPECT_EQ(lines.Feed("\r\x1b[K$ two\r\nthree\r\nfour\r\n"),
            "$ two\nthree\nfour\n");
  EXPECT_EQ(lines.Finish(), "");
}

TEST(ShownLinesTextTest, WhatNeverEndsTakesNoMemory) {
  ShownLines lines({24, 80});
  EXPECT_EQ(lines.Feed("a\x1b]52;c;"), "");
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(lines.Feed(std::string(10000, 'x')), "");
  }
  EXPECT_EQ(lines.Feed("\x07z\n"), "az\n");
}

TEST(ShownLinesTextTest, EveryLineOfAFloodIsGiven) {
  std::string bytes;
  std::string text;
  for (int i = 0; i < 20000; ++i) {
    const std::string line = std::to_string(i) + std::string(i % 100, '.');
    bytes += i % 7 == 0 ? "\x1b[32m" + line + "\x1b[m\r\n" : line + "\r\n";
    text += line + "\n";
  }
  EXPECT_EQ(Shown(bytes), text);
  EXPECT_EQ(ShownOfCut(bytes, 4095), text);
}

TEST(ShownLinesRecordingTest, AShellsSessionCanBeRead) {
  for (const Recording& recording : Recordings()) {
    if (recording.name != "shell") continue;
    const std::string text = Shown(recording.bytes);
    EXPECT_THAT(text, HasSubstr("$ ls --color=always -l\n"));
    EXPECT_THAT(text, HasSubstr("\n99\n100\n$ "));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  }
}

}  // namespace
}  // namespace deptyr
