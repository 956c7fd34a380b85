// Breaks off a system call that waits in the event loop because a process that
// shares an open file with us has cleared its O_NONBLOCK (lib/sys/shared_fd.h).
//
// While it is armed, a timer's signal (SIGALRM) arrives every kWatchdogPeriod,
// and a call that waits then fails with EINTR.  The first one arrives after a
// random time, so that nobody can let us go just before.
#pragma once

#include <chrono>

#include "absl/status/status.h"

namespace deptyr {

inline constexpr std::chrono::milliseconds kWatchdogPeriod{10};

class Watchdog {
 public:
  Watchdog() = default;
  Watchdog(Watchdog&&) = delete;
  ~Watchdog();

  // Gives SIGALRM a handler without SA_RESTART.  Arm() does nothing before
  // that. A child of fork(2) inherits no timer, so it has to start it again.
  absl::Status Start();
  void Arm() {
    if (started_ && !armed_) Set(true);
  }
  // Do it when there is no work, so that nothing wakes a process at rest.
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
