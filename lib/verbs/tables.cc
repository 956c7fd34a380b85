#include "lib/verbs/tables.h"

#include <algorithm>
#include <cstdint>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/wire/report_fields.h"

namespace deptyr {
namespace {

using TextRow = std::vector<std::string>;

bool IsA(const KeyValues& item, absl::string_view kind) {
  return ValueOf(item, "item") == kind;
}

size_t CharactersIn(absl::string_view text) {
  return static_cast<size_t>(
      absl::c_count_if(text, [](char c) { return !IsUtf8Continuation(c); }));
}

// "" for "not yet".
std::string Time(absl::string_view value) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(value, &milliseconds) || milliseconds == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S",
                          absl::FromUnixMillis(milliseconds),
                          absl::LocalTimeZone());
}

// "812", "1.5M", or "" if it isn't a number.
std::string Bytes(absl::string_view value) {
  constexpr double kUnit = 1024;
  double bytes = 0;
  if (!absl::SimpleAtod(value, &bytes)) return "";
  if (bytes < kUnit) return Printable(value);
  size_t unit = 0;
  constexpr absl::string_view kUnits = "BKMGTP";
  for (; bytes >= kUnit && unit + 1 < kUnits.size(); ++unit) bytes /= kUnit;
  return absl::StrFormat("%.1f%c", bytes, kUnits[unit]);
}

// Says a field to people, and with it those that share its column.
std::string TextOf(const KeyValues& item, absl::string_view name) {
  const absl::string_view value = ValueOf(item, name);
  const FieldType type = TypeOf(name);
  std::string text = Printable(value);
  if (name == "rows" && !text.empty()) {
    absl::StrAppend(&text, "x", Printable(ValueOf(item, "cols")));
  } else if (name == "state" && !ValueOf(item, "stopped-by").empty()) {
    text += ", stopped by ^S";
  } else if (name == "read-only") {
    const bool leads = ValueOf(item, "leads") == "1";
    text = value == "1" ? "read" : leads ? "type, has its size" : "type";
    if (ValueOf(item, "has-keys") == "1") text += ", alone";
  } else if (name == "how") {
    // The heading says that it is about an end.
    text = std::string(absl::StripPrefix(text, "ended: "));
  } else if (type == FieldType::kBytes) {
    text = Bytes(value);
  } else if (type == FieldType::kTime) {
    text = Time(value);
  } else if (type == FieldType::kWords) {
    text = Printable(absl::StrJoin(SplitArgv(value), " "));
  }
  return text.empty() ? "-" : text;
}

// Returns a row for each item of that kind, below a heading.
std::vector<TextRow> RowsOf(absl::string_view kind,
                            const std::vector<KeyValues>& items) {
  std::vector<absl::string_view> columns;
  std::vector<TextRow> rows(1);
  for (const ReportField& field : ReportFields()) {
    if (field.item != kind || field.column.empty()) continue;
    columns.push_back(field.name);
    rows[0].emplace_back(field.column);
  }
  for (const KeyValues& item : items) {
    if (!IsA(item, kind)) continue;
    TextRow& row = rows.emplace_back();
    for (const absl::string_view name : columns) {
      row.push_back(TextOf(item, name));
    }
  }
  return rows;
}

// Returns "" if there is no such item.
std::string TableOf(absl::string_view kind,
                    const std::vector<KeyValues>& items) {
  const std::vector<TextRow> rows = RowsOf(kind, items);
  return rows.size() == 1 ? "" : Table(rows);
}

size_t WidthOf(const std::string& table) {
  size_t widest = 0;
  for (const absl::string_view line : absl::StrSplit(table, '\n')) {
    widest = std::max(widest, CharactersIn(line));
  }
  return widest;
}

void DropColumn(absl::string_view heading, std::vector<TextRow>& rows) {
  const auto found = absl::c_find(rows[0], heading);
  if (found == rows[0].end()) return;
  const auto at = found - rows[0].begin();
  for (TextRow& row : rows) row.erase(row.begin() + at);
}

// The beginning of a line that has this many characters, the last of them a
// mark if something is missing.
std::string Cut(absl::string_view line, size_t width) {
  if (CharactersIn(line) <= width) return std::string(line);
  size_t end = 0;
  for (size_t left = width; end < line.size(); ++end) {
    if (!IsUtf8Continuation(line[end]) && left-- == 1) break;
  }
  return absl::StrCat(line.substr(0, end), "…");
}

// Colors the word that stands at `column`: green for a program that runs, else
// faint.
void ColorState(std::string& line, size_t column) {
  constexpr absl::string_view kRunning = "running";
  if (column >= line.size()) return;
  const size_t end = std::min(line.find("  ", column), line.size());
  const bool runs =
      absl::StartsWith(absl::string_view(line).substr(column), kRunning);
  line.insert(end, "\x1b[m");
  line.insert(column, runs ? "\x1b[32m" : "\x1b[2m");
}

// Where in the stream what is remembered begins and ends.
std::string Offsets(const KeyValues& session) {
  uint64_t end = 0;
  uint64_t remembered = 0;
  if (!absl::SimpleAtoi(ValueOf(session, "bytes"), &end) ||
      !absl::SimpleAtoi(ValueOf(session, "history"), &remembered)) {
    return "-";
  }
  return absl::StrCat(end - std::min(end, remembered), " to ", end);
}

std::string SessionText(const KeyValues& item) {
  const auto cell = [&item](absl::string_view name) {
    return TextOf(item, name);
  };
  const bool kept = !ValueOf(item, "keeper").empty();
  std::vector<TextRow> rows = {
      {"session", cell("name")},
      {"program", cell("argv")},
      {"state", absl::StrCat(cell("state"), ", pid ", cell("pid"), ", since ",
                             cell("since"))},
      {"last end", cell("how")},
      {"size", cell("rows")},
      {"title", cell("title")},
      {"screen", cell("screen")},
      {"output", absl::StrCat(cell("bytes"), ", the last ", cell("history"),
                              " of at most ", cell("capacity"), " remembered")},
      {"offsets", Offsets(item)},
      {"if head dies", kept ? absl::StrCat(cell("keeper"), " keeps it")
                            : "the program gets SIGHUP"},
  };
  if (!ValueOf(item, "log").empty()) {
    rows.push_back({"log", absl::StrCat(cell("log"), ", ", cell("log-lost"),
                                        " lines lost")});
  }
  return Table(rows);
}

// All that is told of the one item `what`, and a table of the others.
std::string FactsAndTable(absl::string_view what, absl::string_view others,
                          const std::vector<KeyValues>& items) {
  std::vector<TextRow> rows;
  for (const KeyValues& item : items) {
    if (!IsA(item, what)) continue;
    for (const auto& [key, value] : item) {
      if (key != "item") rows.push_back({Printable(key), TextOf(item, key)});
    }
  }
  const std::string table = TableOf(others, items);
  return absl::StrCat(Table(rows), table.empty() ? "" : "\n", table);
}

}  // namespace

std::string Table(const std::vector<TextRow>& rows) {
  std::vector<size_t> widths;
  for (const TextRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const TextRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&text, row[i]);
      text.append(widths[i] + 2 - row[i].size(), ' ');
    }
    absl::StripTrailingAsciiWhitespace(&text);
    text.push_back('\n');
  }
  return text;
}

std::string SessionsTable(const std::vector<KeyValues>& items, TableLook look) {
  // The least important column comes first.
  constexpr absl::string_view kMayGo[] = {"KEEPER", "OUTPUT",   "SIZE",   "PID",
                                          "SINCE",  "LAST END", "CLIENTS"};
  std::vector<TextRow> rows = RowsOf("session", items);
  std::string table = Table(rows);
  if (look.width == 0) return table;
  for (const absl::string_view heading : kMayGo) {
    if (WidthOf(table) <= look.width) break;
    DropColumn(heading, rows);
    table = Table(rows);
  }
  const size_t state = table.find("STATE");
  std::vector<std::string> lines = absl::StrSplit(table, '\n');
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i] = Cut(lines[i], look.width);
    if (look.color && i > 0) ColorState(lines[i], state);
  }
  return absl::StrJoin(lines, "\n");
}

std::string ClientsTable(const std::vector<KeyValues>& items) {
  return TableOf("client", items);
}

std::string HeadText(const std::vector<KeyValues>& items) {
  return FactsAndTable("head", "user", items);
}

std::string RouterText(const std::vector<KeyValues>& items) {
  return FactsAndTable("router", "client", items);
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

std::string SessionNames(const std::vector<KeyValues>& sessions) {
  std::string lines;
  for (const KeyValues& session : sessions) {
    absl::StrAppend(&lines, Printable(ValueOf(session, "name")), "\n");
  }
  return lines;
}

std::string WriterText(const std::vector<KeyValues>& writers) {
  std::string lines;
  for (const KeyValues& writer : writers) {
    const auto said = [&writer](absl::string_view name) {
      return Printable(ValueOf(writer, name));
    };
    absl::StrAppend(&lines, said("session"), ": ");
    if (said("client") == "0") {
      lines += said("writers") == "one" ? "whoever types first has the keys\n"
                                        : "all who may type do\n";
      continue;
    }
    const auto with = [&said](absl::string_view before, absl::string_view name,
                              absl::string_view after = "") {
      const std::string text = said(name);
      return text.empty() ? "" : absl::StrCat(before, text, after);
    };
    absl::StrAppend(&lines, "only client ", said("client"),
                    with(" of uid ", "uid"), with(", pid ", "client-pid"),
                    ", types",
                    with("; client ", "asked-by", " asks for the keys"), "\n");
  }
  return lines;
}

std::string UpgradeText(const std::vector<KeyValues>& heads) {
  std::string lines;
  for (const KeyValues& head : heads) {
    absl::StrAppend(&lines, "head, pid ", Printable(ValueOf(head, "pid")),
                    ", is ", Printable(ValueOf(head, "version")), "\n");
  }
  return lines;
}

}  // namespace deptyr
