#include "cmd/client.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Target Of(std::vector<std::string> operands, size_t most_rest = 9) {
  return Value(TargetOf(std::move(operands), most_rest));
}

TEST(TargetTest, NothingIsTheUsualHeadAndTheNewestSession) {
  const Target where = Of({});
  EXPECT_EQ(where.head, "");
  EXPECT_EQ(where.session, "");
  EXPECT_THAT(where.rest, IsEmpty());
}

TEST(TargetTest, AWordWithASlashIsASocketAnyOtherASession) {
  EXPECT_EQ(Of({"/run/head.sock"}).head, "/run/head.sock");
  EXPECT_EQ(Of({"./head.sock"}).head, "./head.sock");
  EXPECT_EQ(Of({"mc"}).session, "mc");
  EXPECT_EQ(Of({"mc"}).head, "");
  const Target both = Of({"/run/head.sock", "mc", "say", "a/b"});
  EXPECT_EQ(both.head, "/run/head.sock");
  EXPECT_EQ(both.session, "mc");
  EXPECT_THAT(both.rest, ElementsAre("say", "a/b"));
}

TEST(TargetTest, WhatCanBeNoSessionIsTheUsersError) {
  for (const char* wrong : {"", "a b", ".hidden", "-"}) {
    EXPECT_THAT(TargetOf({wrong}, 0),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("no session can be called")))
        << wrong;
  }
}

TEST(TargetTest, AWordTooManyIsNamed) {
  EXPECT_THAT(TargetOf({"mc", "x"}, 0),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("one word too many: x")));
}

}  // namespace
}  // namespace deptyr
