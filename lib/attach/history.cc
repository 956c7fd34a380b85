#include "lib/attach/history.h"

#include "lib/attach/ask.h"
#include "lib/base/status.h"
#include "lib/term/screen.h"

namespace deptyr {

absl::StatusOr<std::vector<std::string>> ReadScrollback(
    const std::string& path, const std::string& session, uint64_t offset,
    WindowSize size, size_t most) {
  constexpr uint16_t kLargest = 1000;  // no terminal is larger
  Screen screen({.rows = std::min(size.rows, kLargest),
                 .cols = std::min(size.cols, kLargest)},
                most);
  HistoryRange range(offset);
  RETURN_IF_ERROR(Converse(
      path,
      Attach{.session = session, .from = From::kHistory, .read_only = true},
      [&](const HeadMessage& said) {
        screen.Write(range.Take(said));
        return range.complete();
      }));
  return screen.Scrollback();
}

}  // namespace deptyr
