// Those who hold the controlling end of a terminal that isn't ours: a terminal
// emulator, tmux, script(1), sshd.  That end can be had from them without their
// help (pidfd_getfd(2), Linux 5.6) by whoever may trace them (ptrace(2)).
//
//   ASSIGN_OR_RETURN(const ForeignTerminal terminal, TerminalOf(pid));
//   ASSIGN_OR_RETURN(const std::vector<TerminalHolder> holders,
//                    HoldersOf(terminal));
//
// The leader of its session tells one terminal from another, because the number
// of /dev/pts/N is another terminal's in another devpts.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/sys/fd.h"

namespace deptyr {

struct ForeignTerminal {
  unsigned number = 0;  // N of /dev/pts/N
  pid_t leader = 0;     // of its session
};
// The controlling terminal of a process.  NotFound if it has none, or one that
// isn't a PTY; Unavailable if there is no such process, or /proc hides it.
absl::StatusOr<ForeignTerminal> TerminalOf(pid_t pid);

// A controlling end of a terminal that somebody uses; it is close-on-exec.
struct HeldTerminal {
  ForeignTerminal terminal;
  pid_t foreground = 0;  // the group that reads what is typed, or 0
  Fd controller;
};

struct TerminalHolder {
  pid_t pid = 0;
  Fd pidfd;
  std::string name;  // of its program
  std::vector<HeldTerminal> terminals;
};
bool Holds(const TerminalHolder& holder, pid_t leader);
// All terminals that the process holds; others may hold them, too.  The error
// says what is lacking if we may not take them.
absl::StatusOr<TerminalHolder> HolderWith(pid_t pid);

// Everybody who holds this terminal, this process excepted, with all that they
// hold.  A process that has such a terminal for its own (it has inherited the
// descriptor by mistake) doesn't count.  There is at least one; Unavailable
// says why none was found.
absl::StatusOr<std::vector<TerminalHolder>> HoldersOf(
    const ForeignTerminal& terminal);

// Whether the holder belongs to this user, or the leader descends from it.  A
// user could have passed a terminal to somebody else's process.
bool IsNaturalHolder(const TerminalHolder& holder, uid_t owner, pid_t leader);

// Stops a process (SIGSTOP) while the object lives, unless it is left stopped.
// A process that was stopped before stays so.
class [[nodiscard]] StoppedProcess {
 public:
  // Returns when all its threads have stopped.  Unavailable if they don't.
  static absl::StatusOr<StoppedProcess> Stop(pid_t pid, int pidfd);
  StoppedProcess(StoppedProcess&&) noexcept = default;
  StoppedProcess& operator=(StoppedProcess&&) = delete;
  ~StoppedProcess();

  void LeaveStopped() { pidfd_.Reset(); }

 private:
  explicit StoppedProcess(Fd pidfd) : pidfd_(std::move(pidfd)) {}
  Fd pidfd_;  // none if it is to stay stopped
};

// Sets a controlling end as head needs it (it doesn't block, and no byte of
// TIOCPKT comes before what is read) while the object lives, or for good.
class [[nodiscard]] ReadyForHead {
 public:
  static absl::StatusOr<ReadyForHead> Make(int controller);
  ReadyForHead(ReadyForHead&&) noexcept = default;
  ReadyForHead& operator=(ReadyForHead&&) = delete;
  ~ReadyForHead();

  void Keep() { controller_.Reset(); }

 private:
  ReadyForHead(Fd controller, int blocks, int packets)
      : controller_(std::move(controller)),
        blocks_(blocks),
        packets_(packets) {}
  Fd controller_;
  // The settings to go back to.
  int blocks_;
  int packets_;
};

}  // namespace deptyr
