#include "lib/term/key_names.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

TEST(ParseKeyTest, KnowsTheSpellingsOfOtherTools) {
  for (const char* spelling : {"^a", "^A", "ctrl-a", "Ctrl-A", "C-a"}) {
    EXPECT_EQ(Value(ParseKey(spelling)), '\x01') << spelling;
  }
}

TEST(ParseKeyTest, KnowsEveryControlCharacter) {
  for (char key = 0; key < 32; ++key) {
    EXPECT_EQ(Value(ParseKey(SpellKey(key))), key) << SpellKey(key);
  }
  EXPECT_EQ(Value(ParseKey("^?")), '\x7f');
  EXPECT_EQ(SpellKey('\x7f'), "^?");
  EXPECT_EQ(SpellKey('\x1c'), "^\\");
}

TEST(ParseKeyTest, TheDefaultIsControlBackslash) {
  EXPECT_EQ(Value(ParseKey(kDefaultCommandKey)), '\x1c');
}

TEST(ParseKeyTest, NoneIsNoKey) {
  EXPECT_EQ(Value(ParseKey("none")), std::nullopt);
}

TEST(ParseKeyTest, AnythingElseIsRefusedWithAHint) {
  for (const char* wrong : {"", "a", "^", "^ab", "^1", "^{", "^`", "^\xc3\xa4",
                            "ctrl-", "ctrl", "C-", "None", "alt-a"}) {
    EXPECT_THAT(ParseKey(wrong), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("say ^X")))
        << wrong;
  }
}

TEST(ParseDetachKeysTest, KnowsOneKeySeveralAndNone) {
  EXPECT_EQ(Value(ParseDetachKeys("^\\")), "\x1c");
  EXPECT_EQ(Value(ParseDetachKeys("C-a")), "\x01");
  EXPECT_EQ(Value(ParseDetachKeys("ctrl-p,ctrl-q")), "\x10\x11");
  EXPECT_EQ(Value(ParseDetachKeys("none")), "");
}

TEST(ParseDetachKeysTest, RefusesTheRest) {
  for (const char* wrong : {"", "a", "^A,", ",", "none,^A", "^A,none"}) {
    EXPECT_THAT(ParseDetachKeys(wrong),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("")))
        << wrong;
  }
}

std::string Keys(absl::string_view names) {
  return Value(KeysNamed(names, CursorKeys::kNormal));
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
