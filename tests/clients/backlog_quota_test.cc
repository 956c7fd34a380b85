// A user's untaken bytes are limited, and others of that user wait in a line.
#include "lib/clients/backlog_quota.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/peer_identity.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kMost = 100;
constexpr uid_t kOne = 1000;
constexpr uid_t kOther = 1001;
constexpr absl::Duration kLong = absl::Hours(1);

class BacklogQuotaTest : public testing::Test {
 protected:
  explicit BacklogQuotaTest(absl::Duration patience = kLong)
      : quota_(*loop_, kMost, patience) {
    EXPECT_THAT(SetNonBlocking(pair_.theirs.get()), IsOk());
  }

  std::unique_ptr<BacklogQuota::Held> Hold(uid_t uid, size_t bytes) {
    return std::make_unique<BacklogQuota::Held>(
        quota_, uid, bytes, pair_.theirs.get(), [this] { stuck_ = true; });
  }
  // Says `name` when its turn comes, and takes `bytes` then.
  void Wait(uid_t uid, char name, size_t bytes) {
    places_.push_back(quota_.Queue(uid, [this, uid, name, bytes] {
      served_.push_back(name);
      held_.push_back(Hold(uid, bytes));
    }));
  }
  // All whose turn it is have had it.
  void Settle() { EXPECT_TRUE(IsQuiet(*loop_)); }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  SocketPair pair_;
  BacklogQuota quota_;
  bool stuck_ = false;
  std::vector<char> served_;
  std::vector<std::unique_ptr<BacklogQuota::Held>> held_;
  std::vector<BacklogQuota::Place> places_;
};

TEST_F(BacklogQuotaTest, OnePictureIsMadeInATurn) {
  EXPECT_TRUE(quota_.TakeTurn(kOne));
  EXPECT_TRUE(quota_.HasRoom(kOther));
  EXPECT_FALSE(quota_.TakeTurn(kOther));
  std::vector<int> turns;
  int turn = 0;
  for (int i = 0; i < 3; ++i) {
    places_.push_back(quota_.Queue(kOther, [&] {
      EXPECT_TRUE(quota_.TakeTurn(kOther));
      EXPECT_FALSE(quota_.TakeTurn(kOther));
      turns.push_back(turn);
    }));
  }
  while (turns.size() < 3) {
    ++turn;
    ASSERT_THAT(loop_->RunOnce(), IsOk());
  }
  EXPECT_THAT(turns, ElementsAre(1, 2, 3));
  Settle();
  EXPECT_TRUE(quota_.TakeTurn(kOne));
}

TEST_F(BacklogQuotaTest, AUserHasRoomUntilSoMuchIsUntaken) {
  EXPECT_TRUE(quota_.HasRoom(kOne));
  auto some = Hold(kOne, kMost - 1);
  EXPECT_TRUE(quota_.HasRoom(kOne));
  // However large the next is.
  const auto large = Hold(kOne, 1000 * kMost);
  EXPECT_FALSE(quota_.HasRoom(kOne));
  some.reset();
  EXPECT_FALSE(quota_.HasRoom(kOne));
}

TEST_F(BacklogQuotaTest, AnothersRoomIsTheirs) {
  const auto held = Hold(kOne, kMost);
  EXPECT_TRUE(quota_.HasRoom(kOther));
  EXPECT_TRUE(quota_.HasRoom(0));
  const auto unknown = Hold(kUnknownId, kMost);
  EXPECT_FALSE(quota_.HasRoom(kUnknownId));
  EXPECT_TRUE(quota_.HasRoom(kOther));
}

TEST_F(BacklogQuotaTest, TheLineIsServedInItsOrderAndOnlyWhileThereIsRoom) {
  auto held = Hold(kOne, kMost);
  Wait(kOne, 'a', kMost / 2);
  Wait(kOne, 'b', kMost / 2);
  Wait(kOne, 'c', kMost);
  Settle();
  EXPECT_THAT(served_, IsEmpty());
  held.reset();
  Settle();
  EXPECT_THAT(served_, ElementsAre('a', 'b'));
  held_.clear();
  Settle();
  EXPECT_THAT(served_, ElementsAre('a', 'b', 'c'));
}

TEST_F(BacklogQuotaTest, WhoHasRoomDoesNotWaitForWhoHasNone) {
  const auto held = Hold(kOne, kMost);
  Wait(kOne, 'a', 1);
  Wait(kOther, 'b', 1);
  Settle();
  EXPECT_THAT(served_, ElementsAre('b'));
}

TEST_F(BacklogQuotaTest, WhoLeavesTheLineIsPassed) {
  auto held = Hold(kOne, kMost);
  Wait(kOne, 'a', kMost);
  Wait(kOne, 'b', kMost);
  places_.front().reset();
  held.reset();
  Settle();
  EXPECT_THAT(served_, ElementsAre('b'));
}

class PatienceTest : public BacklogQuotaTest {
 protected:
  PatienceTest() : BacklogQuotaTest(absl::Milliseconds(200)) {}
  std::string room_ = std::string(1 << 20, '\0');
};

TEST_F(PatienceTest, WhoTakesNothingIsStuck) {
  const auto held = Hold(kOne, 1);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return stuck_; }));
}

// Nothing is written meanwhile: the socket says that it has room only later.
TEST_F(PatienceTest, WhoTakesALittleIsNot) {
  const std::string piece(1000, 'x');
  while (WriteSome(pair_.theirs.get(), piece).state == IoState::kDone) {
  }
  const auto held = Hold(kOne, 1);
  const Clock::time_point begin = Clock::now();
  Timer read;
  absl::AnyInvocable<void()> take = [&] {
    (void)ReadSome(pair_.ours.get(), std::span(room_).first(piece.size()));
    read = loop_->After(absl::Milliseconds(20), [&] { take(); });
  };
  take();
  ASSERT_TRUE(RunUntil(*loop_, [&] {
    return stuck_ || Clock::now() - begin > std::chrono::seconds(1);
  }));
  EXPECT_FALSE(stuck_);
}

}  // namespace
}  // namespace deptyr
