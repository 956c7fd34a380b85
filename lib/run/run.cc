#include "lib/run/run.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/run/background_head.h"
#include "lib/sys/gate.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// The error if there is no such program: then nothing needs to be started.
std::optional<RunResult> WhyNotFound(const std::string& program) {
  if (!FindProgram(program).empty()) return std::nullopt;
  std::error_code unknown;
  const bool there = absl::StrContains(program, '/') &&
                     std::filesystem::exists(program, unknown);
  const int error = there ? EACCES : ENOENT;
  return RunResult{.status = ExitCodeForExec(error),
                   .line = absl::StrCat("deptyr run: execute ", program, ": ",
                                        strerrordesc_np(error),
                                        there || absl::StrContains(program, '/')
                                            ? ""
                                            : "; it isn't in PATH")};
}

// The child registers as a body does, and waits for its viewer.
int RunProgram(BodyOptions& body, Gate& gate) {
  body.once_accepted = [&gate](const std::string& name) -> absl::Status {
    if (gate.Pass(name)) return absl::OkStatus();
    return absl::CancelledError("deptyr run went away before it was attached");
  };
  const int status = RunBody(body);
  gate.Fail();
  return status;
}

}  // namespace

absl::StatusOr<RunResult> RunOnSession(RunOptions options) {
  if (auto missing = WhyNotFound(options.body.program[0])) return *missing;
  ASSIGN_OR_RETURN(options.body.socket, ReachHead());
  options.body.caller = "deptyr run";
  // A viewer is told by head; the terminal isn't for others to write on.
  options.body.tells_exec_failure = options.detach;
  ASSIGN_OR_RETURN(Gate gate, Gate::Create());
  ASSIGN_OR_RETURN(const Child child,
                   ForkChild([&] { return RunProgram(options.body, gate); }));
  const int program = child.pidfd.get();
  const std::optional<std::string> name = gate.AwaitWord();
  // It has said why.
  if (!name) return RunResult{.status = ExitCodeOf(AwaitChild(program))};
  if (options.detach) {
    gate.Open();
    if (gate.AwaitExec()) return RunResult{.name = *name};
    return RunResult{.status = ExitCodeOf(AwaitChild(program))};
  }
  options.attach.where = {.head = options.body.socket, .session = *name};
  options.attach.once = true;
  options.attach.child = program;
  options.attach.once_attached = [&gate] { gate.Open(); };
  ASSIGN_OR_RETURN(AttachResult result, RunAttach(options.attach));
  return RunResult{result.status, *name, std::move(result.line)};
}

}  // namespace deptyr
