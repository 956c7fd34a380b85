// A process that is not our child, held by a pidfd: it can't be mistaken for
// another that got its number later.
//
//   ASSIGN_OR_RETURN(Fd pidfd, PeerPidfd(connection, peer, accepted));
//   ... epoll says readable: it ended; says hang-up: it was reaped too ...
//   std::optional<ExitStatus> end = AskExitStatus(pidfd.get());
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

// The process at the other end of a UNIX socket: SO_PEERPIDFD (Linux 6.5).
// Before that, it is the process that has the peer's pid now, which may be
// another one that got the number.  PermissionDenied unless its real, effective
// and saved user are the peer's, and it is older than the connection, which was
// accepted at that time.  What can still be mistaken for the peer is a process
// of the same user: one that the peer may signal anyway.
absl::StatusOr<Fd> PeerPidfd(int socket, const PeerIdentity& peer,
                             std::chrono::steady_clock::time_point accepted);

// Of a child of ours, or any process that can't end meanwhile.
absl::StatusOr<Fd> OpenPidfd(pid_t pid);

// How a process ended.
struct ExitStatus {
  int code = 0;    // if signal is 0
  int signal = 0;  // 0: it exited
  bool operator==(const ExitStatus&) const = default;
};

// "exit status 3", "signal 9 (Killed)".
std::string Describe(const ExitStatus& status);

// Of the process that a pidfd is of, in our PID namespace (proc(5), fdinfo); 0
// once it was reaped.  NotFound if the descriptor is no pidfd.
absl::StatusOr<pid_t> PidOf(int pidfd);

// True once the process has ended, reaped or not.
bool HasEnded(int pidfd);

// What PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15) tells anybody, once the
// process was reaped by its parent.
struct ExitAnswer {
  enum { kKnown, kNotYet, kNever } state;  // kNever: this kernel doesn't tell
  ExitStatus status;
};
ExitAnswer AskExitStatus(int pidfd);

// EPERM where this process has no right to (kill(2)).
absl::Status SendSignal(int pidfd, int signal);
// The same, and only if `sender` could, too: root, or the process's real or
// saved user.  PermissionDenied otherwise, or where /proc doesn't tell.
absl::Status SendSignalFor(uid_t sender, int pidfd, int signal);

struct Child {
  pid_t pid;
  Fd pidfd;
};
// What was forked.  If it can't be held it is killed, and reaped.
absl::StatusOr<Child> HoldChild(pid_t pid);

// It must not have been reaped.
void Kill(const Child& child);

// A child of ours, on a terminal of its own: `terminal` is its controlling
// terminal and its fds 0, 1 and 2.  Signal mask and dispositions are the
// defaults, the limit of open descriptors what it was when we started.  If it
// can't be executed, the child says so on the terminal and exits with
// 126 or 127 (lib/base/exit_codes.h).
absl::StatusOr<Child> SpawnOnTerminal(int terminal, const std::string& program,
                                      const std::vector<std::string>& argv);

// How a child of ours ended, and lets go of its pid.  Nothing: it runs.  An
// error: nobody will ever tell, as kernels before Linux 5.4 don't.
absl::StatusOr<std::optional<ExitStatus>> ReapChild(int pidfd);

pid_t OwnPid();
uid_t OwnUid();  // the effective one
// Root and our own user: they may do with this process what they like anyway.
inline bool IsTrusted(uid_t uid) {
  return uid == 0 || uid == OwnUid();
}

// Lets go of children that have ended and aren't ours: as process 1 of a
// container we inherit whatever programs leave behind.  False if one of ours
// has ended and stands before them, so that it has to be reaped first.
bool ReapInherited(absl::FunctionRef<bool(pid_t)> is_ours);

// Raises the soft limit of open descriptors to the hard one.  Returns it.
size_t RaiseDescriptorLimit();

}  // namespace deptyr
