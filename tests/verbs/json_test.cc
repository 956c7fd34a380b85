#include "lib/verbs/json.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/notice.h"
#include "lib/verbs/tables.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(JsonTest, NumbersFlagsTimesAndWordsAreWhatTheyAre) {
  EXPECT_EQ(ItemJson({{"item", "client"},
                      {"name", "12"},
                      {"pid", "12"},
                      {"read-only", "1"},
                      {"leads", "0"},
                      {"since", "1700000000123"},
                      {"ended", "0"},
                      {"argv", std::string("a\0b c", 5)},
                      {"how", "x\n\"\xff"},
                      {"rows", "no number"}}),
            "{\"name\":\"12\",\"pid\":12,\"read_only\":true,\"leads\":false,"
            "\"since\":1700000000.123,\"ended\":null,\"argv\":[\"a\",\"b c\"],"
            "\"how\":\"x\\n\\\"\xef\xbf\xbd\",\"rows\":\"no number\"}");
}

// JSON itself escapes only what is below U+0020.
TEST(JsonTest, WhatATerminalObeysOrNobodySeesIsEscaped) {
  EXPECT_EQ(ItemJson({{"title",
                       "\xc2\x9b"
                       "2J\xe2\x80\xae\x7f\xc3\xa4"}}),
            "{\"title\":\"\\u009b2J\\u202e\\u007f\\u00e4\"}");
  EXPECT_EQ(ItemsJson({{{"title", "\xc3\xa4"}}}),
            "[\n  {\n    \"title\": \"\xc3\xa4\"\n  }\n]");
}

TEST(JsonTest, NoSessionsAreAnEmptyArray) {
  EXPECT_EQ(ItemsJson({}), "[]");
}

TEST(NoticeTest, AnEndIsAStatusAsShellsHaveIt) {
  EXPECT_EQ(ExitStatusOf({{"code", "3"}}), 3);
  EXPECT_EQ(ExitStatusOf({{"signal", "9"}}), 128 + 9);
  EXPECT_EQ(ExitStatusOf({{"how", "ended"}}), std::nullopt);
  // What no program ends with.
  EXPECT_EQ(ExitStatusOf({{"signal", "2147483647"}}), std::nullopt);
  EXPECT_EQ(ExitStatusOf({{"code", "-1"}}), std::nullopt);
  EXPECT_EQ(ExitStatusOf({{"code", "256"}}), std::nullopt);
}

TEST(TableTest, ColumnsAreAlignedAndNoLineEndsInSpaces) {
  EXPECT_EQ(Table({{"A", "LONG", "C"}, {"aaa", "b", ""}, {"a", "", "c"}}),
            "A    LONG  C\naaa  b\na          c\n");
}

TEST(TableTest, WhatAPeerSaidIsNotActedOnByATerminal) {
  EXPECT_EQ(SessionsTable({{{"name", "a"}, {"how", "\x1b[2J"}}}).find('\x1b'),
            std::string::npos);
  EXPECT_EQ(HeadText({{{"socket", "/run/\x1b[2J"}, {"\x1b", ""}}}),
            "socket  /run/\\x1b[2J\n\\x1b    -\n");
  EXPECT_THAT(SessionsTable({{{"name", "a"}, {"how", "ended: a\\b"}}}),
              HasSubstr(" a\\\\b\n"));
}

// What a newer deptyr wrote is held: of such a session only its name is known.
TEST(TableTest, WhatHeadDoesNotSayIsADash) {
  const std::string table = SessionsTable({{{"name", "a"}, {"state", "held"}}});
  EXPECT_THAT(table, HasSubstr("\na        held "));
  EXPECT_THAT(table, ContainsRegex("held +- +- +- +- +-\n$"));
}

TEST(TableTest, SizesOfAnyKindAreReadable) {
  for (const auto& [bytes, text] :
       {std::pair("812", "812"), std::pair("1536", "1.5K"),
        std::pair("1048576", "1.0M"),
        std::pair("18446744073709551615", "16384.0P"), std::pair("x", "-")}) {
    EXPECT_THAT(SessionsTable({{{"name", "a"}, {"bytes", bytes}}}),
                HasSubstr(absl::StrCat(" ", text, " ")));
  }
}

TEST(TableTest, WhatAClientMayIsSaid) {
  const std::vector<KeyValues> clients = {
      {{"item", "client"}, {"id", "1"}, {"read-only", "1"}},
      {{"item", "client"}, {"id", "2"}, {"leads", "1"}},
      {{"item", "client"}, {"id", "3"}, {"leads", "0"}},
      {{"item", "session"}, {"name", "a"}}};
  EXPECT_THAT(ClientsTable(clients),
              ContainsRegex("MAY\n1 .* read\n2 .* has its size\n3 .* type\n$"));
  EXPECT_EQ(ClientsTable({{{"item", "session"}}}), "");
}

TEST(TableTest, AStatusHasTheTablesThatHaveLines) {
  const KeyValues session = {{"item", "session"}, {"name", "a"}};
  EXPECT_THAT(StatusText({session}), HasSubstr("the program gets SIGHUP"));
  EXPECT_THAT(StatusText({session}), Not(HasSubstr("\n\n")));
  EXPECT_THAT(
      StatusText(
          {{{"item", "session"}, {"keeper", "systemd"}},
           {{"item", "incarnation"}, {"number", "7"}, {"how", "ended: x"}}}),
      AllOf(HasSubstr("systemd keeps it"),
            ContainsRegex("\n\nRUN .*\n7 .* x\n$")));
}

}  // namespace
}  // namespace deptyr
