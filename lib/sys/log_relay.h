// A process that passes bytes on to a log, for logs that look at who writes:
// journald files a line under the unit of the process that wrote it.
//
//   ASSIGN_OR_RETURN(const Fd log, StartLogRelay(STDOUT_FILENO));
//
// It stays in our control group, is nobody's child but init's, holds no other
// descriptor, and ends when nobody has the descriptor any more that is
// returned, or the log is gone.  It ignores what a supervisor stops services
// with, so that it has the last lines too.
#pragma once

#include "absl/status/statusor.h"

#include "lib/sys/fd.h"

namespace deptyr {

// Whether the descriptor may be a stream to journald.
bool IsJournal(int fd);

// Returns the end of a pipe to write to, which doesn't block.
absl::StatusOr<Fd> StartLogRelay(int log);

}  // namespace deptyr
