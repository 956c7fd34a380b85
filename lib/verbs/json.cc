#include "lib/verbs/json.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using Json = nlohmann::ordered_json;

constexpr absl::string_view kNumbers[] = {
    "pid",      "uid",     "rows", "cols",        "clients",  "bytes",
    "begin",    "end",     "id",   "client",      "capacity", "number",
    "missed",   "dropped", "code", "signal",      "behind",   "history",
    "sessions", "running", "kept", "descriptors",
};
constexpr absl::string_view kTimes[] = {"since", "started", "ended", "time"};
constexpr absl::string_view kFlags[] = {"read-only", "leads"};

template <size_t kSize>
bool IsOneOf(absl::string_view key, const absl::string_view (&keys)[kSize]) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

// What head counts of itself, and how much of it there may be.
bool IsCount(absl::string_view key) {
  return key == "pending" || key == "buffered" || key == "refused" ||
         absl::StartsWith(key, "refused-") || absl::StartsWith(key, "max-");
}

Json ValueFor(absl::string_view key, const std::string& text) {
  int64_t number = 0;
  const bool is_number = absl::SimpleAtoi(text, &number);
  if (is_number && (IsOneOf(key, kNumbers) || IsCount(key))) return number;
  if (is_number && IsOneOf(key, kFlags)) return number != 0;
  if (is_number && IsOneOf(key, kTimes)) {
    constexpr double kMilliseconds = 1000;
    return number == 0 ? Json()
                       : Json(static_cast<double>(number) / kMilliseconds);
  }
  if (key == "argv") return SplitArgv(text);
  return text;
}

Json ObjectOf(const KeyValues& item) {
  Json object = Json::object();
  for (const auto& [key, value] : item) {
    if (key == "item") continue;
    object[absl::StrReplaceAll(key, {{"-", "_"}})] = ValueFor(key, value);
  }
  return object;
}

constexpr int kCompact = -1;
constexpr int kIndented = 2;

std::string Dump(const Json& json, int indent) {
  const auto dump = [&](bool ascii) {
    return json.dump(indent, ' ', ascii, Json::error_handler_t::replace);
  };
  // JSON lets pass what a terminal obeys (U+009B) or what hides, as it is.
  std::string text = dump(/*ascii=*/false);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!IsPrintable(line)) return dump(/*ascii=*/true);
  }
  return text;
}

}  // namespace

std::string ItemJson(const KeyValues& item) {
  return Dump(ObjectOf(item), kCompact);
}

std::string ItemsJson(const std::vector<KeyValues>& items) {
  Json array = Json::array();
  for (const KeyValues& item : items) array.push_back(ObjectOf(item));
  return Dump(array, kIndented);
}

std::string HeadJson(const std::vector<KeyValues>& items) {
  Json head = Json::object();
  Json users = Json::array();
  for (const KeyValues& item : items) {
    const absl::string_view kind = ValueOf(item, "item");
    if (kind == "head") head = ObjectOf(item);
    if (kind == "user") users.push_back(ObjectOf(item));
  }
  head["users"] = std::move(users);
  return Dump(head, kIndented);
}

std::string StatusJson(const std::vector<KeyValues>& items) {
  Json session = Json::object();
  Json clients = Json::array();
  Json incarnations = Json::array();
  for (const KeyValues& item : items) {
    const absl::string_view kind = ValueOf(item, "item");
    if (kind == "session") session = ObjectOf(item);
    if (kind == "client") clients.push_back(ObjectOf(item));
    if (kind == "incarnation") incarnations.push_back(ObjectOf(item));
  }
  session["attached"] = std::move(clients);
  session["incarnations"] = std::move(incarnations);
  return Dump(session, kIndented);
}

std::string SnapshotJson(const KeyValues& item, const ScreenText& screen) {
  Json object = ObjectOf(item);
  object["cursor"] = {{"row", screen.cursor_row},
                      {"col", screen.cursor_col},
                      {"visible", screen.cursor_visible}};
  object["alternate_screen"] = screen.alternate_screen;
  object["lines"] = screen.lines;
  return Dump(object, kIndented);
}

std::string CastHeaderJson(WindowSize size, absl::Time start,
                           absl::string_view title) {
  const Json header = {{"version", 2},
                       {"width", size.cols},
                       {"height", size.rows},
                       {"timestamp", absl::ToUnixSeconds(start)},
                       {"title", std::string(title)}};
  return Dump(header, kCompact);
}

std::string CastEventJson(absl::Duration since_start, char kind,
                          absl::string_view text) {
  // A double's seventeen digits would be too many.
  const double seconds =
      absl::ToDoubleSeconds(absl::Trunc(since_start, absl::Microseconds(1)));
  return Dump(Json::array({seconds, std::string(1, kind), std::string(text)}),
              kCompact);
}

}  // namespace deptyr
