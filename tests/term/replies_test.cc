#include "lib/term/replies.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>

namespace deptyr {
namespace {

// The answers of terminals; each comment names the question.
const std::vector<std::string>& Answers() {
  static const std::vector<std::string> answers = {
      "\x1b[?62;22;52c",                      // DA1
      "\x1b[?6c",                             // a VT102's
      "\x1b[>0;276;0c",                       // DA2
      "\x1b[>41;377;0c",                      //
      "\x1b[=0c",                             //
      "\x1bP!|00000000\x1b\\",                // DA3
      "\x1b[0n",                              // DSR
      "\x1b[?997;1n",                         // light or dark
      "\x1b[24;80R",                          // CPR
      "\x1b[?24;80;1R",                       // DECXCPR
      "\x1b[48;24;80;600;800t",               // mode 2048
      "\x1b[?2026;2$y",                       // DECRQM
      "\x1b[4;1$y",                           //
      "\x1b[?1u",                             // kitty's keyboard
      "\x1b[8;24;80t",                        // size in characters
      "\x1b[4;600;800t",                      // in pixels
      "\x1b[?0;0;1024S",                      // XTSMGRAPHICS
      "\x1b[>4;2m",                           // XTQMODKEYS
      "\x1bP>|tmux 3.3a\x1b\\",               // XTVERSION
      "\x1bP1$r0m\x1b\\",                     // DECRQSS
      "\x1bP0$r\x1b\\",                       //
      "\x1bP1+r524742=382f382f38\x1b\\",      // XTGETTCAP
      "\x1b]10;rgb:ffff/ffff/ffff\x1b\\",     // colours
      "\x1b]11;rgb:0000/0000/0000\a",         //
      "\x1b]4;255;rgb:eeee/eeee/eeee\x1b\\",  //
      "\x1b]52;c;aGVsbG8=\a",                 // the clipboard
      "\x1b_Gi=31;OK\x1b\\",                  // kitty's graphics
  };
  return answers;
}

// The input that people type, and what their terminals send by themselves.
const std::vector<std::string>& Typed() {
  static const std::vector<std::string> typed = {
      "a",
      "\r",
      "\x03",
      "\x7f",
      "caf\xc3\xa9",
      std::string("\0", 1),
      "\x1b[A",         // arrows
      "\x1bOA",         //
      "\x1b[1;5D",      // with Ctrl
      "\x1b[H",         // Home
      "\x1b[3~",        // Delete
      "\x1bOP",         // F1
      "\x1b[15~",       // F5
      "\x1b[24;2~",     // Shift-F12
      "\x1b[R",         // some terminals' F3
      "\x1b[1R",        //
      "\x1b[1;2c",      // no device says that
      "\x1b[?6\x7f",    // no sequence
      "\x1b[[C",        // F3 of the Linux console
      "\x1b[Z",         // Shift-Tab
      "\x1b[97;5u",     // Ctrl-A by kitty's keyboard
      "\x1b[27;5;97~",  // by xterm's modifyOtherKeys
      "\x1b"
      "a",         // Alt-a
      "\x1b\x1b",  // Alt-Esc
      "\x1b[I",    // focus in
      "\x1b[O",    // focus out
      "\x1b[200~pasted text\x1b[201~",
      "\x1b[<0;10;20M",  // mouse, SGR
      "\x1b[<0;10;20m",  // its release
      "\x1b[32;10;20M",  // mouse, urxvt
      "\x1b[M !!",       // mouse, X10
      "\x1bPx",          // Alt-P, then x
      "\x1b]x",          // Alt-], then x
      "\x1b_x",          // Alt-_, then x
      "\x1b\x1b[A",      // Alt-Up of rxvt
  };
  return typed;
}

std::string Filtered(absl::string_view bytes) {
  ReplyFilter filter;
  std::string result = filter.Feed(bytes);
  result += filter.Flush();
  return result;
}

std::string FilteredInTwo(const std::string& bytes, size_t cut) {
  ReplyFilter filter;
  std::string result = filter.Feed(absl::string_view(bytes).substr(0, cut));
  result += filter.Feed(absl::string_view(bytes).substr(cut));
  result += filter.Flush();
  return result;
}

TEST(ReplyFilterTest, TakesAnswersOut) {
  for (const std::string& answer : Answers()) {
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed("ab" + answer + "cd"), "abcd")
        << testing::PrintToString(answer);
    EXPECT_EQ(filter.patience(), absl::ZeroDuration());
  }
}

TEST(ReplyFilterTest, LetsWhatIsTypedPass) {
  for (const std::string& typed : Typed()) {
    EXPECT_EQ(Filtered(typed), typed);
    EXPECT_EQ(Filtered("ab" + typed + "cd"), "ab" + typed + "cd");
  }
}

TEST(ReplyFilterTest, WhatIsTypedNeedNotWait) {
  for (const std::string& typed : Typed()) {
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed(typed), typed);
    EXPECT_EQ(filter.patience(), absl::ZeroDuration())
        << testing::PrintToString(typed);
  }
}

TEST(ReplyFilterTest, FindsAnswersBetweenKeysAndEachOther) {
  std::string input;
  std::string wanted;
  for (const std::string& typed : Typed()) {
    for (const std::string& answer : Answers()) {
      input += answer + typed + answer;
      wanted += typed;
    }
  }
  EXPECT_TRUE(Filtered(input) == wanted);
}

// Head answers some queries of its own, and other answers pass.
TEST(ReplyFilterTest, TakesOutThoseThatHeadGivesToo) {
  std::string passed;
  std::string wanted;
  for (const std::string& answer : Answers()) {
    for (size_t cut = 2; cut <= answer.size(); ++cut) {
      ReplyFilter filter;
      const absl::string_view bytes = answer;
      std::string left = filter.Feed(bytes.substr(0, cut), ReplyFilter::kOurs);
      left += filter.Feed(bytes.substr(cut), ReplyFilter::kOurs);
      left += filter.Flush();
      if (cut == 2) passed += left;
      EXPECT_TRUE(left.empty() || left == answer)
          << testing::PrintToString(answer) << " cut at " << cut;
    }
  }
  for (const std::string answer :
       {"\x1b[?997;1n", "\x1b[?1u", "\x1b[?0;0;1024S", "\x1b[>4;2m",
        "\x1bP1$r0m\x1b\\", "\x1bP0$r\x1b\\", "\x1bP1+r524742=382f382f38\x1b\\",
        "\x1b]10;rgb:ffff/ffff/ffff\x1b\\", "\x1b]11;rgb:0000/0000/0000\a",
        "\x1b]4;255;rgb:eeee/eeee/eeee\x1b\\", "\x1b]52;c;aGVsbG8=\a",
        "\x1b_Gi=31;OK\x1b\\"}) {
    wanted += answer;
  }
  EXPECT_EQ(passed, wanted);
  for (const std::string& typed : Typed()) {
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed(typed, ReplyFilter::kOurs), typed);
  }
}

// Head says the size, and all else that a terminal sends passes.
TEST(ReplyFilterTest, TakesOutReportsOfTheSizeAlone) {
  const std::string size = "\x1b[48;24;80;600;800t";
  for (size_t cut = 2; cut <= size.size(); ++cut) {
    ReplyFilter filter;
    const absl::string_view bytes = size;
    EXPECT_EQ(filter.Feed(bytes.substr(0, cut), ReplyFilter::kSizes), "");
    EXPECT_EQ(
        filter.Feed(absl::StrCat(bytes.substr(cut), "x"), ReplyFilter::kSizes),
        "x");
  }
  std::vector<std::string> passes = Typed();
  passes.insert(passes.end(), Answers().begin(), Answers().end());
  passes.insert(passes.end(), {"\x1b[48;5u", "\x1b[48~", "\x1b[8;24;80t"});
  for (const std::string& bytes : passes) {
    if (bytes == size) continue;
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed(bytes, ReplyFilter::kSizes), bytes);
    EXPECT_EQ(filter.patience(), absl::ZeroDuration());
  }
}

// Cut right after its ESC an answer can't be told from the key at once.
TEST(ReplyFilterTest, TakesAnswersOutInTwoReads) {
  for (const std::string& answer : Answers()) {
    EXPECT_EQ(FilteredInTwo(answer + "x", 1), "\x1bx")
        << testing::PrintToString(answer);
    for (size_t cut = 2; cut <= answer.size(); ++cut) {
      EXPECT_EQ(FilteredInTwo(answer + "x", cut), "x")
          << testing::PrintToString(answer) << " cut at " << cut;
    }
  }
}

TEST(ReplyFilterTest, LetsWhatIsTypedPassInTwoReads) {
  for (const std::string& typed : Typed()) {
    for (size_t cut = 0; cut <= typed.size(); ++cut) {
      EXPECT_EQ(FilteredInTwo(typed + "x", cut), typed + "x")
          << testing::PrintToString(typed) << " cut at " << cut;
    }
  }
}

TEST(ReplyFilterTest, EscapeAlonePassesAtOnce) {
  ReplyFilter filter;
  EXPECT_EQ(filter.Feed("\x1b"), "\x1b");
  EXPECT_EQ(filter.patience(), absl::ZeroDuration());
  EXPECT_EQ(filter.Feed("text\x1b"), "text\x1b");
}

TEST(ReplyFilterTest, AltBracketIsHeldUntilItIsFlushed) {
  for (const std::string key : {"\x1b[", "\x1bP", "\x1b]", "\x1b_"}) {
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed(key), "");
    EXPECT_EQ(filter.patience(), absl::Milliseconds(50));
    EXPECT_EQ(filter.Flush(), key);
    EXPECT_EQ(filter.patience(), absl::ZeroDuration());
    EXPECT_EQ(filter.Feed("c"), "c");
  }
}

// Over a slow link the rest comes later than a person presses the next key.
TEST(ReplyFilterTest, WhatOnlyATerminalBeginsIsWaitedForLonger) {
  for (const std::string begin : {"\x1b[?6", "\x1b[2", "\x1bP>", "\x1b]1"}) {
    ReplyFilter filter;
    EXPECT_EQ(filter.Feed(begin), "");
    EXPECT_EQ(filter.patience(), absl::Seconds(1)) << begin;
  }
}

TEST(ReplyFilterTest, AnEscapeInsideBeginsAnew) {
  EXPECT_EQ(Filtered("\x1b[12\x1b[?6c!"), "\x1b[12!");
  EXPECT_EQ(Filtered("\x1b\x1b[?6c!"), "\x1b!");
}

// A program asked for these reports, so nobody leads by sending them.
TEST(IsReportTest, FocusAndMouseAreReportsAndKeysAreNot) {
  for (const char* report :
       {"\x1b[I", "\x1b[O", "\x1b[<0;10;20M", "\x1b[<0;10;20m", "\x1b[O\x1b[I",
        "\x1b[<35;1;1M\x1b[<35;2;1M\x1b[I"}) {
    EXPECT_TRUE(IsReport(report)) << testing::PrintToString(report);
  }
  for (const char* typed : {"", "a", "\x1b", "\x1b[", "\x1b[A", "\x1b[<0;10",
                            "\x1b[<0;10;20A", "\x1b[Ia", "a\x1b[I"}) {
    EXPECT_FALSE(IsReport(typed)) << testing::PrintToString(typed);
  }
}

TEST(ReplyFilterTest, WhatNeverEndsIsNoAnswer) {
  for (const std::string start : {"\x1b[", "\x1bP1", "\x1b]1"}) {
    ReplyFilter filter;
    const std::string paste = start + std::string(5000, '1');
    std::string passed = filter.Feed(paste);
    EXPECT_GT(passed.size(), 4000U);
    passed += filter.Flush();
    EXPECT_EQ(passed, paste);
  }
}

}  // namespace
}  // namespace deptyr
