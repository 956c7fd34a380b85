// Tells a person what a verb waits for.
//
//   Timer waiting = SayWaiting(loop, "mc to exit", absl::Seconds(30));
//   ... it has exited ...
//   waiting.Reset();
#pragma once

#include <string>

#include "absl/time/time.h"

#include "lib/sys/event_loop.h"

namespace deptyr {

// Writes "[deptyr: waiting for WHAT, at most 30s]" to standard error after a
// second, if that is a terminal and the result still lives.
[[nodiscard]] Timer SayWaiting(EventLoop& loop, std::string what,
                               absl::Duration limit = absl::InfiniteDuration());
inline constexpr char kHeadsAnswer[] = "head to answer; is it stopped?";

}  // namespace deptyr
