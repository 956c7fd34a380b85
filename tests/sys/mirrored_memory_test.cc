#include "lib/sys/mirrored_memory.h"

#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

TEST(MirroredMemoryTest, TheSameByteIsThereTwice) {
  const MirroredMemory memory = Value(MirroredMemory::Create(64 << 10));
  char* const first = memory.data();
  char* const second = memory.data() + memory.size();
  for (size_t i = 0; i < memory.size(); ++i) {
    first[i] = static_cast<char>(i * 7);
    ASSERT_EQ(second[i], static_cast<char>(i * 7)) << i;
    second[i] = static_cast<char>(i);
    ASSERT_EQ(first[i], static_cast<char>(i)) << i;
  }
}

TEST(MirroredMemoryTest, ASpanAcrossTheEndIsContiguous) {
  const MirroredMemory memory = Value(MirroredMemory::Create(4096));
  std::memcpy(memory.data() + memory.size() - 3, "abcdef", 6);
  EXPECT_EQ(absl::string_view(memory.data(), 3), "def");
}

TEST(MirroredMemoryTest, TheSizeIsRoundedUpToAPowerOfTwoPages) {
  for (const auto& [asked, given] : {std::pair<size_t, size_t>{0, 4096},
                                     {1, 4096},
                                     {4096, 4096},
                                     {4097, 8192},
                                     {100'000, 131'072},
                                     {1 << 20, 1 << 20}}) {
    EXPECT_EQ(Value(MirroredMemory::Create(asked)).size(), given) << asked;
  }
}

TEST(MirroredMemoryTest, StartsAsZeros) {
  const MirroredMemory memory = Value(MirroredMemory::Create(4096));
  EXPECT_EQ(memory.data()[0], 0);
  EXPECT_EQ(memory.data()[4095], 0);
}

TEST(MirroredMemoryTest, ManyComeAndGoWithoutATrace) {
  const size_t before = CountOpenFds();
  for (int i = 0; i < 1000; ++i) {
    // There isn't address space for all of them at once, so each must be freed.
    MirroredMemory memory = Value(MirroredMemory::Create(size_t{1} << 40));
    const MirroredMemory moved = std::move(memory);
    moved.data()[0] = 'x';
  }
  EXPECT_EQ(CountOpenFds(), before);
}

TEST(MirroredMemoryTest, TooMuchIsAnError) {
  EXPECT_THAT(MirroredMemory::Create(size_t{1} << 62),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace deptyr
