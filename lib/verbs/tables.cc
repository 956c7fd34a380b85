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

namespace deptyr {
namespace {

using Row = std::vector<std::string>;

std::string Field(const KeyValues& item, absl::string_view key) {
  return Printable(ValueOf(item, key));
}

// "ended: exit status 3" under a heading that says so.
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

std::string IncarnationsTable(const std::vector<KeyValues>& items) {
  std::vector<Row> rows = {{"RUN", "PID", "STARTED", "ENDED", "SIZE", "HOW"}};
  for (const KeyValues& item : items) {
    if (!IsA(item, "incarnation")) continue;
    rows.push_back({Field(item, "number"), Field(item, "pid"),
                    Time(item, "started"), Time(item, "ended"), Size(item),
                    How(item)});
  }
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
  std::vector<Row> rows = {{"SESSION", "STATE", "PID", "SINCE", "SIZE",
                            "CLIENTS", "OUTPUT", "KEEPER", "LAST END"}};
  for (const KeyValues& item : items) {
    rows.push_back({Field(item, "name"), Field(item, "state"),
                    Field(item, "pid"), Time(item, "since"), Size(item),
                    Field(item, "clients"), Bytes(item, "bytes"),
                    OrDash(Field(item, "keeper")), How(item)});
  }
  return Table(rows);
}

std::string ClientsTable(const std::vector<KeyValues>& items) {
  std::vector<Row> rows = {{"CLIENT", "KIND", "PID", "UID", "SINCE", "SIZE",
                            "BEHIND", "MISSED", "DROPPED", "MAY"}};
  for (const KeyValues& item : items) {
    if (!IsA(item, "client")) continue;
    const bool reads = ValueOf(item, "read-only") == "1";
    const bool leads = ValueOf(item, "leads") == "1";
    rows.push_back({Field(item, "id"), Field(item, "kind"),
                    OrDash(Field(item, "pid")), OrDash(Field(item, "uid")),
                    Time(item, "since"), Size(item), Bytes(item, "behind"),
                    Bytes(item, "missed"), Bytes(item, "dropped"),
                    reads   ? "read"
                    : leads ? "type, has its size"
                            : "type"});
  }
  return rows.size() == 1 ? "" : Table(rows);
}

std::string HeadText(const std::vector<KeyValues>& items) {
  std::vector<Row> rows;
  std::vector<Row> users = {{"UID", "SESSIONS", "RUNNING", "KEPT", "CLIENTS",
                             "PENDING", "DESCRIPTORS"}};
  for (const KeyValues& item : items) {
    if (IsA(item, "user")) {
      users.push_back({OrDash(Field(item, "uid")), Field(item, "sessions"),
                       Field(item, "running"), Field(item, "kept"),
                       Field(item, "clients"), Field(item, "pending"),
                       Field(item, "descriptors")});
      continue;
    }
    for (const auto& [key, value] : item) {
      if (key == "item") continue;
      rows.push_back({Printable(key), key == "since"
                                          ? Time(item, key)
                                          : OrDash(Printable(value))});
    }
  }
  std::string text = Table(rows);
  if (users.size() > 1) absl::StrAppend(&text, "\n", Table(users));
  return text;
}

std::string StatusText(const std::vector<KeyValues>& items) {
  std::string text;
  for (const KeyValues& item : items) {
    if (IsA(item, "session")) text += SessionText(item);
  }
  for (const std::string& table :
       {ClientsTable(items), IncarnationsTable(items)}) {
    if (!table.empty()) absl::StrAppend(&text, "\n", table);
  }
  return text;
}

}  // namespace deptyr
