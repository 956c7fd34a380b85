#include "lib/verbs/snapshot.h"

#include <cstdint>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"

#include "lib/attach/ask.h"
#include "lib/base/status.h"
#include "lib/term/screen.h"

namespace deptyr {
namespace {

// No terminal is larger; a head may say anything.
constexpr int kLargest = 1000;

uint16_t Length(const KeyValues& item, absl::string_view key) {
  int number = 0;
  const bool is_number = absl::SimpleAtoi(ValueOf(item, key), &number);
  return static_cast<uint16_t>(
      is_number && number > 0 && number <= kLargest ? number : 1);
}

}  // namespace

absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options) {
  KeyValues item;
  std::string paint;
  RETURN_IF_ERROR(AskHead(options.where.head,
                          {.what = "snapshot",
                           .fields = {{"session", options.where.session},
                                      {"last", options.last ? "1" : "0"}}},
                          [&](const HeadMessage& said) {
                            if (const auto* it = std::get_if<Item>(&said)) {
                              item = it->fields;
                            } else if (const auto* part =
                                           std::get_if<Paint>(&said)) {
                              paint += part->bytes;
                            }
                          }));
  Screen screen({.rows = Length(item, "rows"), .cols = Length(item, "cols")});
  screen.Write(paint);
  return options.render(screen, item);
}

}  // namespace deptyr
