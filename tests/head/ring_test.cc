#include "lib/head/ring.h"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

class RingTest : public testing::Test {
 protected:
  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const auto space = ring_.Space(bytes.size());
      ASSERT_FALSE(space.empty());
      std::memcpy(space.data(), bytes.data(), space.size());
      ring_.Commit(space.size());
      bytes.remove_prefix(space.size());
    }
  }

  Ring ring_ = Value(Ring::Create(4096));
};

TEST_F(RingTest, StartsEmptyAtOffsetZero) {
  EXPECT_EQ(ring_.capacity(), 4096u);
  EXPECT_EQ(ring_.begin(), 0u);
  EXPECT_EQ(ring_.end(), 0u);
  EXPECT_EQ(ring_.From(0), "");
}

TEST_F(RingTest, GivesTheBytesFromAnOffsetOn) {
  Write("hello");
  EXPECT_EQ(ring_.end(), 5u);
  EXPECT_EQ(ring_.From(0), "hello");
  EXPECT_EQ(ring_.From(3), "lo");
  EXPECT_EQ(ring_.From(5), "");
}

TEST_F(RingTest, OnlyWhatIsCommittedCounts) {
  ring_.Space(100)[0] = 'x';
  EXPECT_EQ(ring_.end(), 0u);
  ring_.Commit(1);
  EXPECT_EQ(ring_.From(0), "x");
}

TEST_F(RingTest, SpaceIsAsAskedForAndTheCapacityAtMost) {
  EXPECT_EQ(ring_.Space(10).size(), 10u);
  EXPECT_EQ(ring_.Space(1 << 20).size(), 4096u);
  ring_.Commit(4000);
  EXPECT_EQ(ring_.Space(1 << 20).size(), 4096u) << "contiguous past the end";
}

// Offsets go on for ever; what was displaced is not there any more.
TEST_F(RingTest, HoldsTheLastBytesWhateverCameBefore) {
  std::string all;
  for (int i = 0; all.size() < 50'000; ++i) {
    const std::string piece(static_cast<size_t>(i % 977), "abcdefg"[i % 7]);
    Write(piece);
    all += piece;
    ASSERT_EQ(ring_.end(), all.size());
    const uint64_t begin = ring_.begin();
    ASSERT_EQ(begin, all.size() > 4096 ? all.size() - 4096 : 0);
    ASSERT_EQ(ring_.From(begin), all.substr(begin));
    const uint64_t middle = (begin + ring_.end()) / 2;
    ASSERT_EQ(ring_.From(middle), all.substr(middle));
  }
}

TEST_F(RingTest, AReaderCanStartAtTheVeryBeginning) {
  Write("no newline");
  EXPECT_EQ(ring_.SafeStart(0), 0u);
}

TEST_F(RingTest, ASafeStartIsAfterTheNextNewline) {
  Write("first\nsecond\nthird");
  EXPECT_EQ(ring_.From(ring_.SafeStart(1)), "second\nthird");
  EXPECT_EQ(ring_.From(ring_.SafeStart(6)), "third");
}

TEST_F(RingTest, WithoutANewlineASafeStartIsACharactersFirstByte) {
  Write("x\xf0\x9f\x98\x80\xc3\xa4y");  // 😀 ä
  EXPECT_EQ(ring_.SafeStart(1), 1u);
  for (const uint64_t inside : {2, 3, 4, 5}) {
    EXPECT_EQ(ring_.SafeStart(inside), 5u);
  }
  EXPECT_EQ(ring_.SafeStart(6), 7u);
  EXPECT_EQ(ring_.SafeStart(8), 8u);
}

TEST_F(RingTest, ASafeStartIsNeverBeforeWhatIsThere) {
  Write(std::string(10'000, 'x'));
  EXPECT_EQ(ring_.SafeStart(0), ring_.begin());
  EXPECT_EQ(ring_.SafeStart(1), ring_.begin());
}

TEST_F(RingTest, GarbageHasASafeStartToo) {
  Write(std::string(10'000, '\x80'));  // the inside of characters, all of it
  const uint64_t start = ring_.SafeStart(7'000);
  EXPECT_GE(start, 7'000u);
  EXPECT_LE(start, ring_.end());
  EXPECT_EQ(ring_.SafeStart(ring_.end()), ring_.end());
}

}  // namespace
}  // namespace deptyr
