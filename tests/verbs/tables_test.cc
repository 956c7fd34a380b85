#include "lib/verbs/tables.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(TableTest, ColumnsAreAlignedAndNoLineEndsInSpaces) {
  EXPECT_EQ(Table({{"A", "LONG", "C"}, {"aaa", "b", ""}, {"a", "", "c"}}),
            "A    LONG  C\naaa  b\na          c\n");
}

TEST(TableTest, WhatAPeerSaidIsNotActedOnByATerminal) {
  EXPECT_EQ(
      SessionsTable({{{"item", "session"}, {"name", "a"}, {"how", "\x1b[2J"}}})
          .find('\x1b'),
      std::string::npos);
  EXPECT_EQ(
      HeadText({{{"item", "head"}, {"socket", "/run/\x1b[2J"}, {"\x1b", ""}}}),
      "socket  /run/\\x1b[2J\n\\x1b    -\n");
  EXPECT_THAT(
      SessionsTable(
          {{{"item", "session"}, {"name", "a"}, {"how", "ended: a\\b"}}}),
      HasSubstr(" a\\\\b "));
}

// A session that a newer deptyr wrote is held: only its name is known.
TEST(TableTest, WhatHeadDoesNotSayIsADash) {
  const std::string table =
      SessionsTable({{{"item", "session"}, {"name", "a"}, {"state", "held"}}});
  EXPECT_THAT(table, HasSubstr("\na        held "));
  EXPECT_THAT(table, ContainsRegex("held( +-){8}\n$"));
}

TEST(TableTest, SizesOfAnyKindAreReadable) {
  for (const auto& [bytes, text] :
       {std::pair("812", "812"), std::pair("1536", "1.5K"),
        std::pair("1048576", "1.0M"),
        std::pair("18446744073709551615", "16384.0P"), std::pair("x", "-")}) {
    EXPECT_THAT(
        SessionsTable({{{"item", "session"}, {"name", "a"}, {"bytes", bytes}}}),
        HasSubstr(absl::StrCat(" ", text, " ")));
  }
}

TEST(TableTest, ATableThatIsTooWideLosesWhatMattersLeast) {
  const KeyValues session = {
      {"item", "session"},
      {"name", "mc"},
      {"state", "running"},
      {"pid", "12345"},
      {"clients", "2"},
      {"bytes", "812"},
      {"keeper", "s6"},
      {"argv", std::string("java\0-jar\0größer.jar", 22)}};
  const std::string whole = SessionsTable({session});
  EXPECT_THAT(whole,
              ContainsRegex("KEEPER.*PROGRAM\n.*java -jar größer.jar\n"));
  EXPECT_EQ(SessionsTable({session}, {.width = 200}), whole);
  const std::string narrow = SessionsTable({session}, {.width = 60});
  EXPECT_THAT(narrow, AllOf(Not(HasSubstr("KEEPER")), HasSubstr("CLIENTS"),
                            HasSubstr("größer.jar\n")));
  EXPECT_EQ(SessionsTable({session}, {.width = 31}),
            "SESSION  STATE    PROGRAM\nmc       running  java -jar gr…\n");
}

TEST(TableTest, AProgramThatRunsIsGreen) {
  const std::string table =
      SessionsTable({{{"item", "session"}, {"name", "a"}, {"state", "running"}},
                     {{"item", "session"}, {"name", "b"}, {"state", "ended"}}},
                    {.width = 30, .color = true});
  EXPECT_THAT(table, AllOf(HasSubstr("\x1b[32mrunning\x1b[m  "),
                           HasSubstr("\x1b[2mended\x1b[m  ")));
}

TEST(TableTest, AStoppedOutputIsSaidBesideTheState) {
  const KeyValues session = {{"item", "session"},
                             {"name", "a"},
                             {"state", "running"},
                             {"stopped-by", "3"}};
  EXPECT_THAT(SessionsTable({session}), HasSubstr(" running, stopped by ^S "));
  EXPECT_THAT(StatusText({session}), HasSubstr(" running, stopped by ^S, pid"));
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

TEST(WriterTextTest, SaysWhoHasTheKeys) {
  EXPECT_EQ(WriterText({{{"session", "a"}, {"writers", "all"}, {"client", "0"}},
                        {{"session", "b"}, {"writers", "one"}, {"client", "0"}},
                        {{"session", "c"},
                         {"client", "7"},
                         {"uid", "12"},
                         {"client-pid", "34"},
                         {"asked-by", "9"}}}),
            "a: all who may type do\n"
            "b: whoever types first has the keys\n"
            "c: only client 7 of uid 12, pid 34, types; client 9 asks for the "
            "keys\n");
}

}  // namespace
}  // namespace deptyr
