#include "lib/render/json.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/render/render.h"
#include "lib/wire/report_fields.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using Json = nlohmann::ordered_json;

Json ValueFor(absl::string_view key, const std::string& text) {
  const FieldType type = TypeOf(key);
  if (type == FieldType::kText) return text;
  if (type == FieldType::kWords) {
    return SplitArgv(text);
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return text;
  return type == FieldType::kFlag ? Json(number != 0) : Json(number);
}

void AddTime(const std::string& name, const std::string& text, Json& object) {
  int64_t milliseconds = 0;
  const bool known = absl::SimpleAtoi(text, &milliseconds) && milliseconds != 0;
  object[name] = known
                     ? Json(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                                             absl::FromUnixMillis(milliseconds),
                                             absl::UTCTimeZone()))
                     : Json();
  object[name + "_ms"] = known ? Json(milliseconds) : Json();
}

Json ObjectOf(const KeyValues& item) {
  Json object = Json::object();
  for (const auto& [key, value] : item) {
    if (key == "item") continue;
    const std::string name = absl::StrReplaceAll(key, {{"-", "_"}});
    if (TypeOf(key) == FieldType::kTime) {
      AddTime(name, value, object);
    } else {
      object[name] = ValueFor(key, value);
    }
  }
  return object;
}

constexpr int kCompact = -1;
constexpr int kIndented = 2;

std::string Dump(const Json& json, int indent) {
  const auto dump = [&](bool ascii) {
    return json.dump(indent, ' ', ascii, Json::error_handler_t::replace);
  };
  // JSON itself escapes only what is below U+0020; a terminal obeys U+009B, and
  // other characters hide what is written.
  std::string text = dump(/*ascii=*/false);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!IsPrintable(line)) return dump(/*ascii=*/true);
  }
  return text;
}

// Writes the item of the kind `outer`, and in it an array of each other kind,
// under the name that goes with that kind.
std::string Nested(
    absl::string_view outer,
    const std::vector<std::pair<std::string, std::string>>& kinds,
    const std::vector<KeyValues>& items) {
  Json object = Json::object();
  for (const KeyValues& item : items) {
    if (ValueOf(item, "item") == outer) object = ObjectOf(item);
  }
  for (const auto& [kind, name] : kinds) {
    Json& array = object[name] = Json::array();
    for (const KeyValues& item : items) {
      if (ValueOf(item, "item") == kind) array.push_back(ObjectOf(item));
    }
  }
  return Dump(object, kIndented);
}

Json ColorJson(const Color& color) {
  if (color.kind == Color::Kind::kIndexed) return color.red;
  return absl::StrFormat("#%02x%02x%02x", color.red, color.green, color.blue);
}

// How the cell differs from one in the usual style.
Json LookJson(const Cell& cell) {
  const Style& style = cell.style;
  Json look = Json::object();
  const auto add = [&](const char* name, bool is, const Json& value = true) {
    if (is) look[name] = value;
  };
  add("wide", cell.width == 2);
  for (const auto& [name, color] : {std::pair{"fg", style.fg},
                                    {"bg", style.bg},
                                    {"underline_color", style.line}}) {
    add(name, color != Color(), ColorJson(color));
  }
  constexpr const char* kUnderlines[] = {"",      "single", "double",
                                         "curly", "dotted", "dashed"};
  add("underline", style.underline != Underline::kNone,
      kUnderlines[static_cast<size_t>(style.underline)]);
  add("bold", style.bold);
  add("dim", style.dim);
  add("italic", style.italic);
  add("blink", style.blink);
  add("reverse", style.reverse);
  add("conceal", style.conceal);
  add("strike", style.strike);
  add("overline", style.overline);
  add("protected", cell.is_guarded);
  const absl::string_view uri = UriOf(cell);
  add("link", !uri.empty(), uri);
  return look;
}

// Neighbours that look the same are one object; usual blanks at the end are
// left out.
Json RowJson(std::vector<Cell> cells) {
  const auto is_usual_blank = [](const Cell& cell) {
    return cell.blank() && LookJson(cell).empty() && cell.width == 1;
  };
  while (!cells.empty() && is_usual_blank(cells.back())) cells.pop_back();
  Json runs = Json::array();
  for (size_t col = 0; col < cells.size();) {
    const Cell& first = cells[col];
    size_t end = col;
    std::string text;
    while (end < cells.size() && cells[end].style == first.style &&
           cells[end].link == first.link && cells[end].width == first.width &&
           cells[end].is_guarded == first.is_guarded) {
      cells[end].AppendTo(text);
      end += first.width;
    }
    runs.push_back({{"col", col}, {"width", end - col}, {"text", text}});
    runs.back().update(LookJson(first));
    col = end;
  }
  return runs;
}

}  // namespace

std::string ItemJson(const KeyValues& item) {
  return Dump(ObjectOf(item), kCompact);
}

std::string ItemsJson(const std::string& name,
                      const std::vector<KeyValues>& items) {
  Json array = Json::array();
  for (const KeyValues& item : items) array.push_back(ObjectOf(item));
  return Dump({{name, std::move(array)}}, kIndented);
}

std::string ErrorJson(absl::string_view message, int exit_status) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(message, absl::MaxSplits("; ", 1));
  const auto& [error, hint] = parts;
  return Dump({{"error", std::string(error)},
               {"code", exit_status},
               {"hint", hint.empty() ? Json() : Json(std::string(hint))}},
              kCompact);
}

std::string HeadJson(const std::vector<KeyValues>& items) {
  return Nested("head", {{"user", "users"}}, items);
}

std::string RouterJson(const std::vector<KeyValues>& items) {
  return Nested("router", {{"client", "clients"}}, items);
}

std::string StatusJson(const std::vector<KeyValues>& items) {
  return Nested("session",
                {{"client", "attached"}, {"incarnation", "incarnations"}},
                items);
}

std::string SnapshotJson(const Screen& screen, const KeyValues& item) {
  std::vector<std::string> lines = absl::StrSplit(Text(screen), '\n');
  lines.pop_back();  // what follows the last newline: nothing
  Json object = ObjectOf(item);
  object["cursor"] = {{"row", screen.cursor().row},
                      {"col", screen.cursor().col},
                      {"visible", screen.cursor_visible()}};
  object["alternate_screen"] = screen.alternate_screen();
  object["reverse_video"] = screen.reverse_video();
  object["lines"] = std::move(lines);
  Json wraps = Json::array();
  std::vector<std::string> rows;
  for (const Row& row : screen.Rows()) {
    wraps.push_back(row.wraps);
    rows.push_back(Dump(RowJson(row.cells), kCompact));
  }
  // A row is a line, which people can read, and which isn't long.
  std::string text = Dump(object, kIndented);
  text.resize(text.size() - absl::string_view("\n}").size());
  absl::StrAppend(&text, ",\n  \"wraps\": ", Dump(wraps, kCompact),
                  ",\n  \"cells\": [\n    ", absl::StrJoin(rows, ",\n    "),
                  "\n  ]\n}\n");
  return text;
}

std::string CastHeaderJson(CastVersion version, WindowSize size,
                           absl::Time start, absl::string_view title) {
  Json header = {{"version", static_cast<int>(version)}};
  if (version == CastVersion::k2) {
    header["width"] = size.cols;
    header["height"] = size.rows;
  } else {
    header["term"] = {{"cols", size.cols}, {"rows", size.rows}};
  }
  header["timestamp"] = absl::ToUnixSeconds(start);
  header["title"] = std::string(title);
  return Dump(header, kCompact);
}

std::string CastEventJson(absl::Duration time, char kind,
                          absl::string_view text) {
  // A double would be printed with seventeen digits.
  const double seconds =
      absl::ToDoubleSeconds(absl::Trunc(time, absl::Microseconds(1)));
  return Dump(Json::array({seconds, std::string(1, kind), std::string(text)}),
              kCompact);
}

}  // namespace deptyr
