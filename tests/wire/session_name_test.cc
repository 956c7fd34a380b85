#include "lib/wire/session_name.h"

#include <string>

#include "absl/strings/string_view.h"
#include <gtest/gtest.h>

namespace deptyr {
namespace {

TEST(SessionNameTest, AcceptsWhatAFileNameAndALogLineCanHold) {
  for (const absl::string_view name :
       {"a", "rtorrent", "game@world-1", "a.b:c+d_E9", "_x", "0"}) {
    EXPECT_TRUE(IsSessionName(name)) << name;
  }
  EXPECT_TRUE(IsSessionName(std::string(64, 'x')));
}

TEST(SessionNameTest, RefusesTheRest) {
  for (const absl::string_view name :
       {"", ".", "..", ".hidden", "-option", "a/b", "a b", "a\n", "\x1b[2J",
        "\xc3\xa4", "a=b", "~", "a,b"}) {
    EXPECT_FALSE(IsSessionName(name)) << name;
  }
  EXPECT_FALSE(IsSessionName(absl::string_view("a\0b", 3)));
  EXPECT_FALSE(IsSessionName(std::string(65, 'x')));
}

TEST(SessionNameForTest, IsTheBasename) {
  EXPECT_EQ(SessionNameFor("rtorrent"), "rtorrent");
  EXPECT_EQ(SessionNameFor("/usr/bin/rtorrent"), "rtorrent");
  EXPECT_EQ(SessionNameFor("./a b$c"), "a_b_c");
}

TEST(SessionNameForTest, IsAlwaysAName) {
  for (const absl::string_view program :
       {"", "/", "/usr/bin/", ".profile", "-sh", "...",
        "\xc3\xa4\xf0\x9f\x98\x80", "a\nb"}) {
    EXPECT_TRUE(IsSessionName(SessionNameFor(program))) << program;
  }
  EXPECT_TRUE(IsSessionName(SessionNameFor(std::string(1000, '-'))));
}

TEST(NumberedNameTest, IsAlwaysAName) {
  EXPECT_EQ(NumberedName("mc", 2), "mc-2");
  const std::string longest(64, 'x');
  EXPECT_EQ(NumberedName(longest, 10), std::string(61, 'x') + "-10");
}

}  // namespace
}  // namespace deptyr
