// Starts a program that goes on after this one, such as the head that
// `deptyr run` needs.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace deptyr {

// The daemon's descriptor on which it writes a byte once it is ready.
inline constexpr int kDaemonReadyFd = 3;

// Starts the program in a session of its own, in the folder /, without our
// signal mask and dispositions, and without our descriptors: 0 and 1 are
// /dev/null, and 2 is a pipe that is read until the daemon is ready.  It
// doesn't get what a supervisor told us in the environment (NOTIFY_SOCKET,
// LISTEN_FDS). Returns once it is ready.  If it ends before, the error is the
// last line that it wrote; if it isn't ready within `patience`, it is killed.
absl::Status StartDaemon(const std::string& program,
                         const std::vector<std::string>& argv,
                         absl::Duration patience);

}  // namespace deptyr
