#include "lib/verbs/matcher.h"

#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

TEST(MatcherTest, ALineMatchesHoweverItWasCut) {
  const absl::string_view output = "one\r\n\x1b[31mtw\x1b[mo 2\r\nthree\r\n";
  for (size_t size = 1; size <= output.size(); ++size) {
    Matcher matcher = Value(Matcher::Create("^two \\d$"));
    bool matched = false;
    for (size_t at = 0; at < output.size() && !matched; at += size) {
      matched = matcher.Feed(output.substr(at, size));
    }
    EXPECT_TRUE(matched) << size;
    EXPECT_EQ(matcher.answer(), "one\ntwo 2") << size;
    EXPECT_EQ(matcher.line(), "two 2") << size;
  }
}

TEST(MatcherTest, APromptMatchesThoughItsLineIsNotFinished) {
  Matcher matcher = Value(Matcher::Create("> $"));
  EXPECT_FALSE(matcher.Feed("> is no prompt\r\n"));
  EXPECT_FALSE(matcher.Feed("mc>"));
  EXPECT_TRUE(matcher.Feed(" "));
}

TEST(MatcherTest, TheEndOfALineMayBeSaidInTwoWays) {
  for (const char* pattern : {"^one$", "one\\n"}) {
    Matcher matcher = Value(Matcher::Create(pattern));
    EXPECT_FALSE(matcher.Feed("one two\r\n")) << pattern;
    EXPECT_TRUE(matcher.Feed("one\r\n")) << pattern;
    EXPECT_EQ(matcher.line(), "one");
  }
}

TEST(MatcherTest, TheLineThatMatchesMayGoOn) {
  Matcher matcher = Value(Matcher::Create("online"));
  EXPECT_FALSE(matcher.Feed("list\r\n"));
  EXPECT_TRUE(matcher.Feed("players online: "));
  EXPECT_FALSE(matcher.line_ended());
  EXPECT_EQ(matcher.line(), "players online: ");
  EXPECT_TRUE(matcher.Feed("Steve, Alex\r\n> "));
  EXPECT_TRUE(matcher.line_ended());
  EXPECT_EQ(matcher.line(), "players online: Steve, Alex");
  EXPECT_EQ(matcher.answer(), "list\nplayers online: Steve, Alex");
}

TEST(MatcherTest, AnAnswerBeginsAfterTheEcho) {
  // When Enter is typed, some of the echo has come.
  for (const absl::string_view before : {"> list", "> li", "> ", ""}) {
    Matcher matcher = Value(Matcher::Create("list|Steve"));
    matcher.Feed(before);
    matcher.BeginAnswer("list");
    const std::string rest = before == "> list" ? ""
                             : before == "> li" ? "st"
                                                : "list";
    EXPECT_FALSE(matcher.Feed(rest)) << before;
    EXPECT_FALSE(matcher.Feed("\r\n")) << before;
    EXPECT_TRUE(matcher.Feed("Steve\r\n"));
    EXPECT_EQ(matcher.answer(), "Steve") << before;
  }
}

TEST(MatcherTest, AnAnswerThatIsNoEchoIsWhole) {
  Matcher matcher = Value(Matcher::Create("list"));
  matcher.BeginAnswer(std::nullopt);
  EXPECT_TRUE(matcher.Feed("list\r\n"));
  matcher.BeginAnswer("list");
  EXPECT_TRUE(matcher.Feed("a list of one\r\n"));
  EXPECT_EQ(matcher.answer(), "a list of one");
}

TEST(MatcherTest, WithoutAPatternWholeLinesAreKept) {
  Matcher matcher = Matcher::WithoutPattern();
  EXPECT_FALSE(matcher.Feed("$ "));
  EXPECT_EQ(matcher.answer(), "$ ");
  matcher.BeginAnswer("seq 2");
  EXPECT_FALSE(matcher.Feed("\r\n1\r\n2\r\n$ "));
  EXPECT_EQ(matcher.answer(), "1\n2");
}

TEST(MatcherTest, NothingMatchesAcrossLines) {
  Matcher matcher = Value(Matcher::Create("a.*b"));
  EXPECT_FALSE(matcher.Feed("a\r\nb\r\n"));
  EXPECT_TRUE(matcher.Feed("a b"));
}

TEST(MatcherTest, AFloodIsNotKept) {
  Matcher matcher = Value(Matcher::Create("never"));
  const std::string line(1000, 'x');
  for (int i = 0; i < 10000; ++i) {
    ASSERT_FALSE(matcher.Feed(absl::StrCat(line, i % 2 == 0 ? "\n" : "")));
  }
  EXPECT_LE(matcher.answer().size(), 2 * Matcher::kLongestText + 2000);
}

TEST(MatcherTest, ALineThatNeverEndsIsGivenUpAndAnotherBegins) {
  Matcher matcher = Value(Matcher::Create("^end"));
  EXPECT_FALSE(matcher.Feed(std::string(Matcher::kLongestLine + 1, 'x')));
  EXPECT_TRUE(matcher.Feed("end"));
}

TEST(MatcherTest, WhatIsNoExpressionIsTheUsersError) {
  EXPECT_THAT(Matcher::Create("("),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("not a regular expression")));
}

}  // namespace
}  // namespace deptyr
