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
    EXPECT_EQ(matcher.text(), "one\ntwo 2") << size;
    EXPECT_EQ(matcher.line(), "two 2") << size;
  }
}

TEST(MatcherTest, APromptMatchesThoughItsLineIsNotFinished) {
  Matcher matcher = Value(Matcher::Create("> $"));
  EXPECT_FALSE(matcher.Feed("> is no prompt\r\n"));
  EXPECT_FALSE(matcher.Feed("mc>"));
  EXPECT_TRUE(matcher.Feed(" "));
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
  EXPECT_LE(matcher.text().size(), 2 * Matcher::kLongestText + 2000);
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
