// For what there is no way back from.  A head that goes on for another has
// nobody to leave its programs to: where it lacks memory or a descriptor for a
// moment, it tries again.
#pragma once

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace deptyr {

// Calls `act`, which gives an absl::StatusOr, until it does better than an
// Errno(), for 5 s.
template <typename Act>
auto RetryForFiveSeconds(Act act) {
  for (int left = 500;; --left) {
    auto result = act();
    if (!absl::IsUnavailable(result.status()) || left == 0) return result;
    absl::SleepFor(absl::Milliseconds(10));
  }
}

}  // namespace deptyr
