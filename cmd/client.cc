#include "cmd/client.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"
#include "lib/sys/standard_fds.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

int StatusFor(const absl::Status& status) {
  return absl::IsDeadlineExceeded(status) ? kTimedOut : ExitCodeFor(status);
}

}  // namespace

absl::StatusOr<Target> TargetOf(std::vector<std::string> operands,
                                size_t most_rest) {
  Target where;
  auto at = operands.begin();
  if (at != operands.end() && (absl::StrContains(*at, '/') || IsSocket(*at))) {
    where.head = *at++;
  }
  if (at != operands.end()) {
    where.session = *at++;
    if (!IsSessionName(where.session)) {
      return absl::InvalidArgumentError(
          absl::StrCat("no session can be called ", where.session,
                       "; deptyr ls tells which there are"));
    }
  }
  where.rest.assign(at, operands.end());
  if (where.rest.size() > most_rest) {
    return absl::InvalidArgumentError(
        absl::StrCat("one word too many: ", where.rest[most_rest]));
  }
  return where;
}

int RunVerb(Options& options, const char* verb, size_t most_rest, int argc,
            char** argv,
            absl::FunctionRef<absl::StatusOr<int>(const Target&)> run) {
  const OriginalStderr log;
  const auto fail = [&](const absl::Status& status) {
    log.Say(absl::StrCat("deptyr ", verb, ": ", status.message()));
    return StatusFor(status);
  };
  IgnoreWriteSignals();
  options.AllowAnywhere();
  auto operands = options.Parse(argc, argv);
  if (!operands.ok()) return fail(operands.status());
  if (options.help_wanted()) {
    std::fputs(options.Help().c_str(), stdout);
    return 0;
  }
  const auto where = TargetOf(*std::move(operands), most_rest);
  if (!where.ok()) {
    return fail(absl::InvalidArgumentError(
        absl::StrCat(where.status().message(), "; see --help")));
  }
  const absl::StatusOr<int> status = run(*where);
  if (!status.ok()) return fail(status.status());
  // That nobody wants all of it is no error.
  if (std::fflush(stdout) != 0 && errno != EPIPE) {
    return fail(Errno("write the output"));
  }
  return *status;
}

}  // namespace deptyr
