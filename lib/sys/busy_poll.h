// Waits some microseconds for more from a descriptor that floods, instead of
// going to sleep: for the reader of a PTY, sleeping and waking cost more than
// moving the bytes.
//
// It asks with FIONREAD, which is answered at once.  poll(2), epoll and read(2)
// on an empty PTY wait for the kernel's worker instead (tty_buffer_flush_work()
// in n_tty_poll() and n_tty_read(), Linux 4.5 to 6.18).  That worker may be
// queued on this very processor, so between two questions we yield, unless a
// program took the processor for a whole time slice just before.
#pragma once

#include <chrono>
#include <cstddef>

namespace deptyr {

class BusyPoll {
 public:
  // A descriptor floods if one read gives at least so many bytes.
  static constexpr size_t kFlood = 1024;

  // Returns whether, after a read of `got` bytes, enough more has arrived to
  // make reading on better than sleeping.  It waits only after a large read,
  // for kShortest, and longer, for up to kLongest, as long as that pays off or
  // if the caller does `much` for each read.
  bool MoreAfter(size_t got, int fd, bool much = false);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point Pause(Clock::time_point now);

  using Time = std::chrono::nanoseconds;
  static constexpr Time kShortest = std::chrono::microseconds(6);
  // A writer that has filled its terminal needs about 50 us to wake up.
  static constexpr Time kLongest = std::chrono::microseconds(60);

  Time patience_ = kShortest;
  Clock::time_point no_yield_until_;  // when a program took the processor
};

}  // namespace deptyr
