// What the verbs of clients share: their operands, and how they end.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "cmd/options.h"

namespace deptyr {

// "[HEAD-SOCKET] [SESSION] ...".
struct Target {
  std::string head;     // "": where head usually is
  std::string session;  // "": their own newest
  std::vector<std::string> rest;
};
// A first operand with a slash in it, or one that is a socket, is HEAD-SOCKET;
// the next one SESSION.  InvalidArgument for a name that no session can have,
// and where there are more than `most_rest` operands after it.
absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                size_t most_rest);

// Parses the words; `run` is given the operands and returns the exit status, or
// what a person has to know.
int RunVerb(Options& options, const char* verb, size_t most_rest, int argc,
            char** argv,
            absl::FunctionRef<absl::StatusOr<int>(const Target&)> run);

}  // namespace deptyr
