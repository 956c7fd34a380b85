// The head of `deptyr run`: the one that runs, or one that is started.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace deptyr {

// Returns the path of a head that listens: the first of UsualHeadSockets() that
// this user can connect to.  If there is none, starts one in the background at
// the first of these paths, where the socket's lock sees to it that of several
// callers at once one succeeds, and all of them get that head.
absl::StatusOr<std::string> ReachHead();

}  // namespace deptyr
