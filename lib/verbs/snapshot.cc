#include "lib/verbs/snapshot.h"

#include <variant>

#include "lib/attach/ask.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/term/screen.h"

namespace deptyr {

absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options) {
  KeyValues item;
  std::string paint;
  const auto take = [&](const HeadMessage& said) {
    if (const auto* it = std::get_if<Item>(&said)) item = it->fields;
    if (const auto* it = std::get_if<Paint>(&said)) paint += it->bytes;
  };
  const Ask question{.what = "snapshot",
                     .fields = {{"session", options.where.session},
                                {"last", options.last ? "1" : "0"}}};
  RETURN_IF_ERROR(AskHead(options.where.head, question, take));
  // No terminal is larger; a head may say anything.
  constexpr uint16_t kLargest = 1000;
  Screen screen(SizeIn(item, 1, kLargest));
  screen.Write(paint);
  return options.render(screen, item);
}

}  // namespace deptyr
