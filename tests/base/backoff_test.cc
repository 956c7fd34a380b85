#include "lib/base/backoff.h"

#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(BackoffTest, PausesDoubleUpToTheLongest) {
  Backoff backoff(absl::Milliseconds(10), absl::Milliseconds(50));
  for (const int milliseconds : {10, 20, 40, 50, 50}) {
    EXPECT_EQ(backoff.Next(), absl::Milliseconds(milliseconds));
  }
}

}  // namespace
}  // namespace deptyr
