#include "lib/sys/busy_poll.h"

#include <sched.h>

#include <algorithm>

#include "lib/sys/io.h"

namespace deptyr {

// So many bytes are worth a read.
constexpr size_t kEnough = 1024;
// Each question takes a lock of the terminal's.
constexpr auto kLongestPoll = std::chrono::nanoseconds(1500);
// If a yield takes longer, a program ran, with a slice of some milliseconds;
// the worker needs less.
constexpr auto kLongYield = std::chrono::microseconds(500);
constexpr auto kWithoutYield = std::chrono::milliseconds(100);

// Yields or spins for a moment; returns the time after it.
BusyPoll::Clock::time_point BusyPoll::Pause(Clock::time_point now) {
  if (now >= no_yield_until_) {
    (void)::sched_yield();
    const Clock::time_point after = Clock::now();
    if (after - now > kLongYield) no_yield_until_ = after + kWithoutYield;
    return after;
  }
  const Clock::time_point end = now + kLongestPoll;
  while (now < end) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    now = Clock::now();
  }
  return now;
}

bool BusyPoll::MoreAfter(size_t got, int fd, bool much) {
  if (got < kFlood) return false;
  Clock::time_point now = Clock::now();
  const Clock::time_point end = now + (much ? kLongest : patience_);
  for (;;) {
    if (BytesReadable(fd) >= kEnough) {
      patience_ = std::min(kLongest, 2 * patience_);
      return true;
    }
    if (now >= end) break;
    now = Pause(now);
  }
  patience_ = std::max(kShortest, patience_ / 2);
  return false;
}

}  // namespace deptyr
