#include "lib/clients/limits.h"

#include <optional>
#include <utility>

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

TEST(UserCountsTest, APlaceMayOutliveThem) {
  std::optional<UserCounts> counts(std::in_place);
  std::optional<UserCounts::Place> place(counts->Take(kOne));
  counts.reset();
  place.reset();
}

TEST(UserCountsTest, APlaceIsCountedAsLongAsItLives) {
  UserCounts counts;
  UserCounts::Place moved = [&] {
    const UserCounts::Place other = counts.Take(kOther);
    UserCounts::Place one = counts.Take(kOne);
    EXPECT_EQ(counts.of(kOne), 1U);
    EXPECT_EQ(counts.of(kOther), 1U);
    return one;
  }();
  EXPECT_EQ(counts.of(kOne), 1U);
  EXPECT_EQ(counts.of(kOther), 0U);
  const UserCounts::Place second = counts.Take(kOne);
  EXPECT_EQ(counts.of(kOne), 2U);
  EXPECT_EQ(counts.all().size(), 1U);
}

}  // namespace
}  // namespace deptyr
