// Processes, held by a pidfd so that none can be confused with a later one that
// got its number: those that are not our children, and those that are.
//
//   ASSIGN_OR_RETURN(Fd pidfd, PeerPidfd(connection, peer, accepted));
//   if (HasEnded(pidfd.get())) {
//     const ExitAnswer answer = AskExitStatus(pidfd.get());
//     if (answer.state == ExitAnswer::kKnown) return Describe(answer.status);
//   }
//
// In epoll(7) a pidfd is readable once the process has ended, and hangs up once
// it was reaped.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/name_service.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

// Returns the process at the other end of a UNIX socket (SO_PEERPIDFD, Linux
// 6.5). On older kernels it is the process that has the peer's pid now, or
// PermissionDenied unless its real, effective and saved user are the peer's,
// and it is older than the connection, which was accepted at that time.  Only a
// process of the same user can still be mistaken for the peer, and the peer may
// signal that anyway.
absl::StatusOr<Fd> PeerPidfd(int socket, const PeerIdentity& peer,
                             std::chrono::steady_clock::time_point accepted);

// How a process ended.
struct ExitStatus {
  int code = 0;    // if signal is 0
  int signal = 0;  // 0: it exited
  bool operator==(const ExitStatus&) const = default;
};

// Returns what a shell returns, 128 + the signal or the code, or kSystemError
// if the status isn't known.
int ExitCodeOf(const std::optional<ExitStatus>& status);

// "exit status 3", "signal 9 (Killed)".
std::string Describe(const ExitStatus& status);

// Returns the process's pid in our PID namespace (proc(5), fdinfo), 0 once it
// was reaped, or NotFound if the descriptor is not a pidfd.
absl::StatusOr<pid_t> PidOf(int pidfd);

// Whether the process has ended, reaped or not.
bool HasEnded(int pidfd);

// Asks how a process ended.  PIDFD_GET_INFO with PIDFD_INFO_EXIT (Linux 6.15)
// answers anybody, once the parent has reaped the process.
struct ExitAnswer {
  enum { kKnown, kNotYet, kNever } state;  // kNever: the kernel can't tell
  ExitStatus status;
};
ExitAnswer AskExitStatus(int pidfd);

// The leader of the process's session (setsid(2)), that of the leader's parent,
// and so on, 32 at most; they are pids in our PID namespace.  There are fewer
// sessions than ancestors, so this costs a client that lives in a deep tree no
// more of head's time than another.
std::vector<pid_t> LeadersAround(pid_t pid);

// Gets hold of the process that has this pid now, in our PID namespace.
absl::StatusOr<Fd> OpenPidfd(pid_t pid);

// The leader of the session whose controlling terminal a PTY is.
struct Leader {
  pid_t pid = 0;
  Fd pidfd;
  uid_t uid = kUnknownId;  // its real user
};
// Takes the PTY's controlling end (TIOCGSID, ioctl_tty(2)).  Unavailable if the
// leader has ended, which gives up the terminal; PermissionDenied if the leader
// is outside our PID namespace, or /proc doesn't tell whose process it is.
absl::StatusOr<Leader> LeaderOf(int controller);

// Fails with EPERM if this process may not signal that one (kill(2)).
absl::Status SendSignal(int pidfd, int signal);
// Does the same if `sender` could, too, as root or as the process's real or
// saved user; else, or if /proc doesn't tell, it is PermissionDenied.
absl::Status SendSignalFor(uid_t sender, int pidfd, int signal);

// The path of the program that execvp(3) would execute for `name`; "" if there
// is none.
std::string FindProgram(const std::string& name);

// Executes the program, sought along PATH.  Returns only if that failed, with
// the exit status for it (lib/base/exit_codes.h); then standard error has been
// told why, in a line that begins with `caller`.
int Execute(absl::string_view caller, const std::string& program,
            const std::vector<std::string>& argv);

struct Child {
  pid_t pid;
  Fd pidfd;
};
// Opens a pidfd for a child that was just forked.  If that fails, the child is
// killed and reaped.
absl::StatusOr<Child> HoldChild(pid_t pid);

// A child differs in these from this process.
struct ChildSettings {
  // The user whose it is, and whose the terminal becomes; HOME, USER, LOGNAME
  // and SHELL are that user's.  Only root may set it.
  std::optional<Account> account = {};
  std::string directory = {};                 // "": ours
  std::vector<std::string> environment = {};  // "NAME=VALUE", besides ours
};

// Starts a child whose controlling terminal and fds 0, 1 and 2 are `terminal`,
// with the default signal mask and dispositions and the limit of descriptors
// that we were started with.  If the program can't be executed, the child says
// so on the terminal and exits with 126 or 127.
absl::StatusOr<Child> SpawnOnTerminal(int terminal, const std::string& program,
                                      const std::vector<std::string>& argv,
                                      const ChildSettings& settings = {});

// Starts a copy of this process that calls `main` and exits with what it
// returns.  Makes sure that SIGCHLD isn't ignored, or nobody would ever know
// how the child ended.
absl::StatusOr<Child> ForkChild(absl::FunctionRef<int()> main);

// Makes this process, which must not lead a process group, the leader of a
// session without a terminal.
absl::Status StartSession();

// Signals the process group that a child leads which hasn't been reaped.
absl::Status SignalGroup(const Child& leader, int signal);

// Reaps a child of ours if it has ended, and returns how, or nothing while it
// runs.  After an error nobody will ever know.
absl::StatusOr<std::optional<ExitStatus>> ReapChild(int pidfd);

// Waits for the end of a child of ours, reaps it, and returns how it ended, or
// nothing if nobody will ever know.
std::optional<ExitStatus> AwaitChild(int pidfd);

inline pid_t OwnPid() {
  return ::getpid();
}
// The effective user.
inline uid_t OwnUid() {
  return ::geteuid();
}
// Root and our own user are trusted: they may do what they like with this
// process anyway.
inline bool IsTrusted(uid_t uid) {
  return uid == 0 || uid == OwnUid();
}

// Reaps ended children that aren't ours: as process 1 of a container we inherit
// whatever programs leave behind.  Returns false if a child of ours has ended
// and is next, so that the caller has to reap that first.
bool ReapInherited(absl::FunctionRef<bool(pid_t)> is_ours);

// Raises the soft limit of open descriptors to the hard one and returns it.
size_t RaiseDescriptorLimit();

}  // namespace deptyr
