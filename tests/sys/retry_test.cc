#include "lib/sys/retry.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "lib/base/status.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

TEST(RetryTest, WhatLacksMemoryIsTriedAgain) {
  int attempts = 0;
  const auto result = RetryForFiveSeconds([&]() -> absl::StatusOr<int> {
    errno = ENOMEM;
    if (++attempts < 3) return Errno("map a memfd");
    return 7;
  });
  EXPECT_EQ(Value(result), 7);
  EXPECT_EQ(attempts, 3);
}

TEST(RetryTest, WhatIsWrongForGoodIsNot) {
  int attempts = 0;
  const auto result = RetryForFiveSeconds([&]() -> absl::StatusOr<int> {
    ++attempts;
    return absl::InvalidArgumentError("it is no ring");
  });
  EXPECT_THAT(result, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace deptyr
