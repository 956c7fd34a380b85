#include "lib/render/json.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using Json = nlohmann::json;

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
            "\"since\":\"2023-11-14T22:13:20Z\",\"since_ms\":1700000000123,"
            "\"ended\":null,\"ended_ms\":null,\"argv\":[\"a\",\"b c\"],"
            "\"how\":\"x\\n\\\"\xef\xbf\xbd\",\"rows\":\"no number\"}");
}

// JSON itself escapes only what is below U+0020.
TEST(JsonTest, WhatATerminalObeysOrNobodySeesIsEscaped) {
  EXPECT_EQ(ItemJson({{"title",
                       "\xc2\x9b"
                       "2J\xe2\x80\xae\x7f\xc3\xa4"}}),
            "{\"title\":\"\\u009b2J\\u202e\\u007f\\u00e4\"}");
  EXPECT_EQ(
      ItemsJson("all", {{{"title", "\xc3\xa4"}}}),
      "{\n  \"all\": [\n    {\n      \"title\": \"\xc3\xa4\"\n    }\n  ]\n}");
}

TEST(JsonTest, NoItemsAreAnEmptyArray) {
  EXPECT_EQ(ItemsJson("sessions", {}), "{\n  \"sessions\": []\n}");
}

TEST(JsonTest, AnErrorIsWhatFailedAndWhatToDo) {
  EXPECT_EQ(ErrorJson("no SESSION; see --help; or \x9b", 100),
            "{\"error\":\"no SESSION\",\"code\":100,"
            "\"hint\":\"see --help; or \xef\xbf\xbd\"}");
  EXPECT_EQ(ErrorJson("head went away", 111),
            "{\"error\":\"head went away\",\"code\":111,\"hint\":null}");
}

TEST(JsonTest, ASnapshotIsItsItemItsCursorItsLinesAndItsCells) {
  Screen screen({.rows = 2, .cols = 9});
  screen.Write("a\r\nb\x1b[1;31mc");
  EXPECT_EQ(SnapshotJson(screen, {{"session", "a"}}),
            "{\n  \"session\": \"a\",\n  \"cursor\": {\n    \"row\": 1,\n"
            "    \"col\": 2,\n    \"visible\": true\n  },\n"
            "  \"alternate_screen\": false,\n"
            "  \"reverse_video\": false,\n"
            "  \"lines\": [\n    \"a\",\n    \"bc\"\n  ],\n"
            "  \"wraps\": [false,false],\n"
            "  \"cells\": [\n"
            "    [{\"col\":0,\"width\":1,\"text\":\"a\"}],\n"
            "    [{\"col\":0,\"width\":1,\"text\":\"b\"},"
            "{\"col\":1,\"width\":1,\"text\":\"c\",\"fg\":1,\"bold\":true}]\n"
            "  ]\n}\n");
}

// Everything that a cell can have.
constexpr char kEverything[] =
    "\x1b[?5h\x1b[1;38;5;208;48;2;1;2;3;4;58:2::255:0:16mone\x1b[m  two\r\n"
    "\x1b[2;3;5;31;44;58:5:9m dim \x1b[0;7;8;21m\xe4\xb8\x96\xe7\x95\x8c"
    "\x1b[0;9;53;4:3mabc\x1b[0;4:4mdots\x1b[0;4:5mdashes\x1b[m\r\n"
    "\x1b]8;id=x;http://a/\x1b\\link\x1b]8;;\x1b\\ "
    "e\xcc\x81\x1b[1\"qx\x1b[0\"q\r\n"
    "a line that is wrapped because it has more than thirty columns\r\n"
    "\x1b[42m\x1b[K";

Color ColorIn(const Json& run, const char* name) {
  const Json value = run.value(name, Json());
  if (value.is_null()) return {};
  if (value.is_number()) return Color::Indexed(value.get<int>());
  const int rgb = std::stoi(value.get<std::string>().substr(1), nullptr, 16);
  return {Color::Kind::kRgb, static_cast<uint8_t>(rgb >> 16),
          static_cast<uint8_t>(rgb >> 8), static_cast<uint8_t>(rgb)};
}

// Returns a cell for each column, without its text.
std::vector<Cell> CellsIn(const Json& row, size_t cols) {
  const std::vector<std::string> underlines = {"",      "single", "double",
                                               "curly", "dotted", "dashed"};
  std::vector<Cell> cells(cols);
  for (const Json& run : row) {
    const auto is = [&](const char* name) { return run.value(name, false); };
    Cell cell;
    const std::string underline = run.value("underline", "");
    cell.style.underline = static_cast<Underline>(
        std::find(underlines.begin(), underlines.end(), underline) -
        underlines.begin());
    cell.style.fg = ColorIn(run, "fg");
    cell.style.bg = ColorIn(run, "bg");
    cell.style.line = ColorIn(run, "underline_color");
    cell.style.bold = is("bold");
    cell.style.dim = is("dim");
    cell.style.italic = is("italic");
    cell.style.blink = is("blink");
    cell.style.reverse = is("reverse");
    cell.style.conceal = is("conceal");
    cell.style.strike = is("strike");
    cell.style.overline = is("overline");
    cell.is_guarded = is("protected");
    cell.link = run.value("link", "");
    cell.width = is("wide") ? 2 : 1;
    for (size_t i = 0; i < run.at("width"); ++i) {
      cells.at(run.at("col").get<size_t>() + i) = cell;
    }
  }
  return cells;
}

TEST(JsonTest, TheCellsCanBeMadeAgain) {
  Screen screen({.rows = 7, .cols = 30});
  screen.Write(kEverything);
  const Json snapshot = Json::parse(SnapshotJson(screen, {}));
  const std::vector<Row> rows = screen.Rows();
  ASSERT_EQ(snapshot.at("cells").size(), rows.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    EXPECT_EQ(snapshot["wraps"].at(row), rows[row].wraps);
    const Json& runs = snapshot["cells"][row];
    const std::vector<Cell> found = CellsIn(runs, rows[row].cells.size());
    std::string text;
    std::string shown;
    for (const Json& run : runs) text += run.at("text").get<std::string>();
    for (size_t col = 0; col < found.size(); ++col) {
      const Cell& cell = rows[row].cells[col];
      cell.AppendTo(shown);
      EXPECT_TRUE(found[col].style == cell.style) << row << "," << col;
      EXPECT_EQ(found[col].is_guarded, cell.is_guarded) << row << "," << col;
      EXPECT_EQ(found[col].link, cell.link.empty() ? "" : "http://a/");
      EXPECT_EQ(found[col].width == 2, cell.width != 1) << row << "," << col;
    }
    shown.resize(std::max(text.size(), shown.find_last_not_of(' ') + 1));
    EXPECT_EQ(text, shown);
  }
}

void AddNames(const Json& json, std::set<std::string>& names) {
  for (const auto& [name, value] : json.items()) {
    if (json.is_object()) names.insert(name);
    if (value.is_structured()) AddNames(value, names);
  }
}

TEST(JsonTest, TheManPageHasEveryFieldOfASnapshotAndNoOther) {
  Screen screen({.rows = 7, .cols = 30});
  screen.Write(kEverything);
  std::set<std::string> written;
  KeyValues item;
  for (const char* key :
       {"session", "title", "rows", "cols", "state", "screen", "how"})
    item.emplace_back(key, "");
  AddNames(Json::parse(SnapshotJson(screen, item)), written);

  std::ifstream page(
      absl::StrCat(getenv("DEPTYR_SOURCE_DIR"), "/docs/man/deptyr-snapshot.1"));
  std::set<std::string> documented;
  bool in_section = false;
  for (std::string line; std::getline(page, line);) {
    if (absl::StartsWith(line, ".Sh")) in_section = line == ".Sh JSON";
    if (!in_section) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    const bool named =
        words[0] == ".Cm" || (words[0] == ".It" && words[1] == "Cm");
    for (size_t i = 1; named && i < words.size(); ++i) {
      if (words[i].size() > 1 && words[i] != "Cm") documented.insert(words[i]);
    }
  }
  EXPECT_EQ(documented, written);
}

}  // namespace
}  // namespace deptyr
