#include "lib/sys/io.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class IoTest : public testing::Test {
 protected:
  IoTest() {
    (void)::signal(SIGPIPE, SIG_IGN);
    EXPECT_THAT(SetNonBlocking(pipe_.read_end.get()), IsOk());
    EXPECT_THAT(SetNonBlocking(pipe_.write_end.get()), IsOk());
  }

  IoResult Read(int fd) {
    const IoResult result = ReadSome(fd, room_);
    read_.assign(room_.data(), result.bytes);
    return result;
  }

  Pipe pipe_;
  std::array<char, 100> room_{};
  std::string read_;
};

TEST_F(IoTest, ReadsWhatIsThere) {
  EXPECT_EQ(WriteSome(pipe_.write_end.get(), "abc").bytes, 3u);
  const IoResult got = Read(pipe_.read_end.get());
  EXPECT_EQ(got.state, IoState::kDone);
  EXPECT_EQ(read_, "abc");
}

TEST_F(IoTest, ReadsNoMoreThanThereIsRoomFor) {
  (void)WriteSome(pipe_.write_end.get(), std::string(150, 'x'));
  EXPECT_EQ(Read(pipe_.read_end.get()).bytes, 100u);
  EXPECT_EQ(Read(pipe_.read_end.get()).bytes, 50u);
}

TEST_F(IoTest, NothingToReadNowWouldBlock) {
  EXPECT_EQ(Read(pipe_.read_end.get()).state, IoState::kWouldBlock);
}

TEST_F(IoTest, AfterTheLastWriterComesTheEnd) {
  (void)WriteSome(pipe_.write_end.get(), "a");
  pipe_.write_end.Reset();
  EXPECT_EQ(Read(pipe_.read_end.get()).state, IoState::kDone);
  EXPECT_EQ(Read(pipe_.read_end.get()).state, IoState::kEnd);
}

// Linux says EIO, not an end of file.
TEST_F(IoTest, ATerminalThatNobodyHoldsIsAtItsEnd) {
  Pty pty = Value(OpenPty({}));
  ASSERT_THAT(SetNonBlocking(pty.controller.get()), IsOk());
  EXPECT_EQ(Read(pty.controller.get()).state, IoState::kWouldBlock);
  EXPECT_EQ(WriteSome(pty.terminal.get(), "abc").bytes, 3u);
  pty.terminal.Reset();
  EXPECT_EQ(Read(pty.controller.get()).state, IoState::kDone);
  EXPECT_EQ(read_, "abc");
  EXPECT_EQ(Read(pty.controller.get()).state, IoState::kEnd);
}

TEST_F(IoTest, ATerminalWhoseControllerHasGoneIsAtItsEnd) {
  Pty pty = Value(OpenPty({}));
  pty.controller.Reset();
  EXPECT_EQ(Read(pty.terminal.get()).state, IoState::kEnd);
  EXPECT_EQ(WriteSome(pty.terminal.get(), "x").state, IoState::kEnd);
}

TEST_F(IoTest, AnErrorLeavesErrno) {
  EXPECT_EQ(Read(-1).state, IoState::kError);
  EXPECT_EQ(errno, EBADF);
  EXPECT_EQ(WriteSome(-1, "x").state, IoState::kError);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(IoTest, WritesWhatThereIsRoomForThenWouldBlock) {
  const std::string much(1 << 20, 'x');
  const IoResult first = WriteSome(pipe_.write_end.get(), much);
  EXPECT_EQ(first.state, IoState::kDone);
  EXPECT_LT(first.bytes, much.size());
  EXPECT_EQ(WriteSome(pipe_.write_end.get(), much).state, IoState::kWouldBlock);
}

TEST_F(IoTest, NothingToWriteIsNothingDone) {
  EXPECT_EQ(WriteSome(pipe_.write_end.get(), "").state, IoState::kWouldBlock);
}

TEST_F(IoTest, WithoutAReaderWritingIsAtItsEnd) {
  pipe_.read_end.Reset();
  EXPECT_EQ(WriteSome(pipe_.write_end.get(), "x").state, IoState::kEnd);
  SocketPair sockets;
  sockets.theirs.Reset();
  EXPECT_EQ(WriteSome(sockets.ours.get(), "x").state, IoState::kEnd);
}

// A peer that closed without reading everything resets the connection; unlike
// after an end of file, it reads no more, either.
TEST_F(IoTest, AConnectionResetIsAnError) {
  SocketPair sockets;
  ASSERT_EQ(WriteSome(sockets.ours.get(), "x").bytes, 1u);
  sockets.theirs.Reset();
  EXPECT_EQ(Read(sockets.ours.get()).state, IoState::kError);
  EXPECT_EQ(errno, ECONNRESET);
}

int caught_write_end = -1;

// A signal interrupts a read that waits; the read goes on.
TEST_F(IoTest, AnInterruptedReadGoesOn) {
  Pipe input;
  Pipe caught;
  Program child = Program::Fork(
      [&] {
        struct sigaction action {};
        action.sa_handler = [](int) {
          (void)!::write(caught_write_end, "!", 1);
        };
        caught_write_end = caught.write_end.get();
        (void)::sigaction(SIGUSR1, &action, nullptr);  // no SA_RESTART
        (void)!::write(caught_write_end, "?", 1);
        char byte = 0;
        return ReadSome(input.read_end.get(), {&byte, 1}).state ==
                           IoState::kDone &&
                       byte == 'a'
                   ? 0
                   : 1;
      },
      {.keep = {input.read_end.get(), caught.write_end.get()}});
  OutputReader seen(caught.read_end.get());
  ASSERT_TRUE(seen.Until("?"));
  ASSERT_TRUE(WaitFor([&] { return child.Sleeps(); }));
  child.Signal(SIGUSR1);
  ASSERT_TRUE(seen.Until("?!"));
  ASSERT_TRUE(WaitFor([&] { return child.Sleeps(); }));
  EXPECT_EQ(WriteSome(input.write_end.get(), "a").bytes, 1u);
  EXPECT_EQ(child.Wait(), ExitStatus{.code = 0});
}

TEST_F(IoTest, NonBlockingIsAddedToTheOtherFlags) {
  const Fd fd(::open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_THAT(SetNonBlocking(fd.get()), IsOk());
  const int flags = ::fcntl(fd.get(), F_GETFL);
  EXPECT_EQ(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK),
            O_WRONLY | O_APPEND | O_NONBLOCK);
  EXPECT_THAT(SetNonBlocking(-1), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(ReadSmallFileTest, ReadsIt) {
  const TempDir dir;
  const std::string path = dir / "file";
  const Fd file = Value(CreateFile(path, Existing::kKept));
  (void)WriteSome(file.get(), "two\nlines\n");
  EXPECT_EQ(ReadSmallFile(path), "two\nlines\n");
}

TEST(ReadSmallFileTest, AFileThatCannotBeReadIsNoneAndErrnoSaysWhy) {
  EXPECT_EQ(ReadSmallFile("/no/such/file"), std::nullopt);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(ReadSmallFile("/"), std::nullopt);
  EXPECT_EQ(errno, EISDIR);
}

// A recording may hold anything, even a password that was echoed.
TEST(CreateFileTest, OnlyItsOwnerMayReadIt) {
  const TempDir dir;
  const std::string path = dir / "file";
  const mode_t before = ::umask(0);
  const auto made = CreateFile(path, Existing::kKept);
  (void)::umask(before);
  ASSERT_THAT(made, IsOk());
  struct stat file {};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(IoTest, BytesNotTakenYetAreCounted) {
  const SocketPair sockets;
  EXPECT_EQ(BytesQueued(sockets.ours.get()), 0u);
  const std::string text(10'000, 'x');
  ASSERT_EQ(WriteSome(sockets.ours.get(), text).bytes, text.size());
  EXPECT_GE(BytesQueued(sockets.ours.get()), text.size());
  for (int i = 0; i < 100; ++i) (void)Read(sockets.theirs.get());
  EXPECT_EQ(BytesQueued(sockets.ours.get()), 0u);
}

}  // namespace
}  // namespace deptyr
