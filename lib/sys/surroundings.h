// Takes a program to the side of a running process: into its namespaces, its
// root and working directory, as its user, with the environment that it was
// started with.
//
//   ASSIGN_OR_RETURN(Fd pidfd, OpenPidfd(pid));
//   ASSIGN_OR_RETURN(Surroundings there, Surroundings::Of(pid, pidfd.get()));
//   RETURN_IF_ERROR(there.Enter());
//   ASSIGN_OR_RETURN(Child child, ForkChild([&] {
//     return there.Become().ok() ? Execute("me", "/bin/sh", {"/bin/sh"}) : 1;
//   }));
//
// The kernel decides who may (ptrace(2), "Ptrace access mode checking", and
// setns(2)): the process's own user and root, as a rule.  A program in it can
// do no more than the process: capabilities that the process can never get
// (capabilities(7), bounding set) are given up, and so is what it has given up
// by no_new_privs.  Its cgroup, its seccomp filter and its security label are
// not taken over.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/sys/fd.h"

namespace deptyr {

class Surroundings {
 public:
  // `pid` is that of the process that `pidfd` holds.  PermissionDenied if this
  // process may not look at that one, Unavailable if it has ended.
  static absl::StatusOr<Surroundings> Of(pid_t pid, int pidfd);

  // Moves this process there, for good; only a PID namespace is its children's.
  // It keeps its user, apart from groups, so that it may still do what its user
  // may.  Nobody there may look into it (PR_SET_DUMPABLE, prctl(2)).  It must
  // have one thread (setns(2)).  Unavailable where namespaces differ and Linux
  // is older than 5.8.
  absl::Status Enter();
  // Call it after Enter().  Gives this process the real user of that one, and
  // its environment without what belongs to its terminal and session (TERM,
  // DEPTYR_SESSION, DEPTYR_SOCKET).
  absl::Status Become() const;

 private:
  struct Credentials {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups = {};
    uint64_t bounding = 0;  // a bit for each capability
    bool no_new_privileges = false;
  };

  explicit Surroundings(Fd folder) : folder_(std::move(folder)) {}
  // Its ids are those of the user namespace that this process is in now.
  absl::StatusOr<Credentials> ReadCredentials() const;
  absl::Status EnterRoot() const;

  Fd folder_;  // /proc/PID
  Fd pidfd_;
  Fd root_;
  Fd directory_;
  int namespaces_ = 0;  // that differ from ours, as setns(2) calls them
  Credentials credentials_;
  std::vector<std::string> environment_;  // "NAME=VALUE"
};

}  // namespace deptyr
