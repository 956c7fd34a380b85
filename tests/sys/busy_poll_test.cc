#include "lib/sys/busy_poll.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

class BusyPollTest : public testing::Test {
 protected:
  BusyPollTest() {
    std::array<int, 2> ends;
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    read_ = Fd(ends[0]);
    write_ = Fd(ends[1]);
  }
  void Write(size_t bytes) {
    EXPECT_EQ(WriteSome(write_.get(), std::string(bytes, 'x')).bytes, bytes);
  }

  Fd read_;
  Fd write_;
  BusyPoll poll_;
};

TEST_F(BusyPollTest, ASmallReadIsNoFlood) {
  Write(4096);
  EXPECT_FALSE(poll_.MoreAfter(100, read_.get()));
}

TEST_F(BusyPollTest, AfterALargeReadMoreIsReadWhenItIsThere) {
  EXPECT_FALSE(poll_.MoreAfter(4095, read_.get()));
  Write(4096);
  EXPECT_TRUE(poll_.MoreAfter(4095, read_.get()));
}

TEST_F(BusyPollTest, ALittleMoreIsNotWorthARead) {
  Write(10);
  EXPECT_FALSE(poll_.MoreAfter(4095, read_.get()));
}

TEST_F(BusyPollTest, AnEndOrABadDescriptorIsNoMore) {
  write_.Reset();
  EXPECT_FALSE(poll_.MoreAfter(4095, read_.get()));
  EXPECT_FALSE(poll_.MoreAfter(4095, -1));
}

}  // namespace
}  // namespace deptyr
