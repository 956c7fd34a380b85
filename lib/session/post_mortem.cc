#include "lib/session/post_mortem.h"

#include <algorithm>
#include <vector>

#include "lib/session/live_screen.h"

namespace deptyr {

std::optional<PostMortem> PostMortemFromRing(const Ring& ring) {
  // To scan all of a large ring would take long.
  constexpr uint64_t kMostRead = 256 << 10;
  const std::vector<IncarnationRecord> all = ring.incarnations();
  if (all.size() < 2) return std::nullopt;
  const IncarnationRecord& record = all[all.size() - 2];
  const uint64_t least =
      std::max(ring.begin(), record.end - std::min(record.end, kMostRead));
  const uint64_t begin =
      record.begin >= least ? record.begin : ring.SafeStart(least);
  if (begin > record.end) return std::nullopt;
  const WindowSize size = {record.rows, record.cols};
  return PostMortem{
      .paint = PaintingOf(ring.From(begin).substr(0, record.end - begin), size),
      .size = size,
      .how = Describe(record, ring.state().exec_failure.data())};
}

}  // namespace deptyr
