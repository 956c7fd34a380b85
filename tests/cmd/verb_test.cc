#include "cmd/verb.h"

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

constexpr char kMany[] = "[HEAD-SOCKET] [SESSION] [TEXT]...";

Target Of(std::vector<std::string> operands) {
  return Value(TargetOf(std::move(operands), kMany));
}

TEST(TargetTest, NothingIsTheUsualHeadAndTheNewestSession) {
  const Target target = Of({});
  EXPECT_EQ(target.where.head, "");
  EXPECT_EQ(target.where.session, "");
  EXPECT_THAT(target.rest, IsEmpty());
}

TEST(TargetTest, AWordWithASlashIsASocketAnyOtherASession) {
  EXPECT_EQ(Of({"/run/head.sock"}).where.head, "/run/head.sock");
  EXPECT_EQ(Of({"./head.sock"}).where.head, "./head.sock");
  EXPECT_EQ(Of({"mc"}).where.session, "mc");
  EXPECT_EQ(Of({"mc"}).where.head, "");
  const Target both = Of({"/run/head.sock", "mc", "say", "a/b"});
  EXPECT_EQ(both.where.head, "/run/head.sock");
  EXPECT_EQ(both.where.session, "mc");
  EXPECT_THAT(both.rest, ElementsAre("say", "a/b"));
}

TEST(TargetTest, WhatCanBeNoSessionIsTheUsersError) {
  for (const char* wrong : {"", "a b", ".hidden", "-"}) {
    EXPECT_THAT(TargetOf({wrong}, kMany),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("not a session name")))
        << wrong;
  }
}

TEST(TargetTest, ASessionIsWhereItBelongs) {
  EXPECT_THAT(
      TargetOf({"/run/head.sock"}, "[HEAD-SOCKET] SESSION"),
      StatusIs(absl::StatusCode::kInvalidArgument, "no SESSION; see --help"));
  EXPECT_THAT(TargetOf({"mc"}, "[HEAD-SOCKET]"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "not a socket: mc; see --help"));
}

TEST(TargetTest, AWordTooManyIsNamed) {
  EXPECT_THAT(TargetOf({"mc", "x"}, "[HEAD-SOCKET] [SESSION]"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unexpected argument: x")));
}

}  // namespace
}  // namespace deptyr
