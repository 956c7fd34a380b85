// deptyr run: a program on a session, without a supervisor.
//
//   RunOptions run{.body = {.name = "mc", .program = {"mc"}}};
//   ASSIGN_OR_RETURN(const RunResult result, RunOnSession(std::move(run)));
//   return result.status;
//
// The program is a child of this process, registered as by body.  It waits at a
// gate until this process is attached, so that nothing it writes is missed.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "lib/attach/attach.h"
#include "lib/body/body.h"

namespace deptyr {

struct RunOptions {
  BodyOptions body;  // where head is and what comes with it is set here
  AttachOptions attach = {};
  bool detach = false;  // leave the program alone once it runs
};

struct RunResult {
  int status = 0;         // the exit status
  std::string name = {};  // of the session; "" if there is none
  std::string line = {};  // what to tell the user; may be empty
};

// Starts a head if there is none.  Blocking.  Returns once the program has
// ended or the user has detached, or, if it is to be left alone, once it runs.
absl::StatusOr<RunResult> RunOnSession(RunOptions options);

}  // namespace deptyr
