#include "lib/body/body.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/environment.h"
#include "lib/base/status.h"
#include "lib/session/sizing.h"
#include "lib/session/writer.h"
#include "lib/sys/process.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

// This is long enough for a head that is being restarted, and a supervisor that
// restarts us every two minutes isn't in a tight loop.
constexpr absl::Duration kWait = absl::Seconds(120);
// A user of --fallback would rather have the program without a terminal than
// wait.
constexpr absl::Duration kWaitWithFallback = absl::Seconds(5);

// If somebody forgets "--", the program's name stands in HEAD-SOCKET's place.
absl::Status CheckIsNoProgram(const std::string& socket) {
  if (IsSocket(socket) || FindProgram(socket).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "HEAD-SOCKET comes before PROGRAM, but ", socket,
      " is a program; say -- ", socket,
      absl::StrContains(socket, '/')
          ? ""
          : absl::StrCat(", or ./", socket, " if head will listen there")));
}

// Takes "[HEAD-SOCKET] -- PROGRAM [ARG]...".  "--" may be left out after
// HEAD-SOCKET, so without it the first word is that.
absl::Status TakeOperands(std::vector<std::string> operands,
                          std::optional<size_t> before_dashes,
                          BodyOptions& body) {
  if (!operands.empty() && before_dashes != 0) {
    body.socket = operands.front();
    RETURN_IF_ERROR(CheckSocketPath(body.socket));
    RETURN_IF_ERROR(CheckIsNoProgram(body.socket));
    operands.erase(operands.begin());
  }
  if (operands.empty()) {
    return absl::InvalidArgumentError(
        "no PROGRAM; say deptyr body -- PROGRAM, or see --help");
  }
  body.program = std::move(operands);
  return absl::OkStatus();
}

}  // namespace

int BodyCommand(int argc, char** argv) {
  BodyOptions body;
  std::optional<absl::Duration> wait;
  std::string log;
  const std::vector<absl::string_view> log_styles = {"text", "ansi", "raw",
                                                     "none"};
  Options options(
      "body", "[OPTION]... [HEAD-SOCKET] -- PROGRAM [ARG]...",
      "Runs PROGRAM on a terminal of its own, which the head at HEAD-SOCKET "
      "holds.");
  options.Value("name", "NAME", &body.name, ParseSessionName,
                "the session's name", {.usual = "PROGRAM's basename"});
  options.Value("size", "ROWSxCOLS", &body.size, ParseSize,
                "the terminal's size until a client sets it",
                {.usual = "24x80"});
  options.OneOf(
      "writers", "WHO", &body.writers,
      {.usual = "as head's option says", .choices = NamesOf(kWriterPolicies)},
      "who may type at one time");
  options.OneOf(
      "size-policy", "POLICY", &body.size_policy,
      {.usual = "as head's option says", .choices = NamesOf(kSizePolicies)},
      "whose size the terminal has");
  options.Value(
      "term", "TERM", &body.term, "the value of TERM for PROGRAM",
      {.usual =
           "as it is; xterm-256color if it is unset, dumb, unknown or linux"});
  options.Value("wait", "SECONDS", &wait, ParseSeconds,
                "how long to try to reach head",
                {.usual = "120; 5 with --fallback"});
  options.Flag("fallback", &body.fallback,
               "without head, run PROGRAM without a terminal");
  options.OneOf("log", "STYLE", &log,
                {.usual = "text, or DEPTYR_LOG", .choices = log_styles},
                "how head writes the program's output to standard output, if "
                "that is a pipe or a UNIX socket");
  options.Flag("keep-signals", &body.keep_signals,
               "leave the signals of terminals ignored if they are");
  bool ixon = false;
  options.Flag("ixon", &ixon,
               "let ^S stop the terminal's output, and ^Q resume it");
  options.Flag("replace", &body.replace,
               "take the session over from a program that still runs in it");
  options.AllowAfter(1);
  const auto run =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    RETURN_IF_ERROR(TakeOperands(std::move(operands),
                                 options.operands_before_dashes(), body));
    if (log.empty()) log = FromEnvironment("DEPTYR_LOG");
    if (log.empty()) log = "text";
    if (const absl::Status known = CheckChoice(log, log_styles); !known.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("DEPTYR_LOG: ", known.message()));
    }
    if (log != "none") body.log = log;
    if (body.name.empty()) body.name = SessionNameFor(body.program[0]);
    body.flow = ixon ? FlowControl::kOn : FlowControl::kOff;
    body.wait = wait.value_or(body.fallback ? kWaitWithFallback : kWait);
    return RunBody(body);
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
