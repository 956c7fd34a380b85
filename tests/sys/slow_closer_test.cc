#include "lib/sys/slow_closer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr uid_t kUser = 12345;

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

class SlowCloserTest : public testing::Test {
 protected:
  SlowCloserTest() { closer_.Use(); }
  // Whether it was closed before SlowCloser::Close() returned.
  static bool ClosesAtOnce(Fd fd) {
    const int number = fd.get();
    SlowCloser::Close(kUser, std::move(fd));
    return !IsOpen(number);
  }
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  SlowCloser closer_{*loop_};
};

TEST_F(SlowCloserTest, WhatDoesNotWaitIsClosedAtOnce) {
  Pty pty = Value(OpenPty({}));
  pty.terminal.Reset();
  Pipe pipe;
  SocketPair sockets;
  EXPECT_TRUE(ClosesAtOnce(std::move(pty.controller)));
  EXPECT_TRUE(ClosesAtOnce(std::move(pipe.read_end)));
  EXPECT_TRUE(ClosesAtOnce(std::move(sockets.ours)));
  EXPECT_EQ(closer_.CountOf(kUser), 0U);
}

TEST_F(SlowCloserTest, TheRestIsClosedSoon) {
  const Pty pty = Value(OpenPty({}));
  std::vector<Fd> all;
  all.push_back(Duplicate(pty.controller.get()));
  all.emplace_back(::open("/", O_RDONLY | O_CLOEXEC));
  all.emplace_back(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  SocketPair unread;
  ASSERT_EQ(::write(unread.theirs.get(), "x", 1), 1);
  all.push_back(std::move(unread.ours));
  all.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  for (Fd& fd : all) {
    const int number = fd.get();
    ASSERT_GE(number, 0);
    SlowCloser::Close(kUser, std::move(fd));
    EXPECT_TRUE(WaitFor([&] { return !IsOpen(number); }));
  }
  EXPECT_TRUE(WaitFor([&] { return closer_.CountOf(kUser) == 0; }));
  EXPECT_FALSE(SlowCloser::TerminalsWait());
}

TEST_F(SlowCloserTest, WithoutAThreadItIsTriedAgain) {
  const auto child_main = [] {
    const std::unique_ptr<EventLoop> loop = Value(EventLoop::Create());
    SlowCloser closer(*loop);
    closer.Use();
    // Root may have any number of threads.
    (void)!::setresuid(kUser, kUser, kUser);
    rlimit limit{};
    (void)::getrlimit(RLIMIT_NPROC, &limit);
    const rlimit none{0, limit.rlim_max};
    (void)::setrlimit(RLIMIT_NPROC, &none);
    Fd fd(::open("/", O_RDONLY | O_CLOEXEC));
    const int number = fd.get();
    SlowCloser::Close(kUser, std::move(fd));
    if (!IsOpen(number) || closer.CountOf(kUser) != 1) return 1;
    (void)::setrlimit(RLIMIT_NPROC, &limit);
    const auto closed = [&] {
      const Timer look = loop->After(absl::Milliseconds(5), [] {});
      return loop->RunOnce().ok() && !IsOpen(number);
    };
    return WaitFor(closed) ? 0 : 2;
  };
  EXPECT_EQ(Program::Fork(child_main).Wait(), ExitStatus{});
}

TEST_F(SlowCloserTest, WithoutOneInUseAllIsClosedAtOnce) {
  {
    SlowCloser other(*loop_);
    other.Use();
  }
  EXPECT_TRUE(ClosesAtOnce(Fd(::open("/", O_RDONLY | O_CLOEXEC))));
}

}  // namespace
}  // namespace deptyr
