#include "lib/base/nearest.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace deptyr {
namespace {

const std::vector<absl::string_view> kKnown = {"attach", "ls",   "send",
                                               "status", "stop", "history"};

TEST(TyposTest, EachChangeOfALetterIsOne) {
  EXPECT_EQ(Typos("attach", "attach"), 0);
  EXPECT_EQ(Typos("atach", "attach"), 1);
  EXPECT_EQ(Typos("atttach", "attach"), 1);
  EXPECT_EQ(Typos("attacj", "attach"), 1);
  EXPECT_EQ(Typos("attahc", "attach"), 1);
  EXPECT_EQ(Typos("", "ls"), 2);
  EXPECT_EQ(Typos("ls", ""), 2);
  EXPECT_EQ(Typos("kitten", "sitting"), 3);
}

TEST(NearestTest, IsTheWordWithFewestTypos) {
  EXPECT_EQ(Nearest("atach", kKnown), "attach");
  EXPECT_EQ(Nearest("sned", kKnown), "send");
  EXPECT_EQ(Nearest("stats", kKnown), "status");
  EXPECT_EQ(Nearest("hsitroy", kKnown), "history");
}

TEST(NearestTest, OrTheOnlyOneThatBeginsSo) {
  EXPECT_EQ(Nearest("hist", kKnown), "history");
  EXPECT_EQ(Nearest("a", kKnown), "attach");
  EXPECT_EQ(Nearest("st", kKnown), "");
}

TEST(NearestTest, NothingIsNearNonsense) {
  for (const char* typed : {"", "x", "mc", "frobnicate", "--"}) {
    EXPECT_EQ(Nearest(typed, kKnown), "") << typed;
  }
}

}  // namespace
}  // namespace deptyr
