#include "lib/verbs/doctor.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "cmd/commands.h"
#include "cmd/verb.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/inherited_fds.h"

namespace deptyr {

int DoctorCommand(int argc, char** argv) {
  const OriginalStderr fills_gaps;  // no socket is taken for one of the three
  Options options("doctor", "[OPTION]... [HEAD-SOCKET]",
                  "Looks at what deptyr needs here, and says what to do about "
                  "what is missing.");
  options.Json("print a JSON object");
  options.AllowAnywhere();
  const auto examine =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(const Target target,
                     TargetOf(std::move(operands), options.synopsis()));
    const std::vector<Finding> found = Examine(target.where.head, kVersionLine);
    const std::string text =
        options.json() ? FindingsJson(found) + "\n" : FindingsText(found);
    std::fputs(text.c_str(), stdout);
    const bool fails =
        std::any_of(found.begin(), found.end(), [](const Finding& finding) {
          return finding.state == Finding::kFails;
        });
    return fails ? kSystemError : 0;
  };
  return RunSubcommand(options, argc, argv, examine);
}

}  // namespace deptyr
