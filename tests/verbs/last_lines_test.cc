#include "lib/verbs/last_lines.h"

#include <string>

#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(LastLinesTest, KeepsAsManyAsAreWantedHoweverTheyAreCut) {
  const std::string text = "one\n\ntwo\nthr";
  const std::string expected[] = {"",           "thr", "two\nthr",
                                  "\ntwo\nthr", text,  text};
  for (size_t most = 0; most < std::size(expected); ++most) {
    LastLines at_once(most);
    at_once.Add(text);
    EXPECT_EQ(at_once.Take(), expected[most]) << most;
    EXPECT_EQ(at_once.Take(), "");
    LastLines in_bytes(most);
    for (const char c : text) in_bytes.Add({&c, 1});
    EXPECT_EQ(in_bytes.Take(), expected[most]) << most;
  }
}

TEST(LastLinesTest, ALineThatEndsIsOneLine) {
  LastLines last(2);
  last.Add("one\ntwo\nthree\n");
  EXPECT_EQ(last.Take(), "two\nthree\n");
}

}  // namespace
}  // namespace deptyr
