// A PTY: its controlling end, which head holds, and its client end, which is
// the program's terminal (pty(7) says master and slave).
//
//   ASSIGN_OR_RETURN(Pty pty, OpenPty({.rows = 24, .cols = 80}));
//   ... the controlling end goes to head ...
//   RETURN_IF_ERROR(BecomeTerminalProcess(pty.terminal.get()));
//   execvp(...)
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/base/window_size.h"
#include "lib/sys/fd.h"

namespace deptyr {

struct Pty {
  Fd controller;
  Fd terminal;
};

// Both ends, close-on-exec; the controlling end doesn't block, as head wants it
// and may not make it (lib/sys/shared_fd.h).  The client end is opened by
// TIOCGPTPEER (Linux 4.13), not by a path that may belong to another devpts
// mount or lie outside a chroot.
absl::StatusOr<Pty> OpenPty(WindowSize size);

// Makes this process the leader of a new session whose controlling terminal is
// `terminal`, in the foreground, with fds 0, 1 and 2 on it.  The pid stays.
// Works for a session leader with or without a terminal, a process-group
// leader, and a plain process, which is what systemd, s6, an interactive shell
// and daemontools make of their children.  Signal dispositions and mask are as
// before when it returns.
absl::Status BecomeTerminalProcess(int terminal);

// Whether fd is a PTY's controlling end; an Errno() if the kernel can't tell
// now, for lack of memory.  Safe to ask of whatever a peer sent.
absl::StatusOr<bool> IsController(int fd);

// The signal that the terminal makes of this character now (its settings say
// ISIG, and VINTR, VQUIT or VSUSP is the character), or 0.
int SignalOf(int controller, char character);

// Sends it to the terminal's foreground group, past whatever input is waiting
// (TIOCSIG); works across users.
absl::Status SignalForeground(int controller, int signal);

absl::StatusOr<WindowSize> GetWindowSize(int fd);

// The kernel sends SIGWINCH to the foreground group only if the size changed.
absl::Status SetWindowSize(int fd, WindowSize size);

}  // namespace deptyr
