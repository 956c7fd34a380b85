#include "lib/base/byte_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(ByteQueueTest, GivesTheOldestBytesFirst) {
  ByteQueue queue(10);
  queue.Append("abc");
  queue.Append("def");
  EXPECT_EQ(queue.bytes(), "abcdef");
  queue.Consume(2);
  EXPECT_EQ(queue.bytes(), "cdef");
  queue.Append("gh");
  EXPECT_EQ(queue.bytes(), "cdefgh");
}

TEST(ByteQueueTest, WhatWasConsumedMakesRoom) {
  ByteQueue queue(4);
  queue.Append("abcd");
  EXPECT_EQ(queue.room(), 0u);
  queue.Consume(3);
  EXPECT_EQ(queue.room(), 3u);
  queue.Append("efg");
  EXPECT_EQ(queue.bytes(), "defg");
  EXPECT_EQ(queue.room(), 0u);
}

TEST(ByteQueueTest, IsEmptyWhenAllWasConsumed) {
  ByteQueue queue(4);
  EXPECT_TRUE(queue.empty());
  queue.Append("ab");
  EXPECT_FALSE(queue.empty());
  queue.Consume(1);
  EXPECT_FALSE(queue.empty());
  queue.Consume(1);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.room(), 4u);
}

TEST(ByteQueueTest, ClearForgetsEverything) {
  ByteQueue queue(4);
  queue.Append("abc");
  queue.Consume(1);
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  queue.Append("wxyz");
  EXPECT_EQ(queue.bytes(), "wxyz");
}

TEST(ByteQueueTest, BytesArentText) {
  ByteQueue queue(8);
  const std::string bytes("\0\xff\0", 3);
  queue.Append(bytes);
  EXPECT_EQ(queue.bytes(), bytes);
}

// However appending and consuming alternate, the stream comes out as it went
// in.
TEST(ByteQueueTest, LosesAndRepeatsNothing) {
  std::string in;
  for (int i = 0; i < 1000; ++i) in.push_back(static_cast<char>(i * 7));
  for (size_t append = 1; append <= 13; ++append) {
    for (size_t consume = 1; consume <= 13; ++consume) {
      ByteQueue queue(16);
      std::string out;
      for (size_t at = 0; at < in.size() || !queue.empty();) {
        const auto more =
            absl::string_view(in).substr(at, std::min(append, queue.room()));
        queue.Append(more);
        at += more.size();
        const auto some = queue.bytes().substr(0, consume);
        out.append(some.data(), some.size());
        queue.Consume(some.size());
      }
      EXPECT_EQ(out, in) << append << " in, " << consume << " out";
    }
  }
}

}  // namespace
}  // namespace deptyr
