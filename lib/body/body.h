// Body is the program that a supervisor runs.  It opens a PTY, hands the
// controlling end to head, and becomes the supervised program, in the same
// process.
//
//   BodyOptions options{.socket = "/run/head.sock", .program = {"rtorrent"}};
//   return RunBody(options);      // returns only if it failed
//
// The program inherits everything as the supervisor gave it: descriptors from 3
// on, signal dispositions and mask, umask, and environment (plus
// DEPTYR_SESSION, DEPTYR_SOCKET, and TERM if it is unset).  Only fds 0, 1 and 2
// are new, the PTY's client end, and with them the session and controlling
// terminal.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

#include "lib/sys/pty.h"

namespace deptyr {

struct BodyOptions {
  std::string socket;
  std::string name;
  WindowSize size;
  std::string term;  // "" leaves TERM, or sets kDefaultTerm if it is unset
  absl::Duration wait;
  bool fallback = false;
  bool replace = false;
  std::vector<std::string> program;  // at least one word
};
inline constexpr char kDefaultTerm[] = "xterm-256color";

// Says why it failed on the original standard error, and returns an exit
// status.
int RunBody(const BodyOptions& options);

}  // namespace deptyr
