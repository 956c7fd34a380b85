#include "lib/term/command_keys.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Alone = CommandKeys::Alone;

constexpr char kKey[] = "\x1c";
constexpr char kTwoKeys[] = "\x10\x11";

// Writes out what is typed, with "<n>" for a command, and "<>" for one without
// a key.
std::string Said(const std::vector<Typed>& all) {
  std::string said;
  for (const Typed& typed : all) {
    if (const auto* keystrokes = std::get_if<Keystrokes>(&typed)) {
      said += keystrokes->bytes;
    } else {
      const auto key = std::get<Command>(typed).key;
      absl::StrAppend(&said, "<", key ? std::string(1, *key) : "", ">");
    }
  }
  return said;
}

std::string InReads(CommandKeys keys, absl::string_view bytes, size_t size) {
  std::string said;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    said += Said(keys.Feed(bytes.substr(0, size)));
  }
  return said;
}

// The same in reads of any size.
std::string Meaning(const std::string& wanted, absl::string_view bytes) {
  for (const Alone alone : {Alone::kWaits, Alone::kCommands}) {
    const CommandKeys keys(wanted, alone);
    const std::string whole = InReads(keys, bytes, bytes.size());
    for (size_t size = 1; size <= bytes.size(); ++size) {
      EXPECT_EQ(InReads(keys, bytes, size), whole) << "in reads of " << size;
    }
  }
  return InReads(CommandKeys(wanted, Alone::kWaits), bytes, bytes.size());
}

TEST(CommandKeysTest, OtherKeysAreForTheProgram) {
  for (const absl::string_view typed :
       {"ls -l\r\x03\x1a", "\x1b\x1b[A\x1bx",
        "\x1b[A\x1bOP\x1b[1;5C\x1b[15~\x1b[200~x\x1b[201~"}) {
    EXPECT_EQ(Meaning(kKey, typed), typed);
  }
}

TEST(CommandKeysTest, TheKeyAfterItIsACommand) {
  EXPECT_EQ(Meaning(kKey, "ab\x1cncd\x1cpz\x1cn\x1cp"), "ab<n>cd<p>z<n><p>");
  EXPECT_EQ(Meaning("\x01",
                    "\x01n\x01\x01"
                    "cd\x01\x01\x01nz"),
            "<n>\x01"
            "cd\x01<n>z");
  EXPECT_EQ(Meaning(std::string(1, '\0'), absl::string_view("a\0b", 3)),
            "a<b>");
}

TEST(CommandKeysTest, ACommandMayBeEncodedOrNoCharacter) {
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[110ux"), "<n>x");
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[110;2:1ux"), "<n>x");
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[27;1;110~x"), "<n>x");
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[110;3ux"), "<>x") << "alt-n";
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[57455ux"), "<>x");
  EXPECT_EQ(Meaning(kKey, "\x1c\x1b[3~x"), "<>x");
}

TEST(CommandKeysTest, TwiceItIsTypedOnce) {
  EXPECT_EQ(Meaning(kKey,
                    "a\x1c\x1c"
                    "b"),
            "a\x1c"
            "b");
  EXPECT_EQ(Meaning(kKey, "\x1c\x1c\x1c\x1c"), "\x1c\x1c");
}

TEST(CommandKeysTest, AloneItMayBeACommandAtOnce) {
  CommandKeys keys(kKey, Alone::kCommands);
  EXPECT_EQ(Said(keys.Feed("ab\x1c\x1c"
                           "c")),
            "ab<><>c");
  EXPECT_EQ(keys.patience(), absl::ZeroDuration());
}

TEST(CommandKeysTest, AloneItMayWaitForTheNextKey) {
  CommandKeys keys(kKey, Alone::kWaits);
  EXPECT_THAT(keys.Feed("\x1c"), IsEmpty());
  EXPECT_EQ(keys.patience(), absl::ZeroDuration());
  EXPECT_THAT(keys.TimeIsUp(), IsEmpty());
  EXPECT_THAT(keys.Feed(""), IsEmpty());
  EXPECT_THAT(keys.Feed("d"), ElementsAre(Typed(Command{'d'})));
}

TEST(CommandKeysTest, IsFoundInTheEncodingsThatProgramsAskFor) {
  for (const absl::string_view encoded :
       {"\x1b[92;5u", "\x1b[92;5:1u", "\x1b[92;69u", "\x1b[92:124;5u",
        "\x1b[92;5;92u", "\x1b[27;5;92~"}) {
    EXPECT_EQ(Meaning(kKey, absl::StrCat("a", encoded, "n")), "a<n>")
        << encoded;
    // Twice, the program gets it as it is.
    EXPECT_EQ(Meaning(kKey, absl::StrCat(encoded, encoded)), encoded);
  }
  EXPECT_EQ(Meaning("\x01", "\x1b[97;5ux"), "<x>");
  EXPECT_EQ(Meaning("\x01", "\x1b[27;5;97~x"), "<x>");
  EXPECT_EQ(Meaning(std::string(1, '\0'), "\x1b[32;5ux"), "<x>");
  EXPECT_EQ(Meaning("\x1e", "\x1b[54:94;6ux"), "<x>");
  EXPECT_EQ(Meaning("\x7f", "\x1b[63;5ux"), "<x>");
  // Keys that are control characters without ctrl.
  EXPECT_EQ(Meaning("\x7f", "\x1b[127ux"), "<x>");
  EXPECT_EQ(Meaning("\r", "\x1b[13ux"), "<x>");
}

TEST(CommandKeysTest, OtherKeysInThoseEncodingsAreTyped) {
  for (const absl::string_view other :
       {"\x1b[92u", "\x1b[92;1u", "\x1b[92;7u", "\x1b[92;13u", "\x1b[93;5u",
        "\x1b[27;5;93~", "\x1b[92;5~", "\x1b[27;5~", "\x1b[123;5u",
        "\x1b[1000;5u", "\x1b[99999999999;5u", "\x1b[;;;u", "\x1b[u",
        "\x1b[~"}) {
    const std::string typed = absl::StrCat(other, "x");
    EXPECT_EQ(Meaning(kKey, typed), typed);
    EXPECT_EQ(Meaning("\x01", typed), typed);
  }
}

TEST(CommandKeysTest, ReleasesAndModifiersAreNoKeys) {
  CommandKeys keys(kKey, Alone::kWaits);
  // ctrl down, \ down, \ up, and nothing more.
  EXPECT_EQ(Said(keys.Feed("\x1b[57442;5u")), "\x1b[57442;5u");
  EXPECT_THAT(keys.Feed("\x1b[92;5u\x1b[92;5:3u"), IsEmpty());
  EXPECT_EQ(Said(keys.Feed("n")), "<n>");
  // Nor do they come between two of several.
  EXPECT_EQ(Meaning(kTwoKeys, "\x1b[112;5u\x1b[112;5:3u\x1b[113;5u"), "<>");
}

TEST(CommandKeysTest, TheRestOfASequenceIsWaitedForOnlyAMoment) {
  CommandKeys keys(kKey, Alone::kWaits);
  EXPECT_THAT(keys.Feed("\x1b"), IsEmpty());
  EXPECT_EQ(keys.patience(), CommandKeys::kEscapePatience);
  EXPECT_EQ(Said(keys.TimeIsUp()), "\x1b");  // a person pressed Escape
  EXPECT_EQ(keys.patience(), absl::ZeroDuration());
  EXPECT_THAT(keys.TimeIsUp(), IsEmpty());
  EXPECT_EQ(Said(keys.Feed("x")), "x");
  EXPECT_THAT(keys.Feed("\x1b[92"), IsEmpty());
  EXPECT_EQ(keys.patience(), CommandKeys::kSequencePatience);
  EXPECT_EQ(Said(keys.TimeIsUp()), "\x1b[92");
  EXPECT_EQ(Said(keys.Feed(";5u")), ";5u");
}

// Over a slow link a key comes in pieces, with longer pauses than a person who
// presses Escape would wait.
TEST(CommandKeysTest, IsFoundThoughItsRestComesLate) {
  for (size_t cut = 1; cut <= 2; ++cut) {
    CommandKeys keys("\x1c", Alone::kCommands);
    const std::string key = "\x1b[92;5u";
    EXPECT_THAT(keys.Feed(key.substr(0, cut)), IsEmpty());
    EXPECT_EQ(Said(keys.TimeIsUp()), key.substr(0, cut));
    EXPECT_EQ(Said(keys.Feed(key.substr(cut))), "<>") << cut;
    // Another one is typed, and no byte of it twice.
    EXPECT_THAT(keys.Feed(key.substr(0, cut)), IsEmpty());
    (void)keys.TimeIsUp();
    EXPECT_EQ(Said(keys.Feed(key.substr(cut, 2) + "A")),
              key.substr(cut, 2) + "A");
  }
}

TEST(CommandKeysTest, NothingIsAKeyInsideAPaste) {
  const std::string paste =
      "\x1b[200~a\x1c"
      "d\x1b[92;5u\x1b[A\x1c\x1c\x1b[201~";
  EXPECT_EQ(Meaning(kKey, paste + "\x1cn"), paste + "<n>");
  EXPECT_EQ(Meaning(kTwoKeys, "\x10\x1b[200~\x11\x10\x11\x1b[201~\x10\x11"),
            "\x10\x1b[200~\x11\x10\x11\x1b[201~<>");
}

TEST(CommandKeysTest, ASequenceThatNeverEndsIsNotKept) {
  const std::string endless = absl::StrCat("\x1b[", std::string(1000, '1'));
  EXPECT_EQ(Meaning(kKey, endless), endless);
}

TEST(CommandKeysTest, TheLastOfSeveralIsACommandAtOnce) {
  EXPECT_EQ(Meaning(kTwoKeys, "a\x10\x11x"), "a<>x");
  EXPECT_EQ(Meaning(kTwoKeys, "a\x10\x10\x11"), "a\x10<>");
  EXPECT_EQ(Meaning(kTwoKeys, "\x1b[112;5u\x1b[113;5u"), "<>");
}

TEST(CommandKeysTest, TheFirstOfSeveralAloneIsTyped) {
  EXPECT_EQ(Meaning(kTwoKeys, "\x10x\x11"), "\x10x\x11");
  CommandKeys keys(kTwoKeys, Alone::kCommands);
  EXPECT_THAT(keys.Feed("\x10"), IsEmpty());
  EXPECT_EQ(keys.patience(), CommandKeys::kPatience);
  EXPECT_EQ(Said(keys.TimeIsUp()), "\x10");
  EXPECT_EQ(Said(keys.Feed("\x11")), "\x11");
}

TEST(CommandKeysTest, WithoutAKeyEveryByteIsTyped) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(Meaning("", all), all);
}

TEST(CommandKeysTest, EscapeCanBeTheKey) {
  EXPECT_EQ(Meaning("\x1b", "a\x1b["), "a<[>");
}

}  // namespace
}  // namespace deptyr
