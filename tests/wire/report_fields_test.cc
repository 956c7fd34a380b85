#include "lib/wire/report_fields.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace deptyr
