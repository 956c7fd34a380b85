// Pauses between attempts: each is twice as long as the one before, up to a
// longest one.
//
//   Backoff backoff(absl::Milliseconds(10), absl::Milliseconds(250));
//   while (!Try()) absl::SleepFor(backoff.Next());  // 10 ms, 20, 40, ... 250
//
// Pure.
#pragma once

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace deptyr {

class Backoff {
 public:
  constexpr Backoff(absl::Duration first, absl::Duration longest)
      : next_(first), longest_(longest) {}

  absl::Duration Next() {
    return std::exchange(next_, std::min(2 * next_, longest_));
  }

 private:
  absl::Duration next_;
  absl::Duration longest_;
};

// Paces the attempts to reach a head that isn't there.  A restart takes tens of
// milliseconds, and programs that wait for hours must not cost much.
inline constexpr Backoff kHeadBackoff(absl::Milliseconds(10),
                                      absl::Milliseconds(250));

}  // namespace deptyr
