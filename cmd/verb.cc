#include "cmd/verb.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/signals.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

absl::Status ParseAndRun(Options& options, const Operands& wanted, int argc,
                         char** argv,
                         absl::FunctionRef<absl::Status(const Target&)> run) {
  options.AllowAnywhere();
  ASSIGN_OR_RETURN(std::vector<std::string> operands,
                   options.Parse(argc, argv));
  if (options.help_wanted()) {
    std::fputs(options.Help().c_str(), stdout);
    return absl::OkStatus();
  }
  const auto target = TargetOf(std::move(operands), wanted);
  if (!target.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(target.status().message(), "; see --help"));
  }
  RETURN_IF_ERROR(run(*target));
  // It is no error if nobody wants all of the output.
  if (std::fflush(stdout) != 0 && errno != EPIPE) {
    return Errno("write the output");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                const Operands& wanted) {
  Target target;
  auto& [head, session] = target.where;
  auto at = operands.begin();
  if (at != operands.end() && (absl::StrContains(*at, '/') || IsSocket(*at))) {
    head = *at++;
  }
  if (at != operands.end()) {
    if (wanted.session == Operands::kNone) {
      return absl::InvalidArgumentError(absl::StrCat("not a socket: ", *at));
    }
    session = *at++;
    if (!IsSessionName(session)) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a session name: ", session,
                       "; deptyr ls lists the sessions there are"));
    }
  }
  if (wanted.session == Operands::kNeeded && session.empty()) {
    return absl::InvalidArgumentError("no SESSION");
  }
  target.rest.assign(at, operands.end());
  if (target.rest.size() > wanted.most_rest) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument: ", target.rest[wanted.most_rest]));
  }
  return target;
}

int RunVerb(Options& options, const Operands& wanted, int argc, char** argv,
            absl::FunctionRef<absl::Status(const Target&)> run) {
  const OriginalStderr log;
  IgnoreWriteSignals();
  const absl::Status status = ParseAndRun(options, wanted, argc, argv, run);
  if (status.ok()) return 0;
  log.Say(absl::StrCat("deptyr ", options.command(), ": ", status.message()));
  return absl::IsDeadlineExceeded(status) ? kTimedOut : ExitCodeFor(status);
}

}  // namespace deptyr
