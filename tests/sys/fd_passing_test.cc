#include "lib/sys/fd_passing.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/program.h"
#include "tests/support/send_fds.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

bool IsSameOpenFile(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

bool HasAWriter(const Pipe& pipe) {
  pollfd question{pipe.read_end.get(), POLLIN, 0};
  return ::poll(&question, 1, 0) == 0 || (question.revents & POLLHUP) == 0;
}

class FdPassingTest : public testing::TestWithParam<int> {
 protected:
  FdPassingTest() {
    EXPECT_THAT(SetNonBlocking(sockets_.theirs.get()), IsOk());
  }
  int sender() const { return sockets_.ours.get(); }
  FdMessage Receive() { return ReceiveWithFds(sockets_.theirs.get(), room_); }
  std::string Text(const FdMessage& got) const {
    return {room_.data(), got.io.bytes};
  }

  SocketPair sockets_{GetParam()};
  Pipe pipe_;
  std::array<char, 4096> room_{};
};

INSTANTIATE_TEST_SUITE_P(, FdPassingTest,
                         testing::Values(SOCK_STREAM, SOCK_SEQPACKET),
                         [](const auto& type) {
                           return type.param == SOCK_STREAM ? "Stream"
                                                            : "Seqpacket";
                         });

TEST_P(FdPassingTest, TheDescriptorArrivesWithTheBytes) {
  ASSERT_THAT(SendWithFd(sender(), "abc", pipe_.read_end.get()), IsOk());
  const FdMessage got = Receive();
  EXPECT_EQ(got.io.state, IoState::kDone);
  EXPECT_EQ(Text(got), "abc");
  ASSERT_THAT(got.fds, SizeIs(1));
  EXPECT_FALSE(got.fds_were_cut);
  EXPECT_NE(got.fds[0].get(), pipe_.read_end.get());
  EXPECT_TRUE(IsSameOpenFile(got.fds[0].get(), pipe_.read_end.get()));
}

TEST_P(FdPassingTest, WhatArrivesIsCloseOnExec) {
  ASSERT_THAT(SendWithFd(sender(), "abc", pipe_.read_end.get()), IsOk());
  const FdMessage got = Receive();
  ASSERT_THAT(got.fds, SizeIs(1));
  EXPECT_EQ(::fcntl(got.fds[0].get(), F_GETFD), FD_CLOEXEC);
}

TEST_P(FdPassingTest, BytesCanComeAlone) {
  ASSERT_THAT(SendWithFd(sender(), "abc", -1), IsOk());
  const FdMessage got = Receive();
  EXPECT_EQ(Text(got), "abc");
  EXPECT_THAT(got.fds, IsEmpty());
}

TEST_P(FdPassingTest, AsManyAsAllowedAllArrive) {
  const std::vector<int> fds(kMostFdsPerMessage, pipe_.write_end.get());
  SendWithFds(sender(), "x", fds);
  const FdMessage got = Receive();
  EXPECT_THAT(got.fds, SizeIs(kMostFdsPerMessage));
  EXPECT_FALSE(got.fds_were_cut);
}

TEST_P(FdPassingTest, MoreThanAllowedIsToldAndNoneStaysOpen) {
  for (const size_t count : {kMostFdsPerMessage + 1, size_t{250}}) {
    Pipe pipe;
    const size_t before = CountOpenFds();
    SendWithFds(sender(), "x", std::vector<int>(count, pipe.write_end.get()));
    pipe.write_end.Reset();
    EXPECT_TRUE(HasAWriter(pipe)) << "in flight";
    {
      const FdMessage got = Receive();
      EXPECT_TRUE(got.fds_were_cut);
      EXPECT_FALSE(got.out_of_descriptors());
      EXPECT_THAT(got.fds, SizeIs(kMostFdsPerMessage));
    }
    EXPECT_FALSE(HasAWriter(pipe));
    EXPECT_EQ(CountOpenFds(), before - 1);
  }
}

TEST_P(FdPassingTest, WithoutAFreeDescriptorItIsToldAndNoneStaysOpen) {
  ASSERT_THAT(SendWithFd(sender(), "x", pipe_.write_end.get()), IsOk());
  pipe_.write_end.Reset();
  Program child = Program::Fork(
      [&] {
        const rlimit none{0, 0};
        (void)::setrlimit(RLIMIT_NOFILE, &none);
        const FdMessage got = Receive();
        return got.io.state == IoState::kDone && got.fds_were_cut &&
                       got.out_of_descriptors() && got.fds.empty()
                   ? 0
                   : 1;
      },
      {.keep = {sockets_.theirs.get()}});
  EXPECT_EQ(child.Wait(), ExitStatus{.code = 0});
  EXPECT_FALSE(HasAWriter(pipe_));
}

TEST_P(FdPassingTest, EachMessageKeepsItsOwnDescriptor) {
  const Pipe other;
  ASSERT_THAT(SendWithFd(sender(), "a", pipe_.read_end.get()), IsOk());
  ASSERT_THAT(SendWithFd(sender(), "b", other.read_end.get()), IsOk());
  const FdMessage first = Receive();
  EXPECT_EQ(Text(first), "a");
  ASSERT_THAT(first.fds, SizeIs(1));
  EXPECT_TRUE(IsSameOpenFile(first.fds[0].get(), pipe_.read_end.get()));
  const FdMessage second = Receive();
  EXPECT_EQ(Text(second), "b");
  ASSERT_THAT(second.fds, SizeIs(1));
  EXPECT_TRUE(IsSameOpenFile(second.fds[0].get(), other.read_end.get()));
}

TEST_P(FdPassingTest, NothingThereWouldBlock) {
  EXPECT_EQ(Receive().io.state, IoState::kWouldBlock);
}

TEST_P(FdPassingTest, APeerThatLeftIsTheEnd) {
  sockets_.ours.Reset();
  EXPECT_EQ(Receive().io.state, IoState::kEnd);
}

TEST_P(FdPassingTest, AReceiverThatLeftIsAnErrorNotASignal) {
  sockets_.theirs.Reset();
  Program child = Program::Fork(
      [&] {
        (void)::signal(SIGPIPE, SIG_DFL);
        return SendWithFd(sender(), "x", -1).ok() ? 1 : 0;
      },
      {.keep = {sender()}});
  EXPECT_EQ(child.Wait(), ExitStatus{.code = 0});
  EXPECT_THAT(
      SendWithFd(sender(), "x", -1),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("send to head: ")));
}

TEST_P(FdPassingTest, AReceiverThatDoesNotReadIsAnErrorInTime) {
  ASSERT_THAT(SetTimeouts(sender(), absl::Milliseconds(10)), IsOk());
  const std::string text(1000, 'x');
  absl::Status status;
  while (status.ok()) status = SendWithFd(sender(), text, -1);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("timed out")));
}

int caught_write_end = -1;

// A signal cuts the send of a long message in two.  The descriptor goes with
// the first piece only, and all bytes arrive.
TEST(FdPassingOnAStreamTest, AMessageSentInPiecesCarriesItsDescriptorOnce) {
  SocketPair sockets;
  const Pipe pipe;
  const Pipe caught;
  const std::string text(4 << 20, 'x');
  Program sender = Program::Fork(
      [&] {
        struct sigaction action {};
        action.sa_handler = [](int) {
          (void)!::write(caught_write_end, "!", 1);
        };
        caught_write_end = caught.write_end.get();
        (void)::sigaction(SIGUSR1, &action, nullptr);
        (void)!::write(caught_write_end, "?", 1);
        return SendWithFd(sockets.ours.get(), text, pipe.read_end.get()).ok()
                   ? 0
                   : 1;
      },
      {.keep = {sockets.ours.get(), pipe.read_end.get(),
                caught.write_end.get()}});
  sockets.ours.Reset();
  OutputReader seen(caught.read_end.get());
  ASSERT_TRUE(seen.Until("?"));
  ASSERT_TRUE(WaitFor([&] { return sender.Sleeps(); }));
  sender.Signal(SIGUSR1);
  ASSERT_TRUE(seen.Until("?!"));
  size_t bytes = 0;
  std::vector<Fd> fds;
  std::array<char, 4096> room{};
  while (bytes < text.size()) {
    FdMessage got = ReceiveWithFds(sockets.theirs.get(), room);
    ASSERT_EQ(got.io.state, IoState::kDone);
    if (bytes == 0) {
      EXPECT_THAT(got.fds, SizeIs(1));
    }
    bytes += got.io.bytes;
    for (Fd& fd : got.fds) fds.push_back(std::move(fd));
  }
  EXPECT_EQ(bytes, text.size());
  EXPECT_THAT(fds, SizeIs(1));
  EXPECT_EQ(sender.Wait(), ExitStatus{.code = 0});
}

}  // namespace
}  // namespace deptyr
