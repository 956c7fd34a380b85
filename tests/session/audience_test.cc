// The clients of a session: who is waited for, who leads, who is awaited.
#include "lib/session/audience.h"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_client.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AudienceTest : public testing::Test {
 protected:
  void Begin(WhenBehind when_behind) {
    audience_ = std::make_unique<Audience>(*loop_, ring_, when_behind,
                                           [this] { Look(); });
  }
  void Write(size_t bytes) {
    while (bytes > 0) {
      const std::span<char> room = ring_.Space(bytes);
      std::fill(room.begin(), room.end(), 'x');
      ring_.Commit(room.size());
      bytes -= room.size();
    }
    audience_->PumpAll();
  }
  // As far as the slowest lets it; then looks who is to be waited for.
  void Fill() {
    Write(audience_->RoomToRead());
    Look();
  }
  void Look() {
    ++looks_;
    audience_->UpdateHold();
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(64 << 10));
  std::unique_ptr<Audience> audience_ = std::make_unique<Audience>(
      *loop_, ring_, WhenBehind::kSkip, [this] { Look(); });
  int looks_ = 0;
  FakeClient slow_{1};
  FakeClient quick_{2};
};

TEST_F(AudienceTest, TheSlowestLeavesTheRoom) {
  audience_->Add(slow_);
  audience_->Add(quick_);
  slow_.takes = 10;
  Write(1000);
  EXPECT_EQ(audience_->RoomToRead(), ring_.capacity() - 990);
  EXPECT_TRUE(slow_.output().blocked());
  EXPECT_FALSE(quick_.output().blocked());
  audience_->Remove(slow_);
  EXPECT_EQ(audience_->RoomToRead(), ring_.capacity());
}

TEST_F(AudienceTest, WhoTakesTooLittleIsPassedOverInTheEnd) {
  audience_->Add(slow_);
  slow_.takes = 0;
  Fill();
  EXPECT_TRUE(audience_->held());
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !audience_->held(); }));
  EXPECT_FALSE(slow_.output().waited_for());
  EXPECT_EQ(audience_->RoomToRead(), ring_.capacity());
}

TEST_F(AudienceTest, WhoTakesEnoughIsNot) {
  audience_->Add(slow_);
  slow_.takes = 0;
  Fill();
  slow_.output().NoteTaken(kLeastTaken);
  bool over = false;
  const Timer window = loop_->After(1.5 * kPatience, [&] { over = true; });
  ASSERT_TRUE(RunUntil(*loop_, [&] { return over; }));
  EXPECT_TRUE(audience_->held());
}

TEST_F(AudienceTest, UnderDropItHasToLeave) {
  Begin(WhenBehind::kDrop);
  audience_->Add(slow_);
  slow_.takes = 0;
  Fill();
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !audience_->held(); }));
  EXPECT_THAT(slow_.heard, Contains(HasSubstr("too slow")));
}

TEST_F(AudienceTest, UnderBlockTheProgramWaits) {
  Begin(WhenBehind::kBlock);
  audience_->Add(slow_);
  slow_.takes = 0;
  Fill();
  EXPECT_TRUE(audience_->held());
  EXPECT_TRUE(IsQuiet(*loop_)) << "no window is begun";
  slow_.takes = SIZE_MAX;
  audience_->Pump(slow_);
  Look();
  EXPECT_FALSE(audience_->held());
}

// Each of them takes a turn's time.
TEST_F(AudienceTest, ThoseForWhomATurnHasNoTimeFollowInTheNext) {
  slow_.pumping = quick_.pumping = [this] {
    while (!loop_->TurnIsLong()) {
    }
  };
  audience_->Add(slow_);
  audience_->Add(quick_);
  const std::span<char> room = ring_.Space(10);
  ring_.Commit(room.size());
  uint64_t late = 1;
  const Timer turn = loop_->After(absl::ZeroDuration(), [&] {
    audience_->PumpThisTurn();
    EXPECT_EQ(slow_.output().offset(), ring_.end());
    late = quick_.output().offset();
  });
  ASSERT_TRUE(RunUntil(*loop_, [&] { return looks_ > 0; }));
  EXPECT_EQ(late, 0u);
  EXPECT_EQ(quick_.output().offset(), ring_.end());
}

// A client that isn't waited for may be in the middle of a packet.
TEST_F(AudienceTest, PacketsAreKeptBeforeTheyAreOverwritten) {
  audience_->Add(slow_);
  slow_.takes = 0;
  Write(1000);
  audience_->KeepPackets(100);
  EXPECT_THAT(slow_.heard, ElementsAre("blocked"));
  audience_->KeepPackets(ring_.capacity());
  EXPECT_THAT(slow_.heard, ElementsAre("blocked", "keep"));
}

TEST_F(AudienceTest, WhatIsToldIsSentAtOnce) {
  audience_->Add(quick_);
  const std::span<char> room = ring_.Space(10);
  ring_.Commit(room.size());
  audience_->Tell(Change::kStarted);
  EXPECT_EQ(quick_.output().offset(), ring_.end());
}

TEST_F(AudienceTest, NothingIsReadUntilThoseWhoWereThereAreBack) {
  audience_->Await(1);
  EXPECT_TRUE(audience_->awaits());
  audience_->Add(slow_);
  EXPECT_TRUE(audience_->awaits()) << "that one is new";
  quick_.comes_back = true;
  audience_->Add(quick_);
  EXPECT_FALSE(audience_->awaits());
  EXPECT_EQ(ring_.state().clients, 1u);
  EXPECT_EQ(looks_, 0);
}

TEST_F(AudienceTest, ButNotForEver) {
  audience_->Await(1);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return looks_ > 0; }));
  EXPECT_FALSE(audience_->awaits());
}

TEST_F(AudienceTest, ThoseWhoLeaveAHeadThatEndsStayCounted) {
  quick_.comes_back = true;
  audience_->Add(quick_);
  audience_->StopCounting();
  audience_->Remove(quick_);
  EXPECT_EQ(ring_.state().clients, 1u);
}

TEST_F(AudienceTest, TheOneThatLeadsAnswers) {
  audience_->Add(slow_);
  EXPECT_TRUE(audience_->Answers(slow_)) << "nobody leads";
  slow_.SetSize({});
  audience_->Add(quick_);
  audience_->Lead(quick_);
  EXPECT_TRUE(audience_->Answers(slow_)) << "the other has no terminal";
  quick_.SetSize({});
  EXPECT_FALSE(audience_->Answers(slow_));
  EXPECT_TRUE(audience_->Answers(quick_));
  audience_->Remove(quick_);
  EXPECT_EQ(audience_->leader(), nullptr);
}

TEST_F(AudienceTest, WithoutATerminalHeadAnswers) {
  EXPECT_FALSE(audience_->TerminalAnswers());
  audience_->Add(slow_);
  audience_->Lead(slow_);
  EXPECT_FALSE(audience_->TerminalAnswers()) << "it is a script";
  audience_->Add(quick_);
  quick_.SetSize({24, 80});
  EXPECT_TRUE(audience_->TerminalAnswers());
  slow_.SetSize({24, 80});
  slow_.answers_queries = false;
  EXPECT_FALSE(audience_->TerminalAnswers()) << "the one that leads can't";
  audience_->NoteAnsweredByHead(7);
  EXPECT_EQ(audience_->answered(), 7u);
  EXPECT_EQ(audience_->answered_by_head(), 7u);
}

TEST_F(AudienceTest, TheFurthestAnswers) {
  audience_->Add(slow_);
  slow_.takes = 10;
  Write(1000);
  EXPECT_EQ(audience_->answered(), 10u);
  audience_->Add(quick_);
  quick_.output().Lose();
  Write(1);
  EXPECT_EQ(audience_->answered(), 10u) << "it has seen nothing yet";
}

}  // namespace
}  // namespace deptyr
