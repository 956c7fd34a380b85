#include "lib/adopt/adopt.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/verb.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

// Takes "[HEAD-SOCKET] PID".
absl::Status TakeOperands(std::vector<std::string> operands,
                          AdoptOptions& adopt) {
  if (operands.empty()) {
    return absl::InvalidArgumentError(
        "no PID; say the pid of a program on the terminal, or see --help");
  }
  if (operands.size() > 2) {
    return SeeHelp(absl::StrCat("unexpected argument: ", operands[2]));
  }
  if (operands.size() == 2) {
    adopt.socket = operands.front();
    RETURN_IF_ERROR(CheckSocketPath(adopt.socket));
  }
  if (!absl::SimpleAtoi(operands.back(), &adopt.pid) || adopt.pid <= 0) {
    return SeeHelp(absl::StrCat("not a pid: ", operands.back()));
  }
  return absl::OkStatus();
}

bool Confirm(const std::string& question) {
  std::fprintf(stderr, "%s [y/N] ", Printable(question).c_str());
  std::array<char, 16> answer{};
  if (std::fgets(answer.data(), answer.size(), stdin) == nullptr) return false;
  return answer[0] == 'y' || answer[0] == 'Y';
}

}  // namespace

int AdoptCommand(int argc, char** argv) {
  const OriginalStderr fills_gaps;  // no socket is taken for one of the three
  IgnoreWriteSignals();
  AdoptOptions adopt{.ask = Confirm};
  Options options(
      "adopt", "[OPTION]... [HEAD-SOCKET] PID",
      "Takes over the terminal of the program PID from whatever holds it: "
      "tmux,\nscreen, dtach, script, sshd, a terminal emulator.  Prints the "
      "session's name.");
  options.Value("name", "NAME", &adopt.name, ParseSessionName,
                "the session's name (the program's, or that and a number)");
  options.OneOf("holder", "END", &adopt.holder, kHolderEnds,
                "what becomes of the process that holds the terminal");
  options.Flag("all", &adopt.all,
               "take all terminals that it holds, a session each; PID may be "
               "the holder");
  options.AllowAnywhere();
  const auto run =
      [&](std::vector<std::string> operands) -> absl::StatusOr<int> {
    RETURN_IF_ERROR(TakeOperands(std::move(operands), adopt));
    if (adopt.holder == HolderEnd::kAsk && !IsTerminal(STDIN_FILENO)) {
      return absl::InvalidArgumentError(
          "--holder ask asks on a terminal, and standard input isn't one");
    }
    ASSIGN_OR_RETURN(const AdoptResult result, AdoptTerminals(adopt));
    for (const std::string& name : result.sessions) std::puts(name.c_str());
    std::fprintf(stderr, "deptyr adopt: %s\n", Printable(result.line).c_str());
    return 0;
  };
  return RunSubcommand(options, argc, argv, run);
}

}  // namespace deptyr
