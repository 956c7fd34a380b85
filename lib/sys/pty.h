// A PTY has a controlling end, which head holds, and a client end, which is the
// program's terminal (pty(7) says master and slave).
//
//   ASSIGN_OR_RETURN(Pty pty, OpenPty({.rows = 24, .cols = 80}));
//   ... pass the controlling end to head ...
//   RETURN_IF_ERROR(BecomeTerminalProcess(pty.terminal.get()));
//   execvp(argv[0], argv);
#pragma once

#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "lib/base/window_size.h"
#include "lib/sys/fd.h"

namespace deptyr {

enum class FlowControl { kOff, kOn };

struct Pty {
  Fd controller;
  Fd terminal;
};

// Opens both ends, close-on-exec.  The controlling end is non-blocking, as head
// needs it and may not make it (lib/sys/shared_fd.h).  The client end is opened
// by TIOCGPTPEER (Linux 4.13), not by a path, which may belong to another
// devpts mount or lie outside a chroot.  Without flow control (IXON of
// termios(3)) ^S stops no output: whoever types it by reflex would stop a
// program that runs for months.
absl::StatusOr<Pty> OpenPty(WindowSize size,
                            FlowControl flow = FlowControl::kOff);

inline constexpr std::array<int, 3> kStandardFds = {STDIN_FILENO, STDOUT_FILENO,
                                                    STDERR_FILENO};

// Makes this process the leader of a new session whose controlling terminal is
// `terminal`, in the foreground, with `fds` on it.  This works for a
// session leader with or without a terminal, a process-group leader, and a
// plain process, which is what systemd, s6, an interactive shell and
// daemontools make of their children; also where the parent or its group is
// outside the PID namespace.  Signal dispositions and mask stay.
absl::Status BecomeTerminalProcess(int terminal,
                                   absl::Span<const int> fds = kStandardFds);

// The value of TERM for a program on a new PTY: what this process has, unless
// that is the word for no terminal ("dumb", "unknown") or for the machine's
// console, which init passes on to every service ("linux").
std::string TermForNewTerminal();
// Tells programs that are executed from here on what their terminal is.  LINES
// and COLUMNS go, because they would win over the terminal's size (ncurses(3X),
// "Environment").
void SetTerminalVariables(const std::string& term);

// Safe for any descriptor that a peer sent.  It is an Errno() if the kernel has
// no memory to find out.
absl::StatusOr<bool> IsController(int fd);

// The signal that the terminal turns this character into now (ISIG; VINTR,
// VQUIT, VSUSP), or 0.
int SignalOf(int controller, char character);

// Whether the terminal takes lines and shows nothing of them, as for a password
// (ICANON without ECHO).
bool HidesTyping(int controller);

// Says what keys do to a terminal's output (IXON, IXANY; VSTOP, VSTART).
enum class Flow { kUnchanged, kStopped, kResumed };
Flow FlowAfter(int controller, absl::string_view keys);
// The key that resumes the output, or nothing if no key stops it.
std::optional<char> ResumeKey(int controller);

// Signals the terminal's foreground group, past any input that is waiting
// (TIOCSIG).  This works across users.
absl::Status SignalForeground(int controller, int signal);

absl::StatusOr<WindowSize> GetWindowSize(int fd);
// The size of the first of fds 0, 1 and 2 that is a terminal, or NotFound.
absl::StatusOr<WindowSize> SizeOfOwnTerminal();
// The kernel sends SIGWINCH to the foreground group only if the size changed.
absl::Status SetWindowSize(int fd, WindowSize size);

}  // namespace deptyr
