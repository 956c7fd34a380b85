#include "lib/sys/log_sink.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

// Writes until nothing more is taken, and returns how much was.
size_t Fill(const LogSink& sink) {
  const std::string line(99, 'x');
  size_t all = 0;
  for (;;) {
    const IoResult wrote = sink.Write(line + "\n");
    all += wrote.bytes;
    if (wrote.state == IoState::kDone) continue;
    EXPECT_EQ(wrote.state, IoState::kWouldBlock);
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

TEST(LogSinkTest, APipeTakesWholeLines) {
  const Pipe pipe;
  const LogSink sink = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  std::string lines;
  while (lines.size() < 3 * 4096) lines += std::string(80, 'x') + "\n";
  const IoResult wrote = sink.Write(lines);
  EXPECT_EQ(wrote.state, IoState::kDone);
  EXPECT_LE(wrote.bytes, 4096U);
  EXPECT_EQ(ReadAll(pipe.read_end.get()).back(), '\n');
}

TEST(LogSinkTest, WhenNobodyReadsItSaysSo) {
  Pipe pipe;
  const LogSink sink = Value(LogSink::Take(Duplicate(pipe.write_end.get())));
  pipe.read_end.Reset();
  ASSERT_EQ(::signal(SIGPIPE, SIG_IGN), SIG_DFL);
  EXPECT_EQ(sink.Write("x\n").state, IoState::kEnd);
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
