// Breaks off a system call that waits, though nothing may wait in the event
// loop: whoever shares an open file with us can clear its O_NONBLOCK behind our
// back (lib/sys/shared_fd.h).
//
// While it is armed, a timer's signal (SIGALRM) comes every kWatchdogPeriod; a
// call that waits then fails with EINTR.  When the first one comes is random,
// so nobody can let go of us just before.
//
//   Watchdog watchdog;
//   (void)watchdog.Start();
//   watchdog.Arm();      // there is work
//   watchdog.Disarm();   // nothing wakes a process at rest
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

  // Makes the timer, and gives SIGALRM a handler without SA_RESTART.  Before
  // that, Arm() does nothing.  A child of fork(2) inherits no timer
  // (timer_create(2)), and has to start it again.
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
