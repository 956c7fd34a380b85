#include "lib/attach/notice.h"

#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(NoticeTest, AnEndIsAStatusAsShellsHaveIt) {
  EXPECT_EQ(ExitStatusOf({{"code", "3"}}), 3);
  EXPECT_EQ(ExitStatusOf({{"signal", "9"}}), 128 + 9);
  EXPECT_EQ(ExitStatusOf({{"how", "ended"}}), std::nullopt);
  // No program ends with these.
  EXPECT_EQ(ExitStatusOf({{"signal", "2147483647"}}), std::nullopt);
  EXPECT_EQ(ExitStatusOf({{"code", "-1"}}), std::nullopt);
  EXPECT_EQ(ExitStatusOf({{"code", "256"}}), std::nullopt);
}

}  // namespace
}  // namespace deptyr
