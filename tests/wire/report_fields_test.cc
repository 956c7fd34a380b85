#include "lib/wire/report_fields.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using testing::HasSubstr;

// JSON and tables know a field by its name alone.
TEST(ReportFieldsTest, ANameHasOneTypeWhateverTheItem) {
  for (const ReportField& field : ReportFields()) {
    EXPECT_EQ(TypeOf(field.name), field.type) << field.item << field.name;
  }
}

TEST(ReportFieldsTest, WhatANewerHeadAddsIsText) {
  EXPECT_EQ(TypeOf("not yet thought of"), FieldType::kText);
  EXPECT_EQ(TypeOf("refused-limit"), FieldType::kNumber);
}

// The rows of a table in the documentation, one for each item; the meaning of a
// field follows it in parentheses.
TEST(ReportFieldsTest, TheProtocolsTableOfItemsSaysTheSame) {
  std::ifstream file(
      absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"), "/docs/protocol.md"));
  std::ostringstream page;
  page << file.rdbuf();
  const std::string protocol =
      std::regex_replace(page.str(), std::regex("` \\([^()]*\\)"), "`");
  std::map<absl::string_view, std::string> rows;
  for (const ReportField& field : ReportFields()) {
    std::string& row = rows[field.item];
    absl::StrAppend(&row, row.empty() ? "" : ", ", "`", field.name, "`");
  }
  for (const auto& [item, fields] : rows) {
    EXPECT_THAT(protocol,
                HasSubstr(absl::StrCat("\n| `", item, "` | ", fields, " |\n")));
  }
}

TEST(ReportFieldsTest, TheSchemaOfJsonHasEveryField) {
  std::ifstream file(
      absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"), "/docs/json-schema.json"));
  const auto schema = nlohmann::json::parse(file, nullptr, false);
  ASSERT_TRUE(schema.is_object());
  for (const ReportField& field : ReportFields()) {
    const auto kind = schema["$defs"].find(std::string(field.item));
    ASSERT_NE(kind, schema["$defs"].end()) << field.item;
    const std::string name = absl::StrReplaceAll(field.name, {{"-", "_"}});
    bool known = kind->at("properties").contains(name);
    const auto patterns = kind->value("patternProperties", nlohmann::json());
    for (const auto& [pattern, about] : patterns.items()) {
      known = known || std::regex_search(absl::AsciiStrToLower(name),
                                         std::regex(pattern));
    }
    EXPECT_TRUE(known) << field.item << " " << name;
  }
}

}  // namespace
}  // namespace deptyr
