#include "cmd/options.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/named.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() {
    options_.Value("name", "NAME", &name_, "what it is called");
    options_.Value("size", "ROWSxCOLS", &size_, ParseSize, "how large it is");
    options_.Flag("quiet", &quiet_, "say nothing");
  }

  absl::StatusOr<std::vector<std::string>> Parse(
      std::vector<std::string> words) {
    words.insert(words.begin(), "body");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    return options_.Parse(static_cast<int>(words.size()), argv.data());
  }

  void AddLetters() {
    options_.Value("k,key", "KEY", &key_, "which key");
    options_.Flag("r,read-only", &read_only_, "only look");
    options_.Flag("d,kick", &kick_, "alone");
  }

  std::string key_;
  bool read_only_ = false;
  bool kick_ = false;
  std::string name_ = "default";
  WindowSize size_;
  bool quiet_ = false;
  Options options_{"body", "[OPTION]... PROGRAM", "Runs PROGRAM."};
};

TEST_F(OptionsTest, WithoutWordsEverythingStaysAsItIs) {
  EXPECT_THAT(Value(Parse({})), IsEmpty());
  EXPECT_EQ(name_, "default");
  EXPECT_FALSE(quiet_);
}

TEST_F(OptionsTest, AValueFollowsAfterASpaceOrAnEqualsSign) {
  EXPECT_THAT(Value(Parse({"--name", "a", "--size=30x90", "x"})),
              ElementsAre("x"));
  EXPECT_EQ(name_, "a");
  EXPECT_EQ(size_, (WindowSize{30, 90}));
}

TEST_F(OptionsTest, AValueMayHoldAnything) {
  EXPECT_THAT(Parse({"--name=a=b"}), IsOk());
  EXPECT_EQ(name_, "a=b");
  EXPECT_THAT(Parse({"--name="}), IsOk());
  EXPECT_EQ(name_, "");
  EXPECT_THAT(Parse({"--name", "--quiet"}), IsOk());
  EXPECT_EQ(name_, "--quiet");
  EXPECT_FALSE(quiet_);
}

TEST_F(OptionsTest, TheLastOneCounts) {
  EXPECT_THAT(Parse({"--name", "a", "--name", "b"}), IsOk());
  EXPECT_EQ(name_, "b");
}

TEST_F(OptionsTest, ParsingStopsAtTheFirstOperand) {
  EXPECT_THAT(Value(Parse({"--quiet", "cat", "--name", "x", "-n", "--help"})),
              ElementsAre("cat", "--name", "x", "-n", "--help"));
  EXPECT_EQ(name_, "default");
  EXPECT_FALSE(options_.help_wanted());
}

TEST_F(OptionsTest, DashDashEndsTheOptionsAndOnlyTheFirst) {
  EXPECT_THAT(Value(Parse({"--quiet", "--", "--name", "--", "x"})),
              ElementsAre("--name", "--", "x"));
  EXPECT_TRUE(quiet_);
}

TEST_F(OptionsTest, DashAloneAndTheEmptyWordAreOperands) {
  EXPECT_THAT(Value(Parse({"-", "--quiet"})), ElementsAre("-", "--quiet"));
  EXPECT_THAT(Value(Parse({"", "--quiet"})), ElementsAre("", "--quiet"));
  EXPECT_FALSE(quiet_);
}

TEST_F(OptionsTest, AnUnknownOptionIsTheUsersErrorAndNamed) {
  for (const char* word : {"--nam", "--names", "--socke", "-n", "-q", "--=x"}) {
    EXPECT_THAT(Parse({word, "x"}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("; see deptyr body --help")))
        << word;
  }
  EXPECT_THAT(Parse({"--nam=x"}).status().message(),
              HasSubstr("unknown option --nam (did you mean --name?);"));
  EXPECT_THAT(Parse({"-n"}).status().message(),
              HasSubstr("unknown option -n;"));
}

TEST_F(OptionsTest, AMissingValueIsAnError) {
  EXPECT_THAT(Parse({"--name"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--name needs a value, NAME")));
}

TEST_F(OptionsTest, AFlagTakesNoValue) {
  EXPECT_THAT(Parse({"--quiet=yes"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--quiet takes no value")));
}

TEST_F(OptionsTest, AValueThatCannotBeReadIsAnErrorThatNamesItsOption) {
  EXPECT_THAT(Parse({"--size", "big"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--size: not a size: big")));
  EXPECT_EQ(size_, WindowSize());
}

TEST_F(OptionsTest, ALetterIsTheSameOption) {
  AddLetters();
  EXPECT_THAT(Value(Parse({"-k", "^A", "-r", "x"})), ElementsAre("x"));
  EXPECT_EQ(key_, "^A");
  EXPECT_TRUE(read_only_);
  EXPECT_FALSE(kick_);
  EXPECT_THAT(Parse({"--key=^B", "--kick"}), IsOk());
  EXPECT_EQ(key_, "^B");
  EXPECT_TRUE(kick_);
  EXPECT_THAT(options_.Help(), HasSubstr("  -k, --key KEY "));
  EXPECT_THAT(options_.Help(), HasSubstr("  -r, --read-only "));
}

TEST_F(OptionsTest, LettersMayBeJoinedAndAValueMayFollowAtOnce) {
  AddLetters();
  EXPECT_THAT(Value(Parse({"-rdk^A", "x"})), ElementsAre("x"));
  EXPECT_EQ(key_, "^A");
  EXPECT_TRUE(read_only_ && kick_);
  EXPECT_THAT(Value(Parse({"-rk", "^C"})), IsEmpty());
  EXPECT_EQ(key_, "^C");
  EXPECT_THAT(Parse({"-rk"}).status().message(),
              HasSubstr("-k needs a value, KEY"));
  EXPECT_THAT(Parse({"-rx"}).status().message(),
              HasSubstr("unknown option -x;"));
}

TEST_F(OptionsTest, OfAVerbOptionsMayFollowOperands) {
  options_.AllowAnywhere();
  EXPECT_THAT(Value(Parse({"a", "--quiet", "b", "--name", "n", "-", "--",
                           "--name", "--"})),
              ElementsAre("a", "b", "-", "--name", "--"));
  EXPECT_TRUE(quiet_);
  EXPECT_EQ(name_, "n");
  EXPECT_THAT(Value(Parse({"a", "--help"})), IsEmpty());
  EXPECT_TRUE(options_.help_wanted());
}

TEST_F(OptionsTest, OptionsMayFollowTheOperandsBeforeAProgram) {
  options_.AllowAfter(1);
  EXPECT_THAT(Value(Parse({"a", "--quiet", "cat", "--name", "x", "--"})),
              ElementsAre("a", "cat", "--name", "x", "--"));
  EXPECT_TRUE(quiet_);
  EXPECT_EQ(name_, "default");
  EXPECT_EQ(options_.operands_before_dashes(), std::nullopt);
}

TEST_F(OptionsTest, WhereTheDashesStoodIsKnown) {
  options_.AllowAfter(1);
  EXPECT_THAT(Value(Parse({"a", "--name", "x", "--", "cat"})),
              ElementsAre("a", "cat"));
  EXPECT_EQ(options_.operands_before_dashes(), 1);
  EXPECT_EQ(name_, "x");
  EXPECT_THAT(Value(Parse({"--", "cat", "--"})), ElementsAre("cat", "--"));
  EXPECT_EQ(options_.operands_before_dashes(), 0);
}

TEST_F(OptionsTest, HelpStopsEverything) {
  for (const char* word : {"--help", "-h"}) {
    EXPECT_THAT(Value(Parse({word, "--nonsense"})), IsEmpty());
    EXPECT_TRUE(options_.help_wanted());
  }
}

TEST_F(OptionsTest, HelpTellsEveryOption) {
  const std::string help = options_.Help();
  EXPECT_THAT(help, HasSubstr("usage: deptyr body [OPTION]... PROGRAM\n"));
  EXPECT_THAT(help, HasSubstr("Runs PROGRAM.\n"));
  EXPECT_THAT(help, HasSubstr("--name NAME "));
  EXPECT_THAT(help, HasSubstr("how large it is\n"));
  EXPECT_THAT(help, HasSubstr("--quiet "));
  EXPECT_THAT(help, HasSubstr("--help "));
}

TEST_F(OptionsTest, WhatIsSaidAboutValuesIsInBothHelps) {
  std::vector<int> levels;
  int level = 2;
  constexpr Named<int> kLevels[] = {{"low", 1}, {"high", 2}};
  options_.Value("l,left", "N", &name_, "how much is left", {.usual = "all"});
  options_.OneOf("level", "LEVEL", &level, kLevels, "how high");
  options_.Values("mode", "MODE", &levels, ParseFd, "one more");
  const std::string help = options_.Help();
  EXPECT_THAT(help, HasSubstr(" how much is left (all)\n"));
  EXPECT_THAT(help, HasSubstr(" how high: low or high (high)\n"));
  EXPECT_THAT(help, HasSubstr(" one more; repeatable\n"));
  const std::string json = options_.HelpJson();
  EXPECT_THAT(
      json, HasSubstr("{\"name\":\"body\",\"usage\":\"deptyr body [OPTION]... "
                      "PROGRAM\",\"summary\":\"Runs PROGRAM.\",\"options\":["));
  for (const char* option :
       {R"({"name":"--quiet","help":"say nothing"})",
        R"({"name":"--left","letter":"-l","value":"N","default":"all",)"
        R"("help":"how much is left"})",
        R"({"name":"--level","value":"LEVEL","choices":["low","high"],)"
        R"("default":"high","help":"how high"})",
        R"({"name":"--mode","value":"MODE","repeatable":true,)"
        R"("help":"one more"})"}) {
    EXPECT_THAT(json, HasSubstr(option));
  }
}

TEST_F(OptionsTest, AWordOfAListStaysThatWord) {
  options_.OneOf("style", "STYLE", &name_,
                 {.usual = "text", .choices = {"text", "ansi", "none"}},
                 "how it looks");
  EXPECT_THAT(options_.Help(),
              HasSubstr(" how it looks: text, ansi or none (text)\n"));
  EXPECT_THAT(Parse({"--style", "none"}), IsOk());
  EXPECT_EQ(name_, "none");
  EXPECT_THAT(
      Parse({"--style", "loud"}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("unknown value: loud; say text, ansi or none")));
  EXPECT_EQ(name_, "none");
}

TEST_F(OptionsTest, WhetherJsonIsWantedIsKnownAlsoOfAnError) {
  EXPECT_THAT(Parse({"--help", "--json"}), IsOk());
  EXPECT_TRUE(options_.json());
  Options other("ls", "[OPTION]...", "Lists.");
  std::string words[] = {"ls", "--wrong", "--json"};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  EXPECT_FALSE(other.Parse(3, argv).ok());
  EXPECT_FALSE(other.json());  // it has no --json
  other.Json("print JSON");
  EXPECT_FALSE(other.Parse(3, argv).ok());
  EXPECT_TRUE(other.json());
}

// Each of `wrong` is refused, with a sentence that holds `hint`.
template <typename T>
void ExpectRefused(absl::StatusOr<T> (*parse)(absl::string_view),
                   const std::vector<std::string>& wrong,
                   const std::string& hint) {
  for (const std::string& text : wrong) {
    EXPECT_THAT(parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(hint)))
        << '"' << text << '"';
  }
}

TEST(ParseSizeTest, RowsComeFirst) {
  EXPECT_EQ(Value(ParseSize("24x80")), (WindowSize{.rows = 24, .cols = 80}));
  EXPECT_EQ(Value(ParseSize("1x65535")), (WindowSize{1, 65535}));
}

TEST(ParseSizeTest, RefusesTheRest) {
  ExpectRefused(
      ParseSize,
      {"", "x", "24", "24x", "x80", "0x80", "24x0", "-1x80", "65536x80",
       "24x65536", "24X80", "24x80x1", "24*80", "big", "99999999999x1"},
      "say ROWSxCOLS");
}

TEST(ParseSecondsTest, TakesNumbersAndUnits) {
  EXPECT_EQ(Value(ParseSeconds("0")), absl::ZeroDuration());
  EXPECT_EQ(Value(ParseSeconds("90")), absl::Seconds(90));
  EXPECT_EQ(Value(ParseSeconds("0.5")), absl::Milliseconds(500));
  EXPECT_EQ(Value(ParseSeconds("2m")), absl::Minutes(2));
  EXPECT_EQ(Value(ParseSeconds("1h30m")), absl::Minutes(90));
  EXPECT_EQ(Value(ParseSeconds("250ms")), absl::Milliseconds(250));
}

TEST(ParseSecondsTest, RefusesTheRest) {
  ExpectRefused(ParseSeconds,
                {"", "-1", "-1s", "nan", "-nan", "inf", "-inf", "1e99", "soon",
                 "5 minutes", "1y", "99999999999"},
                "not a time");
}

TEST(ParseBytesTest, TakesNumbersAndBinaryUnits) {
  EXPECT_EQ(Value(ParseBytes("0")), 0u);
  EXPECT_EQ(Value(ParseBytes("65536")), 65536u);
  EXPECT_EQ(Value(ParseBytes("64K")), 65536u);
  EXPECT_EQ(Value(ParseBytes("1M")), 1u << 20);
  EXPECT_EQ(Value(ParseBytes("4G")), size_t{1} << 32);
}

TEST(ParseBytesTest, RefusesTheRest) {
  ExpectRefused(ParseBytes,
                {"", "K", "-1", "1k", "1KB", "1.5M", "5G", "4194305K",
                 "99999999999", "1KK", "1MK", "x"},
                "not a number of bytes");
}

TEST(ParseModeTest, IsOctalWithOrWithoutTheZero) {
  EXPECT_EQ(Value(ParseMode("0660")), 0660u);
  EXPECT_EQ(Value(ParseMode("660")), 0660u);
  EXPECT_EQ(Value(ParseMode("0")), 0u);
  EXPECT_EQ(Value(ParseMode("777")), 0777u);
}

TEST(ParseModeTest, RefusesTheRest) {
  ExpectRefused(ParseMode, {"", "888", "0o660", "1777", "00660", "rw", "-660"},
                "say octal");
}

TEST(ParseFdTest, IsANumberFromZeroOn) {
  EXPECT_EQ(Value(ParseFd("0")), 0);
  EXPECT_EQ(Value(ParseFd("17")), 17);
  ExpectRefused(ParseFd, {"", "-1", "x", "3x", "99999999999"},
                "not a descriptor number");
}

}  // namespace
}  // namespace deptyr
