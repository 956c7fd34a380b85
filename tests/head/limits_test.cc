#include "lib/head/limits.h"

#include <gtest/gtest.h>

namespace deptyr {
namespace {

constexpr uid_t kOne = 1000;
constexpr uid_t kOther = 1001;

TEST(RegistrationRateTest, OfAUserMoreThanThatAreRefused) {
  RegistrationRate rate;
  const Clock::time_point now = Clock::now();
  EXPECT_TRUE(rate.Take(kOne, 2, now));
  EXPECT_TRUE(rate.Take(kOne, 2, now));
  EXPECT_FALSE(rate.Take(kOne, 2, now));
  EXPECT_TRUE(rate.Take(kOther, 2, now));
}

TEST(RegistrationRateTest, AfterAWhileTheyMayAgain) {
  RegistrationRate rate;
  const Clock::time_point now = Clock::now();
  EXPECT_TRUE(rate.Take(kOne, 1, now));
  EXPECT_FALSE(rate.Take(kOne, 1, now + kRegistrationTime / 2));
  EXPECT_TRUE(rate.Take(kOne, 1, now + kRegistrationTime));
  EXPECT_FALSE(rate.Take(kOne, 1, now + kRegistrationTime));
}

}  // namespace
}  // namespace deptyr
