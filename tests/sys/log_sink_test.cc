#include "lib/sys/log_sink.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kernel.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

std::string ReadAll(int fd) {
  std::string text(1 << 20, '\0');
  const ssize_t got = ::read(fd, text.data(), text.size());
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

// An open file with this text, at its beginning.
Fd FileWith(const std::string& text) {
  Fd file(::memfd_create("text", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(file.get(), text.data(), text.size(), 0),
            static_cast<ssize_t>(text.size()));
  return file;
}

off_t Position(const Fd& file) {
  return ::lseek(file.get(), 0, SEEK_CUR);
}

// Moves until nothing more is taken, and returns how much was.
size_t Fill(const LogSink& sink) {
  const Fd file = FileWith(std::string(4 << 20, 'x'));
  size_t all = 0;
  for (;;) {
    const IoResult wrote = sink.MoveFrom(file.get(), 4000);
    all += wrote.bytes;
    if (wrote.state == IoState::kDone) continue;
    EXPECT_EQ(wrote.state, IoState::kWouldBlock);
    EXPECT_EQ(Position(file), static_cast<off_t>(all));
    return all;
  }
}

TEST(LogSinkTest, APipeThatBlocksIsFilledWithoutWaiting) {
  const Pipe pipe;
  const int flags = ::fcntl(pipe.write_end.get(), F_GETFL);
  ASSERT_EQ(flags & O_NONBLOCK, 0);
  const LogSink sink = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  EXPECT_GE(Fill(sink), 4096U);
  EXPECT_EQ(::fcntl(pipe.write_end.get(), F_GETFL), flags)
      << "the peer's open file is as it was";
}

TEST(LogSinkTest, ASocketThatBlocksIsFilledWithoutWaiting) {
  const SocketPair sockets;
  const LogSink sink = Value(LogSink::Take(Duplicate(sockets.ours.get())));
  EXPECT_GE(Fill(sink), 4096U);
}

TEST(LogSinkTest, WhatIsMovedIsWhereTheFileStands) {
  const Pipe pipe;
  const SocketPair sockets;
  const Fd file = FileWith("one\ntwo\n");
  const LogSink first = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  const LogSink second = Value(LogSink::Take(Duplicate(sockets.ours.get())));
  EXPECT_EQ(first.MoveFrom(file.get(), 4).bytes, 4U);
  EXPECT_EQ(second.MoveFrom(file.get(), 100).bytes, 4U);
  EXPECT_EQ(Position(file), 8);
  EXPECT_EQ(ReadAll(pipe.read_end.get()), "one\n");
  EXPECT_EQ(ReadAll(sockets.theirs.get()), "two\n");
}

TEST(LogSinkTest, WhereSpliceIsRefusedBytesAreWritten) {
  const Pipe pipe;
  const LogSink sink = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  const Fd file = FileWith("one\ntwo\n");
  Program child = Program::Fork(
      [&] {
        RefuseSystemCalls({SYS_splice}, EPERM);
        return sink.MoveFrom(file.get(), 4).bytes == 4 ? 0 : 1;
      },
      {.keep = {sink.fd(), file.get()}});
  EXPECT_EQ(child.Wait(), ExitStatus{});
  EXPECT_EQ(Position(file), 4);
  EXPECT_EQ(ReadAll(pipe.read_end.get()), "one\n");
}

TEST(LogSinkTest, WhenNobodyReadsItSaysSo) {
  Pipe pipe;
  const LogSink sink = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  pipe.read_end.Reset();
  ASSERT_EQ(::signal(SIGPIPE, SIG_IGN), SIG_DFL);
  EXPECT_EQ(sink.MoveFrom(FileWith("x\n").get(), 2).state, IoState::kEnd);
  (void)::signal(SIGPIPE, SIG_DFL);
}

TEST(LogSinkTest, FilesAndDevicesAreNoLogs) {
  for (const char* path : {"/dev/null", "/proc/self/exe"}) {
    Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(IsLog(fd.get())) << path;
    EXPECT_THAT(LogSink::Take(std::move(fd)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
  const Pipe pipe;
  EXPECT_FALSE(IsLog(pipe.read_end.get()));
  EXPECT_FALSE(IsLog(-1));
}

}  // namespace
}  // namespace deptyr
