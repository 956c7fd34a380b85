#include <string>
#include <utility>
#include <vector>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/run/one_shot.h"
#include "lib/sys/inherited_fds.h"

namespace deptyr {

int FilterCommand(int argc, char** argv) {
  const OriginalStderr fills_gaps;  // the PTY isn't taken for one of the three
  bool output_only = false;
  Options options("filter", "[OPTION]... [--] COMMAND [ARG]...",
                  "Runs COMMAND on a terminal of its own, as a filter: its "
                  "input and output are ours.");
  options.Flag("output-only", &output_only,
               "only its standard output is a terminal");
  const auto run =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    if (operands.empty()) {
      return absl::InvalidArgumentError(
          "no COMMAND; say deptyr filter COMMAND, or see --help");
    }
    return RunOneShot({.caller = "deptyr filter",
                       .program = std::move(operands),
                       .streams = output_only ? Streams::kOutputOnTerminal
                                              : Streams::kOnTerminal});
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
