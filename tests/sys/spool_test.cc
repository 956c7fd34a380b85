// Lines on their way to a log: none is missing and none doubled, whenever the
// process that writes them is killed.
#include "lib/sys/spool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

// Reads what there is.
std::string ReadNow(int fd) {
  std::string all;
  std::array<char, 65536> room;
  while (WaitForEvents(fd, POLLIN, absl::ZeroDuration()) != 0) {
    const IoResult got = ReadSome(fd, room);
    if (got.state != IoState::kDone) break;
    all.append(room.data(), got.bytes);
  }
  return all;
}

class SpoolTest : public testing::Test {
 protected:
  void Move() {
    while (spool_.MoveTo(sink_).state == IoState::kDone) {
    }
  }
  // Moves everything, and returns what came.
  std::string MoveAll() {
    std::string all;
    while (!spool_.empty()) {
      Move();
      all += ReadNow(pipe_.read_end.get());
    }
    return all;
  }
  // Goes on as the next process.
  void GoOn() { spool_ = Value(Spool::Adopt(Duplicate(spool_.fd()))); }
  int64_t BytesInMemory() const {
    struct stat status {};
    EXPECT_EQ(::fstat(spool_.fd(), &status), 0);
    return status.st_blocks * 512;
  }

  const Pipe pipe_;
  const LogSink sink_ = Value(LogSink::Take(Duplicate(pipe_.write_end.get())));
  Spool spool_ = Value(Spool::Create());
};

TEST_F(SpoolTest, GivesWhatItGot) {
  std::string lines;
  for (int i = 0; lines.size() < 100'000; ++i) {
    const std::string line =
        absl::StrCat(i, " ", std::string(static_cast<size_t>(i % 200), 'x'));
    absl::StrAppend(&lines, line, "\n");
    ASSERT_TRUE(spool_.Append(line + "\n"));
  }
  spool_.Commit("");
  EXPECT_EQ(spool_.Waiting(), lines);
  GoOn();
  EXPECT_EQ(spool_.Waiting(), lines);
  EXPECT_EQ(MoveAll(), lines);
  EXPECT_EQ(spool_.Waiting(), "");
}

TEST_F(SpoolTest, ALineIsMovedWhole) {
  const std::string line = std::string(2999, 'x') + "\n";
  ASSERT_TRUE(spool_.Append(line + line + line));
  spool_.Commit("");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(spool_.MoveTo(sink_).bytes, 3000U);
  EXPECT_TRUE(spool_.empty());
}

TEST_F(SpoolTest, ALineOfMoreThanAPageIsCut) {
  const std::string lines = absl::StrCat("short\n", std::string(10'000, 'x'),
                                         "\n", std::string(4094, 'y'), "\n");
  ASSERT_TRUE(spool_.Append(lines));
  spool_.Commit("");
  EXPECT_EQ(spool_.Waiting(), lines);
  EXPECT_EQ(MoveAll(), lines);
}

TEST_F(SpoolTest, BytesNeedNotBeLines) {
  const std::string bytes("\0\xff\r\0", 4);
  ASSERT_TRUE(spool_.Append(bytes));
  ASSERT_TRUE(spool_.Append(bytes));
  spool_.Commit("");
  EXPECT_EQ(MoveAll(), bytes + bytes);
}

TEST_F(SpoolTest, OnlyWhatWasCommittedCounts) {
  ASSERT_TRUE(spool_.Append("one\n"));
  spool_.Commit("first");
  ASSERT_TRUE(spool_.Append(std::string(5000, 'x')));
  GoOn();
  EXPECT_EQ(spool_.note(), "first");
  EXPECT_EQ(spool_.Waiting(), "one\n");
  ASSERT_TRUE(spool_.Append("two\n"));
  spool_.Commit("second");
  GoOn();
  EXPECT_EQ(spool_.note(), "second");
  EXPECT_EQ(MoveAll(), "one\ntwo\n");
}

TEST_F(SpoolTest, WhatIsClearedIsGone) {
  ASSERT_TRUE(spool_.Append(std::string(9000, 'x') + "\n"));
  spool_.Commit("");
  spool_.Clear();
  EXPECT_TRUE(spool_.empty());
  ASSERT_TRUE(spool_.Append("one\n"));
  spool_.Commit("");
  GoOn();
  EXPECT_EQ(MoveAll(), "one\n");
}

TEST_F(SpoolTest, APipeThatIsFullTakesTheRestLater) {
  const std::string lines(200'000, '\n');
  ASSERT_TRUE(spool_.Append(lines));
  spool_.Commit("");
  Move();
  EXPECT_FALSE(spool_.empty());
  const std::string first = ReadNow(pipe_.read_end.get());
  EXPECT_EQ(first + MoveAll(), lines);
}

TEST_F(SpoolTest, WhatWasTakenIsFreed) {
  const std::string lines(64 << 10, '\n');
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(spool_.Append(lines));
    spool_.Commit("");
    EXPECT_EQ(MoveAll(), lines);
  }
  EXPECT_LT(BytesInMemory(), 512 << 10);
}

// The pipe refers to the pages of the memfd.
TEST_F(SpoolTest, WhatAPipeHasStaysAsItWas) {
  ASSERT_EQ(::fcntl(pipe_.write_end.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  std::string lines;
  for (int i = 0; lines.size() < 500'000; ++i) absl::StrAppend(&lines, i, "\n");
  ASSERT_TRUE(spool_.Append(lines));
  spool_.Commit("");
  Move();
  ASSERT_TRUE(spool_.empty());
  EXPECT_EQ(ReadNow(pipe_.read_end.get()), lines);
}

TEST(SpoolAdoptTest, RefusesWhatIsNone) {
  const Pipe pipe;
  const auto none = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Spool::Adopt(Fd()), none);
  EXPECT_THAT(Spool::Adopt(Duplicate(pipe.read_end.get())), none);
  Fd text(::memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(text.get(), 8192), 0);
  EXPECT_THAT(Spool::Adopt(Duplicate(text.get())), none);
  ASSERT_EQ(::fcntl(text.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  EXPECT_THAT(Spool::Adopt(std::move(text)), none);
}

TEST(SpoolAdoptTest, RefusesWhatContradictsItself) {
  Spool spool = Value(Spool::Create());
  ASSERT_TRUE(spool.Append("one\n"));
  spool.Commit("");
  // The version follows the magic, and the file's position says what is taken.
  const uint32_t newer = 2;
  ASSERT_EQ(::lseek(spool.fd(), 5000, SEEK_SET), 5000);
  EXPECT_THAT(Spool::Adopt(Duplicate(spool.fd())),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_EQ(::pwrite(spool.fd(), &newer, sizeof newer, 8), 4);
  EXPECT_THAT(Spool::Adopt(Duplicate(spool.fd())),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

// Writes numbered lines until it is killed.  The note is the last number.
int WriteNumbers(Spool spool, const LogSink& sink) {
  int number = 0;
  (void)absl::SimpleAtoi(spool.note(), &number);
  for (;;) {
    std::string lines;
    for (const int last = number + 1 + number % 700; number < last;) {
      absl::StrAppend(&lines, ++number, "\n");
    }
    if (!spool.Append(lines)) return 1;
    spool.Commit(absl::StrCat(number));
    while (!spool.empty()) {
      const IoResult moved = spool.MoveTo(sink);
      if (moved.state == IoState::kError) return 1;
      if (moved.state != IoState::kDone) {
        (void)WaitForEvents(sink.fd(), POLLOUT);
      }
    }
  }
}

TEST_F(SpoolTest, KilledAtAnyMomentEveryLineIsThereOnce) {
  std::mt19937 random(std::random_device{}());
  std::string got;
  std::array<char, 65536> room;
  for (int kills = 0; kills < 100; ++kills) {
    Program writer = Program::Fork(
        [this] {
          return WriteNumbers(Value(Spool::Adopt(Duplicate(spool_.fd()))),
                              sink_);
        },
        {.keep = {spool_.fd(), sink_.fd()}});
    const size_t enough = got.size() + random() % 100'000;
    do {
      ASSERT_NE(WaitForEvents(pipe_.read_end.get(), POLLIN), 0);
      const IoResult read = ReadSome(pipe_.read_end.get(), room);
      got.append(room.data(), read.bytes);
    } while (got.size() < enough);
    writer.Signal(SIGKILL);
    ASSERT_TRUE(writer.Wait());
  }
  got += ReadNow(pipe_.read_end.get());
  GoOn();
  got += MoveAll();
  std::string expected;
  int last = 0;
  ASSERT_TRUE(absl::SimpleAtoi(spool_.note(), &last));
  for (int i = 1; i <= last; ++i) absl::StrAppend(&expected, i, "\n");
  EXPECT_TRUE(got == expected)
      << got.size() << " of " << expected.size() << " bytes, the first "
      << std::mismatch(got.begin(),
                       got.begin() + static_cast<ssize_t>(
                                         std::min(got.size(), expected.size())),
                       expected.begin())
                 .first -
             got.begin()
      << " are right";
}

}  // namespace
}  // namespace deptyr
