// A session's program: when it runs, and how it ended.
#include "lib/session/current_program.h"

#include <signal.h>

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kernel.h"
#include "tests/support/session_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

// Finishes as soon as a session without output would.
class CurrentProgramTest : public testing::Test {
 protected:
  SessionProgram& Run(const std::string& script) {
    process_ = std::make_unique<SessionProgram>(
        *loop_, std::vector<std::string>{"sh", "-c", script});
    Incarnation incarnation = process_->Registration();
    incarnation.argv = {"sh", "-c", script};
    controller_ = std::move(incarnation.controller);
    program_.Start(std::move(incarnation));
    return *process_;
  }
  bool UntilEnd() {
    return RunUntil(*loop_, [&] { return !program_.running(); });
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(64 << 10));
  std::unique_ptr<SessionProgram> process_;
  Fd controller_;
  CurrentProgram program_{*loop_, ring_, [this] {
                            if (program_.settled()) program_.Finish();
                          }};
};

TEST_F(CurrentProgramTest, TheRingRemembersIt) {
  const SessionProgram& process = Run("exit 3");
  EXPECT_EQ(program_.number(), 1u);
  EXPECT_EQ(program_.pid(), process.pid());
  EXPECT_EQ(program_.argv(), std::string("sh\0-c\0exit 3", 12));
  EXPECT_STREQ(ring_.state().command.data(), "sh -c exit 3");
  ASSERT_TRUE(UntilEnd());
  EXPECT_NE(ring_.latest().ended, 0);
  if (KernelTellsExitStatus()) {
    EXPECT_EQ(program_.How(), "ended: exit status 3");
  }
}

TEST_F(CurrentProgramTest, ItIsNotAliveOnceItHasEnded) {
  EXPECT_FALSE(program_.IsAlive());
  SessionProgram& process = Run("read line");
  EXPECT_TRUE(program_.IsAlive());
  process.process().Signal(SIGKILL);
  EXPECT_TRUE(WaitFor([&] { return !program_.IsAlive(); }));
  EXPECT_TRUE(program_.running()) << "that isn't processed yet";
}

TEST_F(CurrentProgramTest, WhoIsMadeWayForReplacesIt) {
  (void)Run("read line");
  program_.MakeWay();
  program_.Finish();
  EXPECT_EQ(program_.How(), "was replaced");
}

TEST_F(CurrentProgramTest, OneThatHasEndedIsNotReplaced) {
  SessionProgram& process = Run("read line");
  process.process().Signal(SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return !program_.IsAlive(); }));
  program_.MakeWay();
  program_.Finish();
  EXPECT_NE(program_.How(), "was replaced");
}

TEST_F(CurrentProgramTest, AnExecThatFailedIsTheReason) {
  (void)Run("exit 127");
  program_.ExecFailed("execute nope: No such file or directory");
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(program_.How(),
            "could not be executed: execute nope: No such file or directory");
}

TEST_F(CurrentProgramTest, WhatASupervisorTellsFirstCounts) {
  SessionProgram& process = Run("read line");
  process.LeaveZombie();
  process.process().Signal(SIGKILL);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(program_.How(), "ended (its supervisor knows how)");
  EXPECT_THAT(program_.TellStatus({.signal = 9}), IsOk());
  EXPECT_THAT(program_.TellStatus({.code = 4}), IsOk());
  EXPECT_EQ(program_.How(), "ended: signal 9 (Killed)");
}

TEST_F(CurrentProgramTest, WhoResumesGoesOnWatching) {
  SessionProgram& process = Run("read line");
  CurrentProgram next(*loop_, ring_, [] {});
  next.Resume(program_.Release(), /*has_terminal=*/true, {});
  EXPECT_TRUE(next.running());
  process.process().Signal(SIGKILL);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return next.exited(); }));
}

TEST_F(CurrentProgramTest, WithoutItsTerminalItIsTakenForEnded) {
  (void)Run("read line");
  CurrentProgram next(*loop_, ring_, [] {});
  next.Resume(program_.Release(), /*has_terminal=*/false, {});
  EXPECT_FALSE(next.running());
  EXPECT_EQ(next.How(), "ended (its supervisor knows how)");
}

}  // namespace
}  // namespace deptyr
