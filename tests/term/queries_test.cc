// The queries in a stream are known, however it is cut, and have their answers.
#include "lib/term/queries.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/term/digest.h"

namespace deptyr {
namespace {

// The queries in a stream.
std::vector<Query> QueriesIn(absl::string_view bytes) {
  SequenceParser parser;
  std::vector<Query> queries;
  for (const char c : bytes) {
    const auto query = QueryOf(parser.Take(c), parser);
    if (query) queries.push_back(*query);
  }
  return queries;
}

struct Known {
  absl::string_view bytes;
  Query query;
};

const Known kKnown[] = {
    {"\x1b[5n", {Query::kStatus}},
    {"\x1b[6n", {Query::kCursor}},
    {"\x1b[?6n", {Query::kDecCursor}},
    {"\x1b[c", {Query::kAttributes}},
    {"\x1b[0c", {Query::kAttributes}},
    {"\x1bZ", {Query::kAttributes}},
    {"\x1b[>c", {Query::kSecondaryAttributes}},
    {"\x1b[>0c", {Query::kSecondaryAttributes}},
    {"\x1b[=c", {Query::kTertiaryAttributes}},
    {"\x1b[4$p", {Query::kMode, 4}},
    {"\x1b[?2026$p", {Query::kDecMode, 2026}},
    {"\x1b[>q", {Query::kVersion}},
    {"\x1b[>0q", {Query::kVersion}},
    {"\x1b[18t", {Query::kSize}},
    {"\x1b[19t", {Query::kDisplaySize}},
    {"\x1b[?2048h", {Query::kSizeReports}},
    {"\x1b[?1049;2048h", {Query::kSizeReports}},
    {"\x1b[14t", {Query::kPixels}},
    {"\x1b[14;2t", {Query::kPixels}},
    {"\x1b[15t", {Query::kOther}},
    {"\x1b[16t", {Query::kCellPixels}},
    {"\x1b[21t", {Query::kOther}},
    {"\x1b[?996n", {Query::kOther}},
    {"\x1b[?u", {Query::kOther}},
    {"\x1b[?4m", {Query::kOther}},
    {"\x1b[?2;1;0S", {Query::kOther}},
    {"\x1b[1;1;1;1;9;9*y", {Query::kOther}},
    {"\x1b]11;?\x07", {Query::kOther}},
    {"\x1b]4;1;?;2;?\x1b\\", {Query::kOther}},
    {"\x1b]52;c;?\x07", {Query::kOther}},
    {"\x1b]21;foreground=?\x07", {Query::kOther}},
    {"\x1b]1337;ReportCellSize\x07", {Query::kOther}},
    {"\x1bP$qm\x1b\\", {Query::kOther}},
    {"\x1bP+q544e\x1b\\", {Query::kOther}},
    {"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\", {Query::kOther}},
};

TEST(QueryTest, EachKindIsKnown) {
  for (const Known& known : kKnown) {
    EXPECT_EQ(QueriesIn(known.bytes), std::vector{known.query})
        << testing::PrintToString(known.bytes);
  }
}

TEST(QueryTest, WhatAsksNothingIsNone) {
  for (const char* bytes : {"\x1b[1c",
                            "\x1b[?62;22c",
                            "\x1b[>1;10;0c",
                            "\x1b[>0;276;0c",
                            "\x1b[n",
                            "\x1b[0n",
                            "\x1b[>4n",
                            "\x1b[24;80R",
                            "\x1b[!p",
                            "\x1b[?2026;2$y",
                            "\x1b[ q",
                            "\x1b[2 q",
                            "\x1b[\"q",
                            "\x1b[>1q",
                            "\x1b[8;24;80t",
                            "\x1b[48;24;80;0;0t",
                            "\x1b[?2048l",
                            "\x1b[2048h",
                            "\x1b[22;0t",
                            "\x1b[u",
                            "\x1b[>1u",
                            "\x1b[<u",
                            "\x1b[m",
                            "\x1b[>4;1m",
                            "\x1b[2S",
                            "\x1b[#q",
                            "\x1b[6 n",
                            "\x1b(Z",
                            "\x1b]0;is it?;?\x07",
                            "\x1b]7;file://host/a;?\x07",
                            "\x1b]8;;http://a/?a=?\x07",
                            "\x1b]11;rgb:1/2/3\x07",
                            "\x1b]52;c;Zg==\x07",
                            "\x1b]x;?\x07",
                            "\x1bP1$r0m\x1b\\",
                            "\x1bP1$qm\x18",
                            "\x1b_Gq=2,i=1;AAAA\x1b\\",
                            "\x1b_Ga=T,f=24;AAAA\x1b\\",
                            "\x1b[6",
                            "\x1b[6\x18n",
                            "[6n"}) {
    EXPECT_TRUE(QueriesIn(bytes).empty()) << testing::PrintToString(bytes);
  }
}

TEST(QueryTest, TheDigestKnowsWhereTheLastOneEnded) {
  EXPECT_EQ(Digest().last_query(), 0u);
  for (const Known& known : kKnown) {
    const std::string bytes =
        absl::StrCat("text\x1b[1m", known.bytes, "more\x1b[1;31m\x1b[1;5Hb");
    const uint64_t end = 8 + known.bytes.size();
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      Digest digest;
      digest.Scan(bytes.substr(0, cut));
      EXPECT_EQ(digest.last_query(), cut < end ? 0 : end);
      digest.Scan(absl::string_view(bytes).substr(cut));
      ASSERT_EQ(digest.last_query(), end)
          << testing::PrintToString(known.bytes) << " cut at " << cut;
    }
  }
}

std::string AnswersTo(absl::string_view bytes, WindowSize size = {30, 90}) {
  Digest digest;
  std::string answers;
  digest.Scan(bytes, [&](const Query& query) {
    answers += AnswerTo(query, digest.modes(), size);
  });
  return answers;
}

TEST(AnswerTest, IsWhatATerminalWithoutAnybodySays) {
  EXPECT_EQ(AnswersTo("\x1b[5n"), "\x1b[0n");
  EXPECT_EQ(AnswersTo("\x1b[c"), "\x1b[?62;22c");
  EXPECT_EQ(AnswersTo("\x1bZ"), "\x1b[?62;22c");
  EXPECT_EQ(AnswersTo("\x1b[>c"), "\x1b[>1;10;0c");
  EXPECT_EQ(AnswersTo("\x1b[=c"), "\x1bP!|00000000\x1b\\");
  EXPECT_EQ(AnswersTo("\x1b[>q"), "\x1bP>|deptyr(" DEPTYR_VERSION ")\x1b\\");
  EXPECT_EQ(AnswersTo("\x1b[18t"), "\x1b[8;30;90t");
  EXPECT_EQ(AnswersTo("\x1b[19t"), "\x1b[9;30;90t");
  EXPECT_EQ(AnswersTo("\x1b[?2048h"), "\x1b[48;30;90;0;0t");
}

TEST(AnswerTest, PixelsAreSaidIfTheyAreKnown) {
  constexpr absl::string_view kPixels = "\x1b[14t\x1b[16t";
  EXPECT_EQ(AnswersTo(kPixels), "");
  EXPECT_EQ(AnswersTo(kPixels, {30, 90, 900, 0}), "");
  EXPECT_EQ(AnswersTo(kPixels, {0, 0, 900, 600}), "\x1b[4;600;900t");
  EXPECT_EQ(AnswersTo(kPixels, {30, 90, 900, 600}),
            "\x1b[4;600;900t\x1b[6;20;10t");
  EXPECT_EQ(AnswersTo("\x1b[?2048h", {30, 90, 900, 600}),
            "\x1b[48;30;90;600;900t");
}

TEST(AnswerTest, OnlyAScreenKnowsTheCursor) {
  EXPECT_EQ(AnswersTo("\x1b[6n\x1b[?6n"), "");
  EXPECT_EQ(CursorAnswer({Query::kCursor}, {.row = 2, .col = 0}), "\x1b[3;1R");
  EXPECT_EQ(CursorAnswer({Query::kDecCursor}, {.row = 0, .col = 79}),
            "\x1b[?1;80R");
}

TEST(AnswerTest, AModeIsWhatItIsAtThatPlace) {
  EXPECT_EQ(AnswersTo("\x1b[?2004$p\x1b[?2004h\x1b[?2004$p"),
            "\x1b[?2004;2$y\x1b[?2004;1$y");
  for (const char* mode :
       {"1", "4", "5", "6", "8", "9", "25", "45", "47", "66", "69", "1000",
        "1002", "1003", "1004", "1006", "1049", "2026"}) {
    EXPECT_EQ(AnswersTo(absl::StrCat("\x1b[?", mode, "h\x1b[?", mode,
                                     "$p\x1b[?", mode, "l\x1b[?", mode, "$p")),
              absl::StrCat("\x1b[?", mode, ";1$y\x1b[?", mode, ";2$y"));
  }
  EXPECT_EQ(AnswersTo("\x1b[?1003h\x1b[?1000$p"), "\x1b[?1000;2$y");
  for (const char* mode : {"4", "20"}) {
    EXPECT_EQ(AnswersTo(absl::StrCat("\x1b[", mode, "$p\x1b[", mode, "h\x1b[",
                                     mode, "$p")),
              absl::StrCat("\x1b[", mode, ";2$y\x1b[", mode, ";1$y"));
  }
}

// A terminal that comes later may not have them.
TEST(AnswerTest, NothingIsPromisedThatIsNotKept) {
  for (const char* mode : {"1016", "2027", "2031", "80", "8452", "9999"}) {
    EXPECT_EQ(AnswersTo(absl::StrCat("\x1b[?", mode, "h\x1b[?", mode, "$p")),
              absl::StrCat("\x1b[?", mode, ";0$y"));
  }
  EXPECT_EQ(AnswersTo("\x1b[3$p\x1b[$p"), "\x1b[3;0$y\x1b[0;0$y");
}

TEST(AnswerTest, WhatHasNoAnswerHereHasNone) {
  for (const Known& known : kKnown) {
    if (known.query.kind != Query::kOther) continue;
    EXPECT_EQ(AnswersTo(known.bytes), "")
        << testing::PrintToString(known.bytes);
  }
}

// The terminal may echo it.
TEST(AnswerTest, NoneIsAQuery) {
  std::string answers = absl::StrCat(CursorAnswer({Query::kCursor}, {}),
                                     CursorAnswer({Query::kDecCursor}, {}));
  for (const Known& known : kKnown) answers += AnswersTo(known.bytes);
  EXPECT_GT(answers.size(), 90u);
  EXPECT_TRUE(QueriesIn(answers).empty()) << testing::PrintToString(answers);
}

TEST(AnswerTest, HowTheStreamIsCutDoesNotMatter) {
  const std::string bytes =
      "\x1b[?1h\x1b[c\x1b[?1$ptext\x1b[?1l\x1b[?1$p\x1b[>q\xe2\x82\xac\x1b[5n";
  const std::string whole = AnswersTo(bytes);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    Digest digest;
    std::string answers;
    const auto answer = [&](const Query& query) {
      answers += AnswerTo(query, digest.modes(), {30, 90});
    };
    digest.Scan(absl::string_view(bytes).substr(0, cut), answer);
    digest.Scan(absl::string_view(bytes).substr(cut), answer);
    ASSERT_EQ(answers, whole) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace deptyr
