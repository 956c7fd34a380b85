// A client that outlives its head, what is typed meanwhile, and what it says.
#include "lib/attach/attachment.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/announcer.h"
#include "tests/support/scripted_head.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AttachmentTest : public testing::Test, public Attachment::Listener {
 protected:
  // Follows what these heads say, one after the other, until none is left.
  void Follow(const std::vector<std::string>& heads) {
    const ScriptedHead head(heads);
    ASSERT_THAT(attachment_.Open(head.path()), IsOk());
    ASSERT_TRUE(
        RunUntil(*loop_, [&] { return !why_.ok() || away_ == heads.size(); }));
  }

  void OnAttached(const Attached& attached, Attachment::Joined how) override {
    const char* const names[] = {"first", "anew", "back"};
    heard_.push_back(
        absl::StrCat(names[static_cast<int>(how)], " ", attached.offset));
  }
  void OnMessage(const HeadMessage& message) override {
    if (const auto* output = std::get_if<Output>(&message)) {
      heard_.push_back(output->bytes);
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      heard_.emplace_back(ValueOf(notice->fields, "event"));
    }
  }
  void OnOldNotice(const KeyValues& fields) override {
    heard_.push_back(absl::StrCat("old ", ValueOf(fields, "event")));
  }
  void OnAway() override { ++away_; }
  void OnHeadMissed() override {}
  void OnFailed(const absl::Status& why) override { why_ = why; }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Attachment attachment_{
      *loop_, absl::Seconds(60), {.session = "a", .kick = true}, *this};
  std::vector<std::string> heard_;
  size_t away_ = 0;
  absl::Status why_;
};

std::string Said(uint64_t offset, const std::string& more) {
  return absl::StrCat(Encode(SomeAttached(offset)), more);
}

std::string Ended() {
  return Encode(Notice{{{"event", "ended"}, {"number", "1"}}});
}

TEST_F(AttachmentTest, TheNextHeadGoesOnWhereTheLastOneStopped) {
  Follow({Said(0, Encode(Output{"one"})), Said(3, Encode(Output{"two"}))});
  EXPECT_THAT(heard_, ElementsAre("first 0", "one", "back 3", "two"));
  EXPECT_EQ(attachment_.position().offset(), 6U);
  EXPECT_EQ(attachment_.session(), "a");
}

TEST_F(AttachmentTest, WhatTheLastHeadToldIsNoNewsFromTheNext) {
  Follow({Said(0, Ended()), Said(0, Ended())});
  EXPECT_THAT(heard_, ElementsAre("first 0", "ended", "back 0", "old ended"));
}

TEST_F(AttachmentTest, ARefusalIsTheEndUnlessAnotherHeadMayTakeTheClient) {
  Follow({Said(0, ""), Encode(Refused{.code = kRefusedStopping, .text = ""}),
          Encode(Refused{.code = kRefusedKicked, .text = "by root"})});
  EXPECT_THAT(heard_, ElementsAre("first 0"));
  EXPECT_THAT(why_, StatusIs(absl::StatusCode::kFailedPrecondition,
                             HasSubstr("by root")));
}

TEST_F(AttachmentTest, AFirstHeadThatRefusesOrGoesAwayIsNotWaitedFor) {
  Follow({""});
  EXPECT_THAT(why_, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(away_, 0U);
}

TEST_F(AttachmentTest, WhatIsTypedWhileHeadIsAwayWaits) {
  Follow({Said(0, "")});
  attachment_.Type("y");
  EXPECT_FALSE(attachment_.full());
  attachment_.Type(std::string(Attachment::kMostTyped, 'z'));
  EXPECT_TRUE(attachment_.full());
  attachment_.ForgetWaitingKeys();
  EXPECT_FALSE(attachment_.full());
  EXPECT_FALSE(attachment_.keys_may_be_lost());
}

TEST_F(AttachmentTest, ClosedItHearsNothingMore) {
  const ScriptedHead head({Said(0, Encode(Output{"one"}))});
  ASSERT_THAT(attachment_.Open(head.path()), IsOk());
  attachment_.Close();
  attachment_.Reopen();
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_THAT(heard_, ElementsAre());
  EXPECT_TRUE(attachment_.away());
}

TEST(AnnouncerTest, WhatWouldBePaintedOverIsSaidOnceNothingMoreComes) {
  const std::unique_ptr<EventLoop> loop = Value(EventLoop::Create());
  std::vector<std::string> lines;
  Announcer announcer(
      *loop, [&](absl::string_view line) { lines.emplace_back(line); });
  announcer.SayOncePainted(Announcer::kState, "a waits");
  announcer.SayOncePainted(Announcer::kRights, "taken back");
  announcer.SayOncePainted(Announcer::kRights, "");
  announcer.OnMessage();
  announcer.Say("at once");
  EXPECT_THAT(lines, ElementsAre("[deptyr: at once]"));
  ASSERT_TRUE(RunUntil(*loop, [&] { return lines.size() > 1; }));
  EXPECT_THAT(lines, ElementsAre("[deptyr: at once]", "[deptyr: a waits]"));
}

}  // namespace
}  // namespace deptyr
