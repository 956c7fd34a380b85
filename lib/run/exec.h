// deptyr exec: a command beside a session's running program, in its namespaces
// and as its user.
//
//   ASSIGN_OR_RETURN(const int status,
//                    ExecBeside({.session = "game"}, {"ps", "aux"}));
//
// Head only tells which process that is; the kernel decides who may
// (lib/sys/surroundings.h).  On a terminal the command gets one of its own,
// because the program may be less trusted than the user who looks at it, and
// whoever has the user's terminal could type there (TIOCSTI, ioctl_tty(2)).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/attach/session_address.h"

namespace deptyr {

// Blocking.  Returns the command's exit status.
absl::StatusOr<int> ExecBeside(const SessionAddress& where,
                               std::vector<std::string> command);

}  // namespace deptyr
