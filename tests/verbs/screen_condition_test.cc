#include "lib/verbs/screen_condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

Screen Showing(absl::string_view bytes) {
  Screen screen({.rows = 5, .cols = 20});
  screen.Write(bytes);
  return screen;
}

TEST(ScreenConditionTest, ARowIsFoundWhereverItIsAndHoweverItWasWritten) {
  ScreenCondition condition;
  EXPECT_TRUE(condition.empty());
  ASSERT_THAT(condition.Shows("^Name: \\w+$"), IsOk());
  EXPECT_FALSE(condition.empty());
  EXPECT_FALSE(condition.Holds(Showing("Name:")));
  EXPECT_TRUE(condition.Holds(
      Showing("one\x1b[3;7Hx\x1b[31m\x1b[3;1HName:\x1b[m\x1b[4;1Htwo")));
  EXPECT_EQ(condition.lasting(), absl::ZeroDuration());
}

TEST(ScreenConditionTest, AllThatIsSaidHasToHold) {
  ScreenCondition condition;
  ASSERT_THAT(condition.Shows("ready"), IsOk());
  ASSERT_THAT(condition.Lacks("busy"), IsOk());
  EXPECT_FALSE(condition.Holds(Showing("ready, busy")));
  EXPECT_FALSE(condition.Holds(Showing("")));
  EXPECT_TRUE(condition.Holds(Showing("ready")));
  EXPECT_EQ(condition.WhyNot(Showing("")), "doesn't show ready");
  EXPECT_EQ(condition.WhyNot(Showing("ready, busy")), "still shows busy");
}

// A program that repaints clears first.
TEST(ScreenConditionTest, WhatIsGoneHasToBeGoneForAWhile) {
  ScreenCondition condition;
  ASSERT_THAT(condition.Lacks("busy"), IsOk());
  EXPECT_GT(condition.lasting(), absl::ZeroDuration());
  EXPECT_FALSE(condition.waits_for_stable());
  condition.StaysTheSame(absl::Seconds(2));
  EXPECT_EQ(condition.lasting(), absl::Seconds(2));
  EXPECT_TRUE(condition.waits_for_stable());
}

TEST(ScreenConditionTest, AnExpressionMaySpanRows) {
  ScreenCondition condition;
  ASSERT_THAT(condition.Shows("one\\ntwo"), IsOk());
  EXPECT_TRUE(condition.Holds(Showing("one\r\ntwo")));
}

TEST(ScreenConditionTest, WhatIsNoExpressionIsTheUsersError) {
  ScreenCondition condition;
  EXPECT_THAT(condition.Shows("("),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("not a regular expression (re2-syntax): (:")));
}

}  // namespace
}  // namespace deptyr
