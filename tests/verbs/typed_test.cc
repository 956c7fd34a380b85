#include "lib/verbs/typed.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

std::string Keys(absl::string_view names) {
  return Value(KeysNamed(names, CursorKeys::kNormal));
}

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

TEST(KeysNamedTest, KnowsWhatTerminalsSend) {
  EXPECT_EQ(Keys("C-c"), "\x03");
  EXPECT_EQ(Keys("Up Down Right Left Home End"),
            "\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F");
  EXPECT_EQ(Keys("F1 F4 F5 F12"), "\x1bOP\x1bOS\x1b[15~\x1b[24~");
  EXPECT_EQ(Keys("Insert Delete PageUp PageDown"),
            "\x1b[2~\x1b[3~\x1b[5~\x1b[6~");
  EXPECT_EQ(Keys("Enter Tab BTab Escape Space BSpace"), "\r\t\x1b[Z\x1b \x7f");
  EXPECT_EQ(Keys("a  \xc3\xa4 -"), "a\xc3\xa4-");
}

TEST(KeysNamedTest, ModifiersGoBeforeTheName) {
  EXPECT_EQ(Keys("M-x M-Enter C-M-c"), "\x1bx\x1b\r\x1b\x03");
  EXPECT_EQ(Keys("C-Up S-F5 M-Left C-S-Home"),
            "\x1b[1;5A\x1b[15;2~\x1b[1;3D\x1b[1;6H");
  EXPECT_EQ(Keys("S-Tab S-a S-Enter"), "\x1b[ZA\r");
  EXPECT_EQ(Keys("C-Space ^C C-\\"), std::string("\0\x03\x1c", 3));
  EXPECT_EQ(Keys("M--"), "\x1b-");
}

TEST(KeysNamedTest, CursorKeysAreAsTheProgramAskedForThem) {
  EXPECT_EQ(Value(KeysNamed("Up Home C-Up F1", CursorKeys::kApplication)),
            "\x1bOA\x1bOH\x1b[1;5A\x1bOP");
}

TEST(KeysNamedTest, RefusesTheRest) {
  for (const char* wrong :
       {"Upp", "C-", "F13", "ab", "C-Enter", "C-\xc3\xa4", "X-a", "^1"}) {
    EXPECT_THAT(
        KeysNamed(wrong, CursorKeys::kNormal),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a key")))
        << wrong;
  }
}

}  // namespace
}  // namespace deptyr
