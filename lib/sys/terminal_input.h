// Tells how much a program's terminal has that the program hasn't read yet.
//
//   if (const auto input = LookAtInput(pid); input && input->unread == 0) {
//     done = true;  // it has read everything
//   }
//
// Only the end that the program has tells (FIONREAD of a PTY's controlling end
// is about output), so a client looks, and not head: it opens that terminal
// anew, as the program's user may.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

namespace deptyr {

struct TerminalInput {
  // Bytes that read(2) would return now.  A line that isn't finished yet isn't
  // among them where the terminal reads lines.
  size_t unread = 0;
  bool reads_lines = false;  // ICANON
  bool echoes = false;       // ECHO
};

// `pid` is of our PID namespace.  Nothing if the process has no terminal on its
// descriptors 0 to 2, or if we may not look.
std::optional<TerminalInput> LookAtInput(pid_t pid);

}  // namespace deptyr
