#include "lib/base/argv.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsNull;
using testing::StrEq;

TEST(ArgvTest, WordsComeBackFromTheirText) {
  const std::vector<std::string> words = {"sh", "", "a b\n"};
  EXPECT_EQ(JoinArgv(words), std::string("sh\0\0a b\n", 8));
  EXPECT_EQ(SplitArgv(JoinArgv(words)), words);
}

TEST(ArgvTest, ExecIsGivenEveryWordAndANullPointer) {
  const std::vector<std::string> words = {"sh", "-c"};
  EXPECT_THAT(ExecArgv(words), ElementsAre(StrEq("sh"), StrEq("-c"), IsNull()));
}

}  // namespace
}  // namespace deptyr
