// Tells a test which step of a takeover was just taken.
//
//   ring.Commit(bytes.size());
//   STEP(name, "committed", ring.end());
//
// tests/model/takeover.pml has these steps, too, and tests/model/replay looks
// whether the model allows what a head did.  Only the deptyr of that test is
// built with DEPTYR_STEPS; in the product a step is nothing at all.
//
// A step is told once it is done, so a head that is killed has taken one more
// than it told, at most.
#pragma once

#ifdef DEPTYR_STEPS

#include <cstdint>

#include "absl/strings/string_view.h"

namespace deptyr {

// `session` is its name, "-" for a step of the whole head.  Defined by
// tests/model/steps.cc.
void TellStep(absl::string_view session, absl::string_view step,
              uint64_t value = 0, uint64_t other = 0);

}  // namespace deptyr

#define STEP(...) TellStep(__VA_ARGS__)
#else
#define STEP(...) static_cast<void>(0)  // what it would tell isn't evaluated
#endif
