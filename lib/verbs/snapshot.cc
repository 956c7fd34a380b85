#include "lib/verbs/snapshot.h"

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/attach/ask.h"
#include "lib/base/status.h"
#include "lib/render/render.h"
#include "lib/term/screen.h"
#include "lib/verbs/json.h"

namespace deptyr {
namespace {

// Beyond, it is no terminal's size.
constexpr int kLargest = 1000;

uint16_t Length(const KeyValues& item, absl::string_view key) {
  int number = 0;
  const bool is_number = absl::SimpleAtoi(ValueOf(item, key), &number);
  return static_cast<uint16_t>(
      is_number && number > 0 && number <= kLargest ? number : 1);
}

std::string Json(const KeyValues& item, const Screen& screen) {
  std::vector<std::string> lines = absl::StrSplit(Text(screen), '\n');
  lines.pop_back();  // after the last LF
  return SnapshotJson(item, {.cursor_row = screen.cursor().row,
                             .cursor_col = screen.cursor().col,
                             .cursor_visible = screen.cursor_visible(),
                             .alternate_screen = screen.alternate_screen(),
                             .lines = std::move(lines)}) +
         "\n";
}

}  // namespace

absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options) {
  KeyValues item;
  std::string paint;
  RETURN_IF_ERROR(AskHead(options.head,
                          {.what = "snapshot",
                           .fields = {{"session", options.session},
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
  switch (options.format) {
    case SnapshotFormat::kText:
      return Text(screen);
    case SnapshotFormat::kAnsi:
      return Ansi(screen);
    case SnapshotFormat::kSvg:
      return Svg(screen, ValueOf(item, "title"));
    case SnapshotFormat::kJson:
      break;
  }
  return Json(item, screen);
}

}  // namespace deptyr
