// The exit statuses of deptyr other than 0.  They follow daemontools,
// timeout(1) and the shell, so a supervisor can tell "never again" from "again
// later".
#pragma once

#include <cerrno>

#include "absl/status/status.h"

namespace deptyr {

inline constexpr int kUsageError = 100;     // trying again is of no use
inline constexpr int kSystemError = 111;    // trying again later may help
inline constexpr int kTimedOut = 124;       // what was waited for didn't come
inline constexpr int kCannotExecute = 126;  // the program can't be executed
inline constexpr int kNotFound = 127;       // the program isn't there
// For a program that a signal ended, the signal's number is added to this.
inline constexpr int kSignalled = 128;

struct ExitCode {
  int code;
  const char* meaning;
};
inline constexpr ExitCode kExitCodes[] = {
    {0, "done, or ended as asked"},
    {kUsageError,
     "wrong usage: trying the same command line again is of no use"},
    {kSystemError,
     "a failure that may go away: a supervisor should try again later"},
    {kTimedOut, "what was waited for did not happen in time"},
    {kCannotExecute, "the program can't be executed"},
    {kNotFound, "the program isn't there"},
};

inline int ExitCodeFor(const absl::Status& status) {
  if (status.ok()) return 0;
  return absl::IsInvalidArgument(status) ? kUsageError : kSystemError;
}

// `error` is the errno of an exec that failed.
inline int ExitCodeForExec(int error) {
  return error == ENOENT ? kNotFound : kCannotExecute;
}

}  // namespace deptyr
