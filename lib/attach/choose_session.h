// Finds the session that is meant if nobody names one.
//
//   ASSIGN_OR_RETURN(const auto session, ChooseSession(""));
//   if (!session) return absl::OkStatus();  // the person chose none
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace deptyr {

// Returns the one session of the caller's own whose program runs; if several
// run, the one that a person chooses on the terminal, or nothing if they choose
// none; if none runs, the one whose program ended last, or NotFound if no
// program has shown anything; and "", which leaves it to head, if there is no
// session.  Without a terminal, several that run are an InvalidArgument that
// lists them.  `head` is HEAD-SOCKET, or "" for where head usually is.
// Blocking; blocks signals for good.
absl::StatusOr<std::optional<std::string>> ChooseSession(
    const std::string& head);

}  // namespace deptyr
