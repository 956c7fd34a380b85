// Reading a terminal into the ring; a socket stands for the terminal.
#include "lib/session/drain.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/fake_client.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

class Eye final : public Observer {
 public:
  explicit Eye(const Ring& ring) : ring_(ring) {}
  void OnOutput() override {
    absl::StrAppend(&seen, ring_.From(at_));
    at_ = ring_.end();
  }
  std::string seen;

 private:
  const Ring& ring_;
  uint64_t at_ = 0;
};

class DrainTest : public testing::Test {
 protected:
  DrainTest() {
    EXPECT_THAT(SetNonBlocking(pair_.ours.get()), IsOk());
    terminal_ = SharedFd(std::move(pair_.ours));
    watch_ = loop_->Add(terminal_.get(), Interest::kNone, [](Ready) {});
    drain_.Begin();
  }
  void Write(absl::string_view text) {
    EXPECT_EQ(WriteSome(pair_.theirs.get(), text).bytes, text.size());
  }
  bool Turn(bool program_ended = false) {
    return drain_.Turn(terminal_, watch_, program_ended);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  SocketPair pair_;
  SharedFd terminal_;
  Watch watch_;
  Ring ring_ = Value(Ring::Create(64 << 10));
  Audience audience_{*loop_, ring_, WhenBehind::kSkip, [] {}};
  Drain drain_{*loop_, ring_, audience_};
};

TEST_F(DrainTest, WhatIsReadEverybodyGets) {
  Eye eye(ring_);
  drain_.Add(eye);
  FakeClient client;
  audience_.Add(client);
  Write("hello");
  EXPECT_TRUE(Turn());
  EXPECT_EQ(ring_.From(0), "hello");
  EXPECT_EQ(client.output().offset(), 5u);
  EXPECT_EQ(eye.seen, "hello");
}

TEST_F(DrainTest, AnObserverSeesEveryByteOfAFlood) {
  Eye eye(ring_);
  drain_.Add(eye);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string text(1000, static_cast<char>('a' + i % 26));
    Write(text);
    all += text;
    ASSERT_TRUE(Turn());
  }
  EXPECT_TRUE(eye.seen == all) << "other bytes";
}

TEST_F(DrainTest, NothingIsReadPastAClientThatIsWaitedFor) {
  FakeClient client;
  client.takes = 0;
  audience_.Add(client);
  while (audience_.RoomToRead() > 0) {
    Write(std::string(4096, 'x'));
    ASSERT_TRUE(Turn());
  }
  Write("more");
  EXPECT_TRUE(Turn());
  EXPECT_EQ(ring_.end(), ring_.capacity());
  EXPECT_TRUE(drain_.ReadAll(terminal_)) << "at the last chance";
  EXPECT_EQ(ring_.end(), ring_.capacity() + 4);
}

TEST_F(DrainTest, OnceTheProgramHasEndedAnEmptyReadIsTheLast) {
  EXPECT_TRUE(Turn());
  EXPECT_FALSE(drain_.drained());
  Write("last words");
  EXPECT_TRUE(Turn(/*program_ended=*/true));
  EXPECT_TRUE(Turn(/*program_ended=*/true));
  EXPECT_TRUE(drain_.drained());
  EXPECT_FALSE(drain_.closed()) << "a child may hold it";
  drain_.Begin();
  EXPECT_FALSE(drain_.drained());
}

TEST_F(DrainTest, WhoWritesOnAfterTheEndIsNotWaitedFor) {
  for (int i = 0; i < 100 && !drain_.drained(); ++i) {
    Write(std::string(1000, 'x'));
    ASSERT_TRUE(Turn(/*program_ended=*/true));
  }
  EXPECT_TRUE(drain_.drained());
}

TEST_F(DrainTest, ItIsClosedWhenNobodyHoldsTheOtherEnd) {
  pair_.theirs.Reset();
  EXPECT_TRUE(Turn());
  EXPECT_TRUE(drain_.closed());
}

}  // namespace
}  // namespace deptyr
