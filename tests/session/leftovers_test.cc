// Terminals that have outlived their program.
#include "lib/session/leftovers.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class LeftoversTest : public testing::Test {
 protected:
  // Returns the client end.
  Fd Add() {
    Pty pty = Value(OpenPty({}));
    EXPECT_THAT(SetNonBlocking(pty.terminal.get()), IsOk());
    leftovers_.Add(*loop_, SharedFd(std::move(pty.controller)),
                   [] { FAIL() << "nothing made us wait"; });
    return std::move(pty.terminal);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Leftovers leftovers_;
};

TEST_F(LeftoversTest, WhatIsWrittenThereIsTakenAndDropped) {
  const Fd terminal = Add();
  const std::string text(1000, 'x');
  size_t written = 0;
  EXPECT_TRUE(RunUntil(*loop_, [&] {
    written += WriteSome(terminal.get(), text).bytes;
    return written > 200'000;
  }));
}

TEST_F(LeftoversTest, ATerminalThatNobodyHoldsIsLetGo) {
  Fd terminal = Add();
  const size_t before = CountOpenFds();
  terminal.Reset();
  EXPECT_TRUE(RunUntil(*loop_, [&] { return CountOpenFds() == before - 2; }));
  EXPECT_TRUE(IsQuiet(*loop_));
}

TEST_F(LeftoversTest, OfManyTheOldestGoes) {
  std::vector<Fd> terminals;
  for (int i = 0; i < 17; ++i) terminals.push_back(Add());
  const auto is_hung_up = [&](size_t i) {
    return WriteSome(terminals[i].get(), "x").state == IoState::kEnd;
  };
  EXPECT_TRUE(is_hung_up(0));
  for (size_t i = 1; i < terminals.size(); ++i) EXPECT_FALSE(is_hung_up(i));
}

}  // namespace
}  // namespace deptyr
