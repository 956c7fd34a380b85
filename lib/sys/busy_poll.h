// Stays with a descriptor that delivers a flood, for some microseconds, instead
// of going to sleep: to sleep and to be woken costs a PTY's reader more than
// the bytes do.
//
//   BusyPoll poll;
//   do got = ReadSome(controller, room); while (poll.MoreAfter(got, fd));
//
// It asks how much there is to be read, with FIONREAD, which is answered at
// once; poll(2), epoll and read(2) of an empty PTY wait for the kernel's worker
// (tty_buffer_flush_work() in n_tty_poll() and n_tty_read(), Linux 4.5
// to 6.18).
//
// That worker may have been put on this very processor, so it is yielded
// between two questions; unless a program took it for a whole slice of time
// just before.
//
// It never spins where nothing floods: only after a large read, for kShortest,
// and longer only while that has been worth it.  A writer that has filled its
// terminal takes some 50 us to be woken and write on.
#pragma once

#include <chrono>
#include <cstddef>

namespace deptyr {

class BusyPoll {
 public:
  // Less in one read is no flood.
  static constexpr size_t kFlood = 1024;

  // After a read of `got` bytes: whether so much more has come that to read on
  // is better than to go to sleep.  Takes kLongest at most; so long it may
  // always take where `much` is to be done for each read.
  bool MoreAfter(size_t got, int fd, bool much = false);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point Pause(Clock::time_point now);

  using Time = std::chrono::nanoseconds;
  static constexpr Time kShortest = std::chrono::microseconds(6);
  static constexpr Time kLongest = std::chrono::microseconds(60);

  Time patience_ = kShortest;
  Clock::time_point no_yield_until_;  // a program wants the processor
};

}  // namespace deptyr
