#include "lib/term/keys.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

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

// "keys:ab" or "command:n" for each, keystrokes that follow each other joined.
std::vector<std::string> Said(std::optional<char> key, absl::string_view bytes,
                              size_t read_size) {
  CommandKeys keys(key);
  std::vector<std::string> said;
  bool plain_before = false;
  for (size_t at = 0; at < bytes.size(); at += read_size) {
    for (const Typed& typed : keys.Feed(bytes.substr(at, read_size))) {
      const auto* plain = std::get_if<Keystrokes>(&typed);
      if (plain == nullptr) {
        said.push_back(absl::StrCat(
            "command:", std::string(1, std::get<Command>(typed).key)));
      } else if (plain_before) {
        absl::StrAppend(&said.back(), plain->bytes);
      } else {
        said.push_back(absl::StrCat("keys:", plain->bytes));
      }
      plain_before = plain != nullptr;
    }
  }
  return said;
}

TEST(CommandKeysTest, HowTheBytesWereCutIntoReadsDoesNotMatter) {
  constexpr absl::string_view kBytes =
      "\x01nab\x01p\x01\x01"
      "cd\x01\x01\x01nz";
  for (size_t read_size = 1; read_size <= kBytes.size(); ++read_size) {
    EXPECT_THAT(Said('\x01', kBytes, read_size),
                ElementsAre("command:n", "keys:ab", "command:p",
                            "keys:\x01"
                            "cd\x01",
                            "command:n", "keys:z"))
        << "in reads of " << read_size;
  }
}

TEST(CommandKeysTest, IsFoundAnywhereInARead) {
  CommandKeys keys('\x1c');
  EXPECT_THAT(keys.Feed("ab\x1cncd"),
              ElementsAre(Typed(Keystrokes{"ab"}), Typed(Command{'n'}),
                          Typed(Keystrokes{"cd"})));
  EXPECT_THAT(keys.Feed("\x1cn\x1cp"),
              ElementsAre(Typed(Command{'n'}), Typed(Command{'p'})));
}

TEST(CommandKeysTest, TypedTwiceItIsAKeystroke) {
  CommandKeys keys('\x1c');
  EXPECT_THAT(keys.Feed("\x1c\x1c"), ElementsAre(Typed(Keystrokes{"\x1c"})));
}

TEST(CommandKeysTest, AloneItWaitsForTheNextKey) {
  CommandKeys keys('\x1c');
  EXPECT_THAT(keys.Feed("\x1c"), IsEmpty());
  EXPECT_THAT(keys.Feed(""), IsEmpty());
  EXPECT_THAT(keys.Feed("d"), ElementsAre(Typed(Command{'d'})));
}

TEST(CommandKeysTest, WithoutACommandKeyEveryByteIsAKeystroke) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  CommandKeys keys(std::nullopt);
  EXPECT_THAT(keys.Feed(all), ElementsAre(Typed(Keystrokes{all})));
}

TEST(CommandKeysTest, NulCanBeTheCommandKey) {
  CommandKeys keys('\0');
  EXPECT_THAT(keys.Feed(absl::string_view("a\0b", 3)),
              ElementsAre(Typed(Keystrokes{"a"}), Typed(Command{'b'})));
}

}  // namespace
}  // namespace deptyr
