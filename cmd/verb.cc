#include "cmd/verb.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/render/json.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/signals.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

// Says why the command failed, and returns its exit status.
int Fail(const Options& options, const absl::Status& why, int status) {
  if (options.json()) std::puts(ErrorJson(why.message(), status).c_str());
  OriginalStderr().Say(
      absl::StrCat("deptyr ", options.command(), ": ", why.message()));
  return status;
}
int Fail(const Options& options, const absl::Status& why) {
  return Fail(options, why, ExitCodeFor(why));
}

}  // namespace

absl::Status SeeHelp(absl::string_view wrong) {
  return absl::InvalidArgumentError(absl::StrCat(wrong, "; see --help"));
}

int RunSubcommand(
    Options& options, int argc, char** argv,
    absl::FunctionRef<absl::StatusOr<int>(std::vector<std::string>)> run) {
  auto operands = options.Parse(argc, argv);
  if (!operands.ok()) return Fail(options, operands.status());
  if (options.help_wanted()) {
    const bool json = options.json();
    std::fputs((json ? options.HelpJson() + "\n" : options.Help()).c_str(),
               stdout);
    return 0;
  }
  const absl::StatusOr<int> status = run(*std::move(operands));
  return status.ok() ? *status : Fail(options, status.status());
}

absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                absl::string_view synopsis) {
  constexpr absl::string_view kSession = "SESSION";
  const size_t shown = synopsis.find(kSession);
  Target target;
  auto& [head, session] = target.where;
  auto at = operands.begin();
  if (at != operands.end() && (absl::StrContains(*at, '/') || IsSocket(*at))) {
    head = *at++;
  }
  if (at != operands.end()) {
    if (shown == absl::string_view::npos) {
      return SeeHelp(absl::StrCat("not a socket: ", *at));
    }
    session = *at++;
    if (!IsSessionName(session)) {
      return SeeHelp(absl::StrCat("not a session name: ", session,
                                  "; deptyr ls lists the sessions there are"));
    }
  }
  if (shown == absl::string_view::npos) return target;
  if (session.empty() && !absl::StrContains(synopsis, "[SESSION]")) {
    return SeeHelp("no SESSION");
  }
  target.rest.assign(at, operands.end());
  // One word stands for each of these, or "[TEXT]..." for any number.
  const absl::string_view more = synopsis.substr(shown + kSession.size());
  const auto most =
      static_cast<size_t>(std::count(more.begin(), more.end(), ' '));
  if (target.rest.size() > most && !absl::EndsWith(more, "...")) {
    return SeeHelp(absl::StrCat("unexpected argument: ", target.rest[most]));
  }
  return target;
}

int RunVerb(Options& options, int argc, char** argv,
            absl::FunctionRef<absl::Status(const Target&)> run) {
  const OriginalStderr fills_gaps;  // no socket is taken for one of the three
  IgnoreWriteSignals();
  options.AllowAnywhere();
  const auto run_on_target =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    ASSIGN_OR_RETURN(const Target target,
                     TargetOf(std::move(operands), options.synopsis()));
    const absl::Status status = run(target);
    if (absl::IsDeadlineExceeded(status)) {
      return Fail(options, status, kTimedOut);
    }
    RETURN_IF_ERROR(status);
    // It is no error if nobody wants all of the output.
    if (std::fflush(stdout) != 0 && errno != EPIPE) {
      return Errno("write the output");
    }
    return 0;
  };
  return RunSubcommand(options, argc, argv, run_on_target);
}

}  // namespace deptyr
