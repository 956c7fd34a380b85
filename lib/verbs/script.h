// What scripts do with a session: type and wait.  Each attaches first, and then
// types, so that nothing is missed of what comes after.
//
// DeadlineExceeded: it did not happen in time.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/verbs/matcher.h"

namespace deptyr {

struct Script {
  std::string head;     // HEAD-SOCKET; "" for where it usually is
  std::string session;  // "" for the newest
  // Typed once attached.
  std::string typed;
  // What ends it.
  enum class Until {
    kTyped,  // the program has taken all that was typed
    kMatch,  // `matcher` says so
    kEnd,    // the program has ended, or none runs
    kQuiet,  // nothing came for `quiet`
  } until = Until::kTyped;
  Matcher* matcher = nullptr;
  absl::Duration quiet = absl::ZeroDuration();
  absl::Duration timeout = absl::InfiniteDuration();
};

absl::Status RunScript(const Script& script);

}  // namespace deptyr
