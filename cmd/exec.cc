#include "lib/run/exec.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/status.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/process.h"
#include "lib/sys/sealed_copy.h"

namespace deptyr {

int ExecCommand(int argc, char** argv) {
  const OriginalStderr fills_gaps;  // no socket is taken for one of the three
  Options options("exec",
                  "[OPTION]... [HEAD-SOCKET] SESSION [--] COMMAND [ARG]...",
                  "Runs COMMAND beside SESSION's program: in its namespaces "
                  "and as its user.");
  const auto run =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(Target target,
                     TargetOf(std::move(operands), options.synopsis()));
    std::vector<std::string>& command = target.rest;
    if (!command.empty() && command.front() == "--") {
      command.erase(command.begin());
    }
    if (command.empty()) {
      return SeeHelp("no COMMAND");
    }
    if (OwnUid() == 0) {
      std::vector<std::string> words = {"deptyr"};
      words.insert(words.end(), argv, argv + argc);
      RETURN_IF_ERROR(ContinueInSealedCopy(words));
    }
    return ExecBeside(target.where, std::move(command));
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
