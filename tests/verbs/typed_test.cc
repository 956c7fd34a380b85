#include "lib/verbs/typed.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

TEST(UnescapeTest, KnowsTheUsualEscapes) {
  EXPECT_EQ(Value(Unescape("stop\\n")), "stop\n");
  EXPECT_EQ(Value(Unescape("\\r\\t\\b\\a\\e\\\\")), "\r\t\b\a\x1b\\");
  EXPECT_EQ(Value(Unescape("\\x03\\x1b[A\\x4z")), "\x03\x1b[A\x04z");
  EXPECT_EQ(Value(Unescape("\\033[A\\0x\\03779")), std::string("\x1b[A\0x\xff"
                                                               "9",
                                                               7));
  EXPECT_EQ(Value(Unescape("\xc3\xa4 plain")), "\xc3\xa4 plain");
  EXPECT_EQ(Value(Unescape("\\08\\0a")), std::string("\0"
                                                     "8\0a",
                                                     4));
  EXPECT_EQ(Value(Unescape("")), "");
}

TEST(UnescapeTest, RefusesTheRest) {
  for (const char* wrong : {"\\", "a\\", "\\q", "\\x", "\\xg", "\\1"}) {
    EXPECT_THAT(Unescape(wrong), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("unknown escape")))
        << wrong;
  }
}

}  // namespace
}  // namespace deptyr
