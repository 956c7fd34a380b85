// Body is the program that a supervisor runs.  It opens a PTY, hands the
// controlling end to head, and becomes the supervised program, in the same
// process.
//
//   BodyOptions options{.socket = "/run/head.sock", .program = {"rtorrent"}};
//   return RunBody(options);      // returns only if it failed
//
// The program inherits everything as the supervisor gave it: descriptors from 3
// on, signal mask and dispositions, umask, and environment.  Only what comes
// with the terminal is new: fds 0, 1 and 2, which are the PTY's client end, the
// session and its controlling terminal, the default dispositions of the signals
// that a terminal sends (RestoreTerminalSignals()), DEPTYR_SESSION,
// DEPTYR_SOCKET, and TERM, LINES and COLUMNS (SetTerminalVariables()).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/sys/pty.h"

namespace deptyr {

struct BodyOptions {
  std::string socket = {};  // "": where head usually is (lib/sys/head_socket.h)
  std::string name = {};
  WindowSize size = {};
  // It says whose size the terminal has (deptyr-head(1), --size-policy);
  // nothing: as head's option says.
  std::optional<std::string> size_policy = {};
  std::optional<std::string> writers = {};
  std::string term = {};  // "": TermForNewTerminal()
  absl::Duration wait = {};
  bool fallback = false;
  bool keep_signals = false;  // the program ignores what the supervisor ignores
  bool replace = false;
  // How head writes the program's lines to our standard output: "text", "ansi"
  // or "raw"; "" for not at all.
  std::string log = {};
  FlowControl flow = FlowControl::kOff;
  std::vector<std::string> program = {};  // at least one word

  // The rest is for those who start a body themselves (lib/run).  If the name
  // is taken, NAME-2, NAME-3, ... are tried.
  bool numbers_name = false;
  std::string caller = "deptyr body";  // messages begin with it
  // Called with the session's name when head has accepted the program, before
  // it is executed; with an error it isn't.
  absl::AnyInvocable<absl::Status(const std::string&) const> once_accepted = {};
  // Tells on standard error, too, and not only head, if the program can't be
  // executed.
  bool tells_exec_failure = true;
};

// Says why it failed on the original standard error, and returns an exit
// status.
int RunBody(const BodyOptions& options);

}  // namespace deptyr
