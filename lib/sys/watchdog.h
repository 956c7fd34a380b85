// Breaks off a system call that waits.  Nothing should wait in the event loop,
// but a process that shares an open file with us can clear its O_NONBLOCK
// behind our back (lib/sys/shared_fd.h).
//
// While it is armed, a timer's signal (SIGALRM) arrives every kWatchdogPeriod,
// and a call that waits then fails with EINTR.  The first one arrives after a
// random time, so that nobody can let us go just before.
//
//   Watchdog watchdog;
//   RETURN_IF_ERROR(watchdog.Start());
//   watchdog.Arm();      // when there is work
//   watchdog.Disarm();   // so that nothing wakes a process at rest
#pragma once

#include <chrono>

#include "absl/status/status.h"

namespace deptyr {

inline constexpr std::chrono::milliseconds kWatchdogPeriod{10};

class Watchdog {
 public:
  Watchdog() = default;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // Makes the timer and gives SIGALRM a handler without SA_RESTART.  Arm() does
  // nothing before that.  A child of fork(2) inherits no timer
  // (timer_create(2)), so it has to start it again.
  absl::Status Start();
  void Arm() {
    if (started_ && !armed_) Set(true);
  }
  void Disarm() {
    if (armed_) Set(false);
  }

 private:
  void Set(bool armed);

  bool started_ = false;
  bool armed_ = false;
  void* timer_ = nullptr;  // a timer_t
};

}  // namespace deptyr
