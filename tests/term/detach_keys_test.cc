#include "lib/term/detach_keys.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr char kKey[] = "\x1c";

// What was typed of `bytes`, in reads of `size`; then "<detached>", or what is
// waited for.
std::string Fed(DetachKeys& keys, absl::string_view bytes, size_t size) {
  std::string typed;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    typed += keys.Feed(bytes.substr(0, size));
  }
  return keys.detached() ? typed + "<detached>" : typed;
}

// The same, whatever the size.
std::string Meaning(const std::string& spelled, absl::string_view bytes) {
  const std::string wanted = *ParseDetachKeys(spelled);
  DetachKeys whole(wanted);
  const std::string result = Fed(whole, bytes, bytes.size());
  for (size_t size = 1; size < bytes.size(); ++size) {
    DetachKeys keys(wanted);
    EXPECT_EQ(Fed(keys, bytes, size), result) << "in reads of " << size;
  }
  return result;
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

TEST(DetachKeysTest, WhatIsTypedIsTyped) {
  EXPECT_EQ(Meaning("^\\", "ls -l\r\x03\x1a"), "ls -l\r\x03\x1a");
  EXPECT_EQ(Meaning("^\\", "\x1b[A\x1bOP\x1b[1;5C\x1b[15~\x1b[200~x\x1b[201~"),
            "\x1b[A\x1bOP\x1b[1;5C\x1b[15~\x1b[200~x\x1b[201~");
  EXPECT_EQ(Meaning("^\\", "\x1b\x1b[A\x1bx"), "\x1b\x1b[A\x1bx");
}

TEST(DetachKeysTest, AnotherKeyAfterItDetachesAtOnce) {
  EXPECT_EQ(Meaning("^\\",
                    "ab\x1c"
                    "cd"),
            "ab<detached>");
  EXPECT_EQ(Meaning("^\\", "ab\x1c\x1b[A"), "ab<detached>");
  EXPECT_EQ(Meaning("^\\", "ab\x1c\x1b[57455u"), "ab<detached>");
}

TEST(DetachKeysTest, AloneItDetachesWhenTheTimeIsUp) {
  DetachKeys keys(kKey);
  EXPECT_EQ(keys.Feed("ab\x1c"), "ab");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.patience(), DetachKeys::kPatience);
  EXPECT_EQ(keys.TimeIsUp(), "");
  EXPECT_TRUE(keys.detached());
  EXPECT_EQ(keys.patience(), absl::ZeroDuration());
}

TEST(DetachKeysTest, TwiceItIsTypedOnce) {
  EXPECT_EQ(Meaning("^\\",
                    "a\x1c\x1c"
                    "b"),
            "a\x1c"
            "b");
  EXPECT_EQ(Meaning("^\\", "\x1c\x1c\x1c\x1c"), "\x1c\x1c");
  DetachKeys keys(kKey);
  (void)keys.Feed("\x1c");
  EXPECT_EQ(keys.Feed("\x1c"), "\x1c");
  EXPECT_EQ(keys.patience(), absl::ZeroDuration());
}

TEST(DetachKeysTest, IsFoundInTheEncodingsThatProgramsAskFor) {
  for (const absl::string_view encoded :
       {"\x1b[92;5u", "\x1b[92;5:1u", "\x1b[92;69u", "\x1b[92:124;5u",
        "\x1b[92;5;92u", "\x1b[27;5;92~"}) {
    EXPECT_EQ(Meaning("^\\", absl::StrCat("a", encoded, "b")), "a<detached>")
        << encoded;
    // Twice, the program gets it as it is.
    EXPECT_EQ(Meaning("^\\", absl::StrCat(encoded, encoded)), encoded);
  }
  EXPECT_EQ(Meaning("^A", "\x1b[97;5ux"), "<detached>");
  EXPECT_EQ(Meaning("^A", "\x1b[27;5;97~x"), "<detached>");
  EXPECT_EQ(Meaning("^@", "\x1b[32;5ux"), "<detached>");
  EXPECT_EQ(Meaning("^^", "\x1b[54:94;6ux"), "<detached>");
  EXPECT_EQ(Meaning("^?", "\x1b[63;5ux"), "<detached>");
  // Keys that are these without ctrl.
  EXPECT_EQ(Meaning("^?", "\x1b[127ux"), "<detached>");
  EXPECT_EQ(Meaning("^M", "\x1b[13ux"), "<detached>");
}

TEST(DetachKeysTest, OtherKeysInThoseEncodingsAreTyped) {
  for (const absl::string_view other :
       {"\x1b[92u", "\x1b[92;1u", "\x1b[92;7u", "\x1b[92;13u", "\x1b[93;5u",
        "\x1b[27;5;93~", "\x1b[92;5~", "\x1b[27;5~", "\x1b[123;5u",
        "\x1b[1000;5u", "\x1b[99999999999;5u", "\x1b[;;;u", "\x1b[u",
        "\x1b[~"}) {
    EXPECT_EQ(Meaning("^\\", absl::StrCat(other, "x")),
              absl::StrCat(other, "x"));
  }
}

TEST(DetachKeysTest, ReleasesAndModifiersAreNoKeys) {
  DetachKeys keys(kKey);
  // ctrl down, \ down, \ up, and nothing more.
  EXPECT_EQ(keys.Feed("\x1b[57442;5u"), "\x1b[57442;5u");
  EXPECT_EQ(keys.Feed("\x1b[92;5u\x1b[92;5:3u"), "");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.Feed("\x1b[92;5u"), "\x1b[92;5u");
  EXPECT_FALSE(keys.detached());
  // Nor do they come between two of several.
  EXPECT_EQ(Meaning("^P,^Q", "\x1b[112;5u\x1b[112;5:3u\x1b[113;5u"),
            "<detached>");
}

TEST(DetachKeysTest, TheRestOfASequenceIsWaitedForOnlyAMoment) {
  DetachKeys keys(kKey);
  EXPECT_EQ(keys.Feed("\x1b"), "");
  EXPECT_EQ(keys.patience(), DetachKeys::kSequencePatience);
  EXPECT_EQ(keys.TimeIsUp(), "\x1b");  // a person pressed Escape
  EXPECT_EQ(keys.Feed("[92;5u"), "[92;5u");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.TimeIsUp(), "");
}

TEST(DetachKeysTest, ASequenceThatNeverEndsIsNotKept) {
  const std::string endless = absl::StrCat("\x1b[", std::string(1000, '1'));
  EXPECT_EQ(Meaning("^\\", endless), endless);
}

TEST(DetachKeysTest, TheLastOfSeveralDetachesAtOnce) {
  EXPECT_EQ(Meaning("^P,^Q", "a\x10\x11"), "a<detached>");
  EXPECT_EQ(Meaning("^P,^Q", "a\x10\x10\x11"), "a\x10<detached>");
  EXPECT_EQ(Meaning("^P,^Q", "\x1b[112;5u\x1b[113;5u"), "<detached>");
}

TEST(DetachKeysTest, TheFirstOfSeveralAloneIsTyped) {
  EXPECT_EQ(Meaning("^P,^Q", "\x10x\x11"), "\x10x\x11");
  DetachKeys keys("\x10\x11");
  EXPECT_EQ(keys.Feed("\x10"), "");
  EXPECT_EQ(keys.patience(), DetachKeys::kPatience);
  EXPECT_EQ(keys.TimeIsUp(), "\x10");
  EXPECT_EQ(keys.Feed("\x11"), "\x11");
}

TEST(DetachKeysTest, WithoutAKeyEveryByteIsTyped) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(Meaning("none", all), all);
}

TEST(DetachKeysTest, EscapeCanBeTheKey) {
  EXPECT_EQ(Meaning("^[", "a\x1b["), "a<detached>");
}

}  // namespace
}  // namespace deptyr
