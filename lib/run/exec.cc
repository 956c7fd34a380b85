#include "lib/run/exec.h"

#include <sys/types.h>

#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/ask.h"
#include "lib/base/status.h"
#include "lib/run/one_shot.h"
#include "lib/sys/process.h"
#include "lib/sys/surroundings.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

struct RunningProgram {
  std::string session;
  std::string number;  // which of its programs that is
  pid_t pid = 0;
};

absl::StatusOr<RunningProgram> AskForProgram(const SessionAddress& where) {
  ASSIGN_OR_RETURN(
      const std::vector<KeyValues> items,
      AskForItems(where.head,
                  {.what = "status", .fields = {{"session", where.session}}}));
  const KeyValues session = items.empty() ? KeyValues() : items.front();
  RunningProgram program = {.session = std::string(ValueOf(session, "name")),
                            .number = std::string(ValueOf(session, "number"))};
  if (ValueOf(session, "state") != "running") {
    return absl::UnavailableError(
        absl::StrCat(program.session,
                     " runs no program now; start it, or name another "
                     "session"));
  }
  if (!absl::SimpleAtoi(ValueOf(session, "pid"), &program.pid) ||
      program.pid <= 0) {
    return absl::UnavailableError(absl::StrCat(
        program.session,
        "'s program is outside head's PID namespace; run head in that one or "
        "in one above it"));
  }
  return program;
}

// Gets hold of the program.  It may have ended before, and its pid be another
// process's now; then head knows that by the second time it is asked.
absl::StatusOr<std::pair<RunningProgram, Fd>> HoldProgram(
    const SessionAddress& where) {
  ASSIGN_OR_RETURN(RunningProgram program, AskForProgram(where));
  ASSIGN_OR_RETURN(Fd pidfd, OpenPidfd(program.pid));
  ASSIGN_OR_RETURN(const RunningProgram again,
                   AskForProgram({where.head, program.session}));
  if (again.number == program.number) {
    return std::pair(std::move(program), std::move(pidfd));
  }
  return absl::UnavailableError(
      absl::StrCat(program.session, "'s program has just ended; try again"));
}

}  // namespace

absl::StatusOr<int> ExecBeside(const SessionAddress& where,
                               std::vector<std::string> command) {
  ASSIGN_OR_RETURN(const auto program, HoldProgram(where));
  ASSIGN_OR_RETURN(Surroundings there,
                   Surroundings::Of(program.first.pid, program.second.get()));
  return RunOneShot(
      {.caller = "deptyr exec",
       .program = std::move(command),
       .streams = OnTerminal() ? Streams::kOnTerminal : Streams::kOurs,
       .before_start = [&there] { return there.Enter(); },
       .before_exec = [&there] { return there.Become(); }});
}

}  // namespace deptyr
