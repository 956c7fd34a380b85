// A head's answers and notices may have any keys and values.  Printed as JSON
// they are JSON, and a terminal acts on nothing in a text for people.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/attach/notice.h"
#include "lib/attach/stream_position.h"
#include "lib/base/utf8.h"
#include "lib/render/json.h"
#include "lib/verbs/tables.h"
#include "tests/fuzz/input.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

constexpr const char* kKeys[] = {
    "item",    "name",   "state",  "pid",     "since",    "rows",     "cols",
    "clients", "bytes",  "keeper", "how",     "argv",     "title",    "screen",
    "history", "number", "id",     "started", "ended",    "capacity", "leads",
    "code",    "signal", "event",  "offset",  "read-only"};
constexpr const char* kValues[] = {
    "session", "client", "incarnation", "head", "started",
    "ended",   "missed", "1",           "0",    "2147483647"};

KeyValues SomeFields(Input& input) {
  KeyValues fields;
  for (size_t i = input.Choice(8); i > 0; --i) {
    std::string key =
        input.Choice(8) == 1 ? std::string(input.Text()) : input.OneOf(kKeys);
    std::string value =
        input.Flag() ? std::string(input.Text()) : input.OneOf(kValues);
    fields.emplace_back(std::move(key), std::move(value));
  }
  return fields;
}

void ExpectJson(const std::string& text) {
  Expect(!nlohmann::json::parse(text, nullptr, false).is_discarded());
}

void ExpectHarmless(const std::string& text) {
  Utf8Decoder decoder;
  for (const char c : text) {
    const auto result = decoder.Take(c);
    if (result == Utf8Decoder::Result::kMore) continue;
    Expect(result == Utf8Decoder::Result::kCharacter);
    const char32_t it = decoder.character();
    Expect(it == '\n' || (it >= ' ' && (it < 0x7f || it > 0x9f)));
  }
  Expect(decoder.pending() == 0);
}

}  // namespace
}  // namespace deptyr

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace deptyr;  // NOLINT(google-build-using-namespace)
  Input input(bytes, size);
  std::vector<KeyValues> items;
  StreamPosition place;
  while (!input.empty()) {
    items.push_back(SomeFields(input));
    ExpectJson(ItemJson(items.back()));
    ExpectJson(HeadJson({items.back()}));
    ExpectHarmless(HeadText({items.back()}));
    const auto status = ExitStatusOf(items.back());
    if (status) Expect(*status >= 0 && *status <= 255);
    (void)place.Follow(Notice{items.back()});
    (void)place.Follow(Output{std::string(input.Text())});
  }
  ExpectJson(ItemsJson("items", items));
  ExpectJson(StatusJson(items));
  ExpectHarmless(SessionsTable(items));
  ExpectHarmless(StatusText(items));
  ExpectHarmless(ClientsTable(items));
  if (items.empty()) return 0;
  Screen screen({.rows = 2, .cols = 9});
  screen.Write(HowOf(items[0]));
  ExpectJson(SnapshotJson(screen, items[0]));
  return 0;
}
