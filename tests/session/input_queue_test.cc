// The keystrokes of clients on their way to the terminal; a socket stands for
// that.
#include "lib/session/input_queue.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/signals.h"
#include "tests/support/fake_client.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class InputQueueTest : public testing::Test {
 protected:
  InputQueueTest() {
    EXPECT_THAT(SetNonBlocking(pair_.ours.get()), IsOk());
    terminal_ = SharedFd(std::move(pair_.ours));
  }
  std::string Typed() {
    std::array<char, 64 << 10> room{};
    return {room.data(), ReadSome(pair_.theirs.get(), room).bytes};
  }

  SocketPair pair_;
  SharedFd terminal_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  bool over_ = false;
  InputQueue input_{*loop_, [this] { over_ = true; }};
  FakeClient first_{1};
  FakeClient second_{2};
};

TEST_F(InputQueueTest, WhatIsTakenIsWritten) {
  EXPECT_EQ(input_.Take(first_, "abc"), 3u);
  EXPECT_TRUE(input_.wants_room());
  EXPECT_TRUE(input_.WriteTo(terminal_));
  EXPECT_FALSE(input_.wants_room());
  EXPECT_EQ(Typed(), "abc");
}

TEST_F(InputQueueTest, NoMoreIsTakenThanThereIsRoomFor) {
  EXPECT_EQ(input_.Take(first_, std::string(2 * kInputRoom, 'x')), kInputRoom);
  EXPECT_EQ(input_.Take(second_, "y"), 0u);
  EXPECT_EQ(input_.room(), 0u);
}

TEST_F(InputQueueTest, ThoseWhoWaitForRoomTakeTurns) {
  FakeClient content{3};
  first_.types = second_.types = 1;
  const std::vector<SessionClient*> clients = {&first_, &second_, &content};
  input_.OfferRoom(clients);
  EXPECT_THAT(first_.heard, IsEmpty()) << "it was never full";
  (void)input_.Take(first_, std::string(kInputRoom + 1, 'x'));
  (void)input_.WriteTo(terminal_);
  input_.OfferRoom(clients);
  EXPECT_THAT(first_.heard, ElementsAre("room"));
  EXPECT_THAT(second_.heard, ElementsAre("room"));
  EXPECT_THAT(content.heard, IsEmpty());
}

TEST_F(InputQueueTest, WhatIsLeftBehindIsTakenOnce) {
  const std::string much(3 * kInputRoom, 'x');
  input_.TakeLeft(first_, much);
  EXPECT_EQ(input_.bytes(), much);
  input_.TakeLeft(second_, "y");
  EXPECT_EQ(input_.bytes(), much);
}

// A program that asks and doesn't read, or reads a paste first.
TEST_F(InputQueueTest, HeadHasALittleMoreRoomThanClients) {
  (void)input_.Take(first_, std::string(2 * kInputRoom, 'x'));
  input_.TakeFromHead("\x1b[0n");
  EXPECT_THAT(std::string(input_.bytes()), testing::EndsWith("x\x1b[0n"));
  const std::string answer(100, 'a');
  for (int i = 0; i < 1000; ++i) input_.TakeFromHead(answer);
  EXPECT_FALSE(input_.takes_from_head());
  EXPECT_LE(input_.bytes().size(), kInputRoom + kHeadRoom + answer.size());
  EXPECT_EQ(input_.room(), 0u);
  EXPECT_EQ(input_.Take(second_, "y"), 0u);
}

TEST_F(InputQueueTest, AfterAFailureItRests) {
  (void)input_.Take(first_, "abc");
  EXPECT_TRUE(input_.WriteTo(SharedFd())) << "it fails";
  EXPECT_FALSE(input_.wants_room());
  EXPECT_TRUE(input_.WriteTo(terminal_));
  EXPECT_EQ(input_.bytes(), "abc");
  ASSERT_TRUE(RunUntil(*loop_, [&] { return over_; }));
  (void)input_.WriteTo(terminal_);
  EXPECT_EQ(Typed(), "abc");
}

TEST_F(InputQueueTest, ATerminalThatIsNoMoreTakesEverything) {
  (void)input_.Take(first_, "abc");
  pair_.theirs.Reset();
  IgnoreWriteSignals();
  EXPECT_TRUE(input_.WriteTo(terminal_));
  EXPECT_EQ(input_.bytes(), "");
}

}  // namespace
}  // namespace deptyr
