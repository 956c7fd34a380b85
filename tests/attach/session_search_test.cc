// A session that isn't there yet is looked for until head has it.
#include "lib/attach/session_search.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/process.h"
#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string With(const std::string& session, uid_t uid = OwnUid()) {
  return absl::StrCat(
      Encode(Item{{{"name", session}, {"uid", absl::StrCat(uid)}}}),
      Encode(Done{}));
}

class SessionSearchTest : public testing::Test {
 protected:
  absl::Status Await(const std::string& path, const std::string& session,
                     absl::Duration patience = absl::Seconds(60)) {
    return AwaitSession(*loop_, {path, session}, patience);
  }
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
};

TEST_F(SessionSearchTest, ItIsFoundOnceAHeadHasIt) {
  const ScriptedHead head({Encode(Done{}), "", With("b"), With("a")});
  EXPECT_THAT(Await(head.path(), "a"), IsOk());
}

TEST_F(SessionSearchTest, WithoutANameOneOfTheCallersOwnIsMeant) {
  const ScriptedHead head({With("theirs", OwnUid() + 1), With("own")});
  EXPECT_THAT(Await(head.path(), ""), IsOk());
}

TEST_F(SessionSearchTest, WhatDoesNotComeIsATimeOutThatSaysWhy) {
  const TempDir folder;
  EXPECT_THAT(Await(folder / "none", "a", absl::Milliseconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       AllOf(HasSubstr("no session called a within 1ms: "),
                             HasSubstr("does head run there?"))));
}

TEST_F(SessionSearchTest, AHeadThatWillNeverAnswerIsNotAskedAgain) {
  const ScriptedHead head(
      {Encode(Refused{.code = kRefusedVersion, .text = "too old"})});
  EXPECT_THAT(
      Await(head.path(), "a"),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("too old")));
}

}  // namespace
}  // namespace deptyr
