// Runs a subcommand, from its command line to its exit status.
//
//   int HistoryCommand(int argc, char** argv) {
//     HistoryOptions history;
//     Options options("history", "[OPTION]... [HEAD-SOCKET] [SESSION]",
//                     "Prints what head remembers of SESSION's output.");
//     options.Flag("text", &history.text, "leave out escape sequences");
//     return RunVerb(options, {}, argc, argv, [&](const Target& target) {
//       history.where = target.where;
//       return RunHistory(history);
//     });
//   }
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "cmd/options.h"
#include "lib/attach/session_address.h"

namespace deptyr {

// "[HEAD-SOCKET] [SESSION] ...".
struct Target {
  SessionAddress where;
  std::vector<std::string> rest;
};

struct Operands {
  enum Session { kNone, kOptional, kNeeded } session = kOptional;
  size_t most_rest = 0;
  static constexpr size_t kAny = std::numeric_limits<size_t>::max();
};

// A first operand with a slash in it, or one that is a socket, is HEAD-SOCKET;
// the next one is SESSION.  Fails with InvalidArgument if they aren't those of
// `wanted`, or for a name that no session can have.
absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                const Operands& wanted);

// Parses the command line, prints the help if it asks for that, and otherwise
// calls `run` with the operands.  Prints an error on standard error, and
// returns the exit status, which is what `run` returns if it succeeds.
int RunCommand(
    Options& options, int argc, char** argv,
    absl::FunctionRef<absl::StatusOr<int>(std::vector<std::string>)> run);

// Does the same for a client of head.
int RunVerb(Options& options, const Operands& wanted, int argc, char** argv,
            absl::FunctionRef<absl::Status(const Target&)> run);

}  // namespace deptyr
