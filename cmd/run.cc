#include "lib/run/run.h"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/sys/inherited_fds.h"
#include "lib/term/key_names.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

// Head is there; it may take that long to answer.
constexpr absl::Duration kHeadPatience = absl::Seconds(5);

}  // namespace

int RunCommand(int argc, char** argv) {
  const OriginalStderr fills_gaps;  // no socket is taken for one of the three
  RunOptions run{.body = {.wait = kHeadPatience}};
  run.attach.detach_keys = *ParseDetachKeys(kDefaultCommandKey);
  Options options(
      "run", "[OPTION]... [--] PROGRAM [ARG]...",
      "Runs PROGRAM on a session, without a supervisor, and shows it on this "
      "terminal.\nStarts a head in the background if none runs.");
  options.Value("name", "NAME", &run.body.name, ParseSessionName,
                "the session's name",
                {.usual = "PROGRAM's basename, or that and a number"});
  options.Value("size", "ROWSxCOLS", &run.body.size, ParseSize,
                "the terminal's size until a client sets it",
                {.usual = "24x80"});
  options.Flag("d,detach", &run.detach,
               "don't attach: print the session's name and exit");
  options.Json("with --detach, print that as a JSON object");
  const auto start =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    if (operands.empty()) {
      return absl::InvalidArgumentError(
          "no PROGRAM; say deptyr run PROGRAM, or see --help");
    }
    run.body.program = std::move(operands);
    run.body.numbers_name = run.body.name.empty();
    if (run.body.numbers_name) {
      run.body.name = SessionNameFor(run.body.program[0]);
    }
    if (options.json() && !run.detach) {
      return SeeHelp("--json needs --detach");
    }
    const bool prints_name = run.detach;
    const std::string program = run.body.program[0];
    ASSIGN_OR_RETURN(const RunResult result, RunOnSession(std::move(run)));
    if (prints_name && result.status == 0) {
      std::puts(options.json() ? ItemJson({{"session", result.name}}).c_str()
                               : result.name.c_str());
    }
    if (options.json() && result.status != 0) {
      // If there is no line, the child has said why.
      const std::string why =
          result.line.empty()
              ? absl::StrCat(program,
                             " was not started; the line on standard "
                             "error says why")
              : std::string(absl::StripPrefix(result.line, "deptyr run: "));
      std::puts(ErrorJson(why, result.status).c_str());
    }
    if (!result.line.empty()) {
      std::fprintf(stderr, "%s\n", Printable(result.line).c_str());
    }
    return result.status;
  };
  return RunSubcommand(options, argc, argv, start);
}

}  // namespace deptyr
