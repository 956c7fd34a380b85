#include "lib/sys/terminal_input.h"

#include <termios.h>
#include <unistd.h>

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class TerminalInputTest : public testing::Test {
 protected:
  void SetFlags(tcflag_t flags) {
    termios settings{};
    ASSERT_EQ(::tcgetattr(pty_.terminal.get(), &settings), 0);
    settings.c_lflag = flags;
    ASSERT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &settings), 0);
  }
  // A program that has it as its standard input, and never reads.
  Program OnTerminal() {
    return Program::Fork([] { return ::pause(); },
                         {.fds = {{pty_.terminal.get(), 0}}});
  }
  const Pty pty_ = Value(OpenPty({}));
};

TEST_F(TerminalInputTest, WhatIsTypedIsUnreadUntilItIsRead) {
  SetFlags(0);
  const Program program = OnTerminal();
  ASSERT_TRUE(WaitFor([&] { return LookAtInput(program.pid()).has_value(); }));
  EXPECT_EQ(LookAtInput(program.pid())->unread, 0u);
  ASSERT_EQ(WriteSome(pty_.controller.get(), "text").bytes, 4u);
  EXPECT_TRUE(WaitFor([&] { return LookAtInput(program.pid())->unread == 4; }));
  std::array<char, 100> room;
  EXPECT_EQ(ReadSome(pty_.terminal.get(), room).bytes, 4u);
  EXPECT_EQ(LookAtInput(program.pid())->unread, 0u);
}

TEST_F(TerminalInputTest, TheTerminalSaysHowItReads) {
  const Program program = OnTerminal();
  ASSERT_TRUE(WaitFor([&] { return LookAtInput(program.pid()).has_value(); }));
  EXPECT_TRUE(LookAtInput(program.pid())->reads_lines);
  EXPECT_TRUE(LookAtInput(program.pid())->echoes);
  SetFlags(ICANON);
  EXPECT_TRUE(LookAtInput(program.pid())->reads_lines);
  EXPECT_FALSE(LookAtInput(program.pid())->echoes);
  SetFlags(ECHO);
  EXPECT_FALSE(LookAtInput(program.pid())->reads_lines);
}

TEST_F(TerminalInputTest, NothingButATerminalIsLookedAt) {
  const Pipe pipe;
  const Program program = Program::Fork([] { return ::pause(); },
                                        {.fds = {{pipe.read_end.get(), 0},
                                                 {pipe.write_end.get(), 1},
                                                 {pipe.write_end.get(), 2}}});
  EXPECT_FALSE(LookAtInput(program.pid()));
  EXPECT_FALSE(LookAtInput(0));
}

}  // namespace
}  // namespace deptyr
