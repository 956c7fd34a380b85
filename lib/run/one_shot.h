// Runs a program for as long as it runs, without a head, and returns its exit
// status.  It may have a terminal of its own, whose bytes are passed on: from
// and to the user's terminal, or standard input and output.
//
//   ASSIGN_OR_RETURN(const int status,
//                    RunOneShot({.caller = "deptyr filter",
//                                .program = {"ls", "--color=auto"},
//                                .streams = Streams::kOnTerminal}));
#pragma once

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace deptyr {

// Where the program's standard input, output and error lead.
enum class Streams {
  kOurs,              // all lead where ours do
  kOutputOnTerminal,  // the output is a terminal of its own
  kOnTerminal,  // input and output are; the error is only if ours leads to
                // the terminal on which the program's is shown
};

struct OneShotOptions {
  std::string caller;  // "deptyr exec": messages begin with it
  std::vector<std::string> program;
  Streams streams = Streams::kOurs;
  // Called in this process, once it has the user's terminal and before it
  // starts the program's process, and in that one before it executes the
  // program.
  absl::AnyInvocable<absl::Status()> before_start = [] {
    return absl::OkStatus();
  };
  absl::AnyInvocable<absl::Status() const> before_exec = [] {
    return absl::OkStatus();
  };
};

// Blocking.  SIGINT, SIGQUIT, SIGTERM and SIGHUP are passed on to the program,
// which leads a session and a process group.
absl::StatusOr<int> RunOneShot(OneShotOptions options);

}  // namespace deptyr
