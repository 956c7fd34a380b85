#include "lib/sys/fd.h"

#include <fcntl.h>

#include <utility>

#include <gtest/gtest.h>

#include "tests/support/program.h"

namespace deptyr {
namespace {

bool IsOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

Fd OpenOne() {
  return std::move(Pipe().read_end);
}

TEST(FdTest, ByDefaultThereIsNone) {
  const Fd fd;
  EXPECT_FALSE(fd.valid());
  EXPECT_EQ(fd.get(), -1);
}

TEST(FdTest, IsClosedAtItsEnd) {
  int number = -1;
  {
    const Fd fd = OpenOne();
    number = fd.get();
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(FdTest, MovingHandsItOver) {
  Fd from = OpenOne();
  const int number = from.get();
  const Fd to = std::move(from);
  EXPECT_EQ(to.get(), number);
  EXPECT_TRUE(IsOpen(number));
  EXPECT_FALSE(from.valid());  // NOLINT(bugprone-use-after-move)
}

TEST(FdTest, AssigningClosesWhatWasThere) {
  Fd one = OpenOne();
  Fd two = OpenOne();
  const int first = one.get();
  const int second = two.get();
  one = std::move(two);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_EQ(one.get(), second);
}

TEST(FdTest, AssigningToItselfKeepsIt) {
  Fd fd = OpenOne();
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(FdTest, ResetClosesOnce) {
  Fd fd = OpenOne();
  const int number = fd.get();
  fd.Reset();
  EXPECT_FALSE(fd.valid());
  const Fd other = OpenOne();  // gets the number
  EXPECT_EQ(other.get(), number);
  fd.Reset();
  EXPECT_TRUE(IsOpen(number));
}

TEST(FdTest, ReleaseLeavesItOpen) {
  Fd fd = OpenOne();
  const Fd same(fd.Release());
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(IsOpen(same.get()));
}

}  // namespace
}  // namespace deptyr
