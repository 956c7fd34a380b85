#include "lib/session/output_cursor.h"

#include "lib/sys/io.h"

namespace deptyr {

void OutputCursor::Restore(uint64_t offset, uint64_t missed, bool begun,
                           bool lost) {
  offset_ = offset;
  missed_ = missed;
  begun_ = begun;
  lost_ = lost;
}

void OutputCursor::OnPumped(Pumped pumped, bool always) {
  blocked_ = pumped == Pumped::kBlocked || pumped == Pumped::kWaits;
  if (pumped == Pumped::kWaits) waited_for_ = false;
  // A client that waited for its picture has its place now.
  const bool placed = pumped == Pumped::kBlocked && !lost_ && always;
  if ((pumped == Pumped::kAll || placed) && !leaving_) waited_for_ = true;
}

void OutputCursor::StartWindow() {
  taken_ = 0;
  queued_ = BytesQueued(fd_);
}

size_t OutputCursor::TakenInWindow() const {
  const size_t given = taken_ + queued_;
  const size_t still_queued = BytesQueued(fd_);
  return given > still_queued ? given - still_queued : 0;
}

}  // namespace deptyr
