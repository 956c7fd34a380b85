// A head that takes over for another has nobody to leave its programs to, so if
// it lacks memory or a descriptor for a moment, it tries again.
#pragma once

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace deptyr {

// Calls `act`, which returns an absl::StatusOr, for up to 5 s, until its result
// is anything but an Errno().
template <typename Act>
auto RetryForFiveSeconds(Act act) {
  for (int left = 500;; --left) {
    auto result = act();
    if (!absl::IsUnavailable(result.status()) || left == 0) return result;
    absl::SleepFor(absl::Milliseconds(10));
  }
}

}  // namespace deptyr
