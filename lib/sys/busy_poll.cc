#include "lib/sys/busy_poll.h"

#include <algorithm>

#include "lib/sys/io.h"

namespace deptyr {
namespace {

using Clock = std::chrono::steady_clock;

// Worth a read.
constexpr size_t kEnough = 1024;
// Asking takes a lock of the terminal's.
constexpr auto kPause = std::chrono::nanoseconds(1500);

void Pause(Clock::time_point end) {
  while (Clock::now() < end) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
}

}  // namespace

bool BusyPoll::MoreAfter(size_t got, int fd, bool much) {
  if (got < kFlood) return false;
  const Clock::time_point end = Clock::now() + (much ? kLongest : patience_);
  for (;;) {
    if (BytesReadable(fd) >= kEnough) {
      patience_ = std::min(kLongest, 2 * patience_);
      return true;
    }
    const Clock::time_point now = Clock::now();
    if (now >= end) break;
    Pause(now + kPause);
  }
  patience_ = std::max(kShortest, patience_ / 2);
  return false;
}

}  // namespace deptyr
