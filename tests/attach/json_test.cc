#include "lib/attach/json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/notice.h"
#include "lib/attach/tables.h"

namespace deptyr {
namespace {

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
  EXPECT_EQ(HeadText({{"socket", "/run/\x1b[2J"}, {"\x1b", ""}}),
            "socket  /run/\\x1b[2J\n\\x1b    -\n");
}

}  // namespace
}  // namespace deptyr
