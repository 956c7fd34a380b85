#include "lib/verbs/tables.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/wire/report_fields.h"

namespace deptyr {
namespace {

using Row = std::vector<std::string>;

std::string Field(const KeyValues& item, absl::string_view key) {
  return Printable(ValueOf(item, key));
}

// The column's heading says that it is about an end, so "ended: " is cut from
// "ended: exit status 3".
std::string How(const KeyValues& item) {
  const std::string how = Field(item, "how");
  return how.empty() ? "-" : std::string(absl::StripPrefix(how, "ended: "));
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string Size(const KeyValues& item) {
  const std::string rows = Field(item, "rows");
  return rows.empty() ? "-" : absl::StrCat(rows, "x", Field(item, "cols"));
}

std::string Time(const KeyValues& item, absl::string_view key) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(ValueOf(item, key), &milliseconds) ||
      milliseconds == 0) {
    return "-";
  }
  return absl::FormatTime("%Y-%m-%d %H:%M:%S",
                          absl::FromUnixMillis(milliseconds),
                          absl::LocalTimeZone());
}

// "812", "1.5M".
std::string Bytes(const KeyValues& item, absl::string_view key) {
  constexpr double kUnit = 1024;
  double bytes = 0;
  if (!absl::SimpleAtod(ValueOf(item, key), &bytes)) return "-";
  if (bytes < kUnit) return Field(item, key);
  size_t unit = 0;
  constexpr absl::string_view kUnits = "BKMGTP";
  for (; bytes >= kUnit && unit + 1 < kUnits.size(); ++unit) bytes /= kUnit;
  return absl::StrFormat("%.1f%c", bytes, kUnits[unit]);
}

std::string Program(const KeyValues& item) {
  return Printable(absl::StrJoin(SplitArgv(ValueOf(item, "argv")), " "));
}

bool IsA(const KeyValues& item, absl::string_view kind) {
  return ValueOf(item, "item") == kind;
}

// The rights of a client, in one column.
std::string May(const KeyValues& client) {
  if (ValueOf(client, "read-only") == "1") return "read";
  return ValueOf(client, "leads") == "1" ? "type, has its size" : "type";
}

std::string CellFor(const KeyValues& item, const ReportField& field) {
  if (field.name == "rows") return Size(item);
  if (field.name == "read-only") return May(item);
  if (field.name == "how") return How(item);
  if (field.type == FieldType::kBytes) return Bytes(item, field.name);
  if (field.type == FieldType::kTime) return Time(item, field.name);
  return OrDash(Field(item, field.name));
}

// Returns a row for each item of that kind, below a heading.
std::vector<Row> RowsOf(absl::string_view kind,
                        const std::vector<KeyValues>& items) {
  std::vector<ReportField> columns;
  std::vector<Row> rows(1);
  for (const ReportField& field : ReportFields()) {
    if (field.item != kind || field.column.empty()) continue;
    columns.push_back(field);
    rows[0].emplace_back(field.column);
  }
  for (const KeyValues& item : items) {
    if (!IsA(item, kind)) continue;
    Row& row = rows.emplace_back();
    for (const ReportField& field : columns) {
      row.push_back(CellFor(item, field));
    }
  }
  return rows;
}

// Returns "" if there is no such item.
std::string TableOf(absl::string_view kind,
                    const std::vector<KeyValues>& items) {
  const std::vector<Row> rows = RowsOf(kind, items);
  return rows.size() == 1 ? "" : Table(rows);
}

std::string SessionText(const KeyValues& item) {
  const std::string keeper = Field(item, "keeper");
  std::vector<Row> rows = {
      {"session", Field(item, "name")},
      {"program", OrDash(Program(item))},
      {"state", absl::StrCat(Field(item, "state"), ", pid ", Field(item, "pid"),
                             ", since ", Time(item, "since"))},
      {"last end", How(item)},
      {"size", Size(item)},
      {"title", OrDash(Field(item, "title"))},
      {"screen", OrDash(Field(item, "screen"))},
      {"output",
       absl::StrCat(Bytes(item, "bytes"), ", the last ", Bytes(item, "history"),
                    " of at most ", Bytes(item, "capacity"), " remembered")},
      {"if head dies", keeper.empty() ? "the program gets SIGHUP"
                                      : absl::StrCat(keeper, " keeps it")},
  };
  return Table(rows);
}

}  // namespace

std::string Table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&text, row[i]);
      text.append(widths[i] + 2 - row[i].size(), ' ');
    }
    absl::StripTrailingAsciiWhitespace(&text);
    text.push_back('\n');
  }
  return text;
}

std::string SessionsTable(const std::vector<KeyValues>& items) {
  return Table(RowsOf("session", items));
}

std::string ClientsTable(const std::vector<KeyValues>& items) {
  return TableOf("client", items);
}

std::string HeadText(const std::vector<KeyValues>& items) {
  std::vector<Row> rows;
  for (const KeyValues& item : items) {
    if (!IsA(item, "head")) continue;
    for (const auto& [key, value] : item) {
      if (key == "item") continue;
      rows.push_back({Printable(key), TypeOf(key) == FieldType::kTime
                                          ? Time(item, key)
                                          : OrDash(Printable(value))});
    }
  }
  const std::string users = TableOf("user", items);
  return absl::StrCat(Table(rows), users.empty() ? "" : "\n", users);
}

std::string StatusText(const std::vector<KeyValues>& items) {
  std::string text;
  for (const KeyValues& item : items) {
    if (IsA(item, "session")) text += SessionText(item);
  }
  for (const absl::string_view kind : {"client", "incarnation"}) {
    const std::string table = TableOf(kind, items);
    if (!table.empty()) absl::StrAppend(&text, "\n", table);
  }
  return text;
}

}  // namespace deptyr
