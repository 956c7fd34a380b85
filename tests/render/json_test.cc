#include "lib/render/json.h"

#include <string>

#include <gtest/gtest.h>

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

TEST(JsonTest, ASnapshotIsItsItemItsCursorAndItsLines) {
  Screen screen({.rows = 2, .cols = 9});
  screen.Write("a\r\nbc");
  EXPECT_EQ(SnapshotJson(screen, {{"session", "a"}}),
            "{\n  \"session\": \"a\",\n  \"cursor\": {\n    \"row\": 1,\n"
            "    \"col\": 2,\n    \"visible\": true\n  },\n"
            "  \"alternate_screen\": false,\n"
            "  \"lines\": [\n    \"a\",\n    \"bc\"\n  ]\n}\n");
}

}  // namespace
}  // namespace deptyr
