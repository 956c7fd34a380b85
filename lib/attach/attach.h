// deptyr attach: a session on the user's terminal, or between the pipes that
// standard input and output are.
//
//   ASSIGN_OR_RETURN(AttachResult end, RunAttach({.session = "a"}));
//   fputs(end.line); return end.status;
//
// What a person types goes to the program, but for the detach key.  The client
// stays while programs come and go in the session, and head itself, until it is
// detached; with `once`, until the program's end.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"

namespace deptyr {

struct AttachOptions {
  SessionAddress where;
  std::string detach_keys;
  // For how long head may be away; none: without it the client ends.
  absl::Duration wait = absl::Seconds(30);
  size_t scrollback = 0;  // lines that have left the screen, shown above it
  bool read_only = false;
  bool kick = false;
  bool quiet = false;
  bool once = false;
};

struct AttachResult {
  int status = 0;    // for whoever started us
  std::string line;  // for people; may be empty
};

// An error is what a person has to know, and worth a 111 or a 100.
absl::StatusOr<AttachResult> RunAttach(const AttachOptions& options);

}  // namespace deptyr
