// Runs a subcommand, from its command line to its exit status.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "cmd/options.h"
#include "lib/attach/session_address.h"

namespace deptyr {

// "[HEAD-SOCKET] [SESSION] ...".
struct Target {
  SessionAddress where;
  std::vector<std::string> rest;
};

// The user's error: says what is wrong, and to see --help.
absl::Status SeeHelp(absl::string_view wrong);

// Takes the operands that `synopsis` shows.  A first one with a slash in it, or
// one that is a socket, is HEAD-SOCKET; the next one is SESSION.  Fails as
// SeeHelp() does if they aren't those, or for a name that no session can have.
absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                absl::string_view synopsis);

// Parses the command line, prints the help if it asks for that, and otherwise
// calls `run` with the operands.  Prints an error on standard error, with
// --json also as an object on standard output, and returns the exit status,
// which is what `run` returns if it succeeds.
int RunSubcommand(
    Options& options, int argc, char** argv,
    absl::FunctionRef<absl::StatusOr<int>(std::vector<std::string>)> run);

// Does the same for a client of head.
int RunVerb(Options& options, int argc, char** argv,
            absl::FunctionRef<absl::Status(const Target&)> run);

}  // namespace deptyr
