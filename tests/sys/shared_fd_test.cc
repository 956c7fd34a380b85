#include "lib/sys/shared_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "lib/sys/watchdog.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

// A PTY that somebody else holds, too; nobody reads at its client end.
class SharedFdTest : public testing::Test {
 protected:
  SharedFdTest() {
    termios settings{};
    EXPECT_EQ(::tcgetattr(pty_.terminal.get(), &settings), 0);
    ::cfmakeraw(&settings);
    EXPECT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &settings), 0);
  }
  // Does what the peer might.
  void SetFlags(int flags) const {
    ASSERT_EQ(::fcntl(theirs(), F_SETFL, flags), 0);
  }
  int flags() const { return ::fcntl(theirs(), F_GETFL); }
  int theirs() const { return pty_.controller.get(); }
  SharedFd Share() const { return SharedFd(Duplicate(theirs())); }
  static IoResult Read(const SharedFd& shared) {
    std::array<char, 100> room{};
    return shared.Read(room);
  }
  // Writes until the terminal takes no more.
  static void Fill(const SharedFd& shared) {
    const std::string much(4096, 'x');
    IoResult wrote{IoState::kDone};
    while (wrote.state == IoState::kDone) wrote = shared.Write(much);
    EXPECT_EQ(wrote.state, IoState::kWouldBlock);
    EXPECT_FALSE(wrote.waited);
  }

  Pty pty_ = Value(OpenPty({}));
};

TEST_F(SharedFdTest, NothingIsSetOnTheOpenFile) {
  for (const int flags : {O_RDWR, O_RDWR | O_NONBLOCK, O_RDWR | O_APPEND}) {
    SetFlags(flags);
    const int before = this->flags();
    const SharedFd shared = Share();
    (void)Read(shared);
    (void)shared.Write("x");
    EXPECT_EQ(this->flags(), before);
    EXPECT_EQ(::fcntl(theirs(), F_GETOWN), 0);
  }
}

TEST_F(SharedFdTest, OneThatWasLeftBlockingIsNotWaitedFor) {
  SetFlags(O_RDWR);
  const SharedFd shared = Share();
  EXPECT_EQ(Read(shared).state, IoState::kWouldBlock);
  Fill(shared);
  ASSERT_EQ(::write(pty_.terminal.get(), "abc", 3), 3);
  ASSERT_NE(WaitForEvents(theirs(), POLLIN), 0);
  EXPECT_EQ(Read(shared).bytes, 3u);
  EXPECT_FALSE(shared.MadeToBlock());
}

TEST_F(SharedFdTest, OneWithoutAClientEndIsAtItsEnd) {
  SetFlags(O_RDWR);
  const SharedFd shared = Share();
  pty_.terminal.Reset();
  EXPECT_EQ(Read(shared).state, IoState::kEnd);
}

TEST_F(SharedFdTest, AFullOneThatWasHungUpIsNotWaitedFor) {
  SetFlags(O_RDWR);
  const SharedFd shared = Share();
  Fill(shared);
  pty_.terminal.Reset();
  EXPECT_NE(shared.Write("x").state, IoState::kDone);
}

TEST_F(SharedFdTest, AReadThatIsMadeToWaitIsBrokenOff) {
  const SharedFd shared = Share();
  SetFlags(O_RDWR);
  EXPECT_TRUE(shared.MadeToBlock());
  Watchdog watchdog;
  ASSERT_THAT(watchdog.Start(), IsOk());
  watchdog.Arm();
  const IoResult got = Read(shared);
  EXPECT_EQ(got.state, IoState::kWouldBlock);
  EXPECT_TRUE(got.waited);
}

TEST_F(SharedFdTest, AWriteThatIsMadeToWaitIsBrokenOff) {
  const SharedFd shared = Share();
  Fill(shared);
  SetFlags(O_RDWR);
  Watchdog watchdog;
  ASSERT_THAT(watchdog.Start(), IsOk());
  watchdog.Arm();
  // The kernel's worker makes room for a few more.
  IoResult wrote{IoState::kDone};
  while (wrote.state == IoState::kDone) wrote = shared.Write("x");
  EXPECT_EQ(wrote.state, IoState::kWouldBlock);
  EXPECT_TRUE(wrote.waited);
}

// A part of the text finds room, and the rest would wait.
TEST_F(SharedFdTest, AWriteThatIsBrokenOffAfterAPartSaysSo) {
  const SharedFd shared = Share();
  SetFlags(O_RDWR);
  Watchdog watchdog;
  ASSERT_THAT(watchdog.Start(), IsOk());
  watchdog.Arm();
  const IoResult wrote = shared.Write(std::string(1 << 20, 'x'));
  EXPECT_EQ(wrote.state, IoState::kDone);
  EXPECT_GT(wrote.bytes, 0u);
  EXPECT_TRUE(wrote.waited);
}

TEST(WatchdogTest, OnlyAnArmedOneBreaksOff) {
  const Pipe pipe;
  Watchdog watchdog;
  watchdog.Arm();  // not started: nothing happens
  ASSERT_THAT(watchdog.Start(), IsOk());
  char byte = 0;
  watchdog.Arm();
  EXPECT_EQ(::read(pipe.read_end.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EINTR);
  watchdog.Disarm();
  pollfd question{pipe.read_end.get(), POLLIN, 0};
  const int wait = 20 * static_cast<int>(kWatchdogPeriod.count());
  EXPECT_EQ(::poll(&question, 1, wait), 0);
  watchdog.Arm();
  EXPECT_EQ(::poll(&question, 1, -1), -1);
}

TEST(WatchdogTest, ItWorksWhereTheSignalWasBlockedAndIgnored) {
  const Pipe pipe;
  Program child = Program::Fork(
      [&] {
        (void)::signal(SIGALRM, SIG_IGN);
        sigset_t all;
        ::sigfillset(&all);
        (void)::sigprocmask(SIG_BLOCK, &all, nullptr);
        Watchdog watchdog;
        if (!watchdog.Start().ok()) return 1;
        watchdog.Arm();
        char byte = 0;
        return ::read(pipe.read_end.get(), &byte, 1) < 0 && errno == EINTR ? 0
                                                                           : 2;
      },
      {.keep = {pipe.read_end.get(), pipe.write_end.get()}});
  EXPECT_EQ(child.Wait(), ExitStatus{});
}

}  // namespace
}  // namespace deptyr
