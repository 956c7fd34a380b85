#include "lib/sys/terminal_holder.h"

#include <dirent.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/process_facts.h"
#include "lib/sys/pty.h"

namespace deptyr {
namespace {

// UNIX98_PTY_SLAVE_MAJOR: client ends have it in every devpts
// (Documentation/admin-guide/devices.txt).
constexpr unsigned kClientEndMajor = 136;
// A process that writes to a slow disk stops when that is done.
constexpr absl::Duration kStopPatience = absl::Seconds(2);

// Calls `each` with the numbers that are names in a folder of /proc.  Returns
// false if it can't be read.
bool ForEachNumber(const std::string& path, absl::FunctionRef<void(int)> each) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()),
                                                   ::closedir);
  if (folder == nullptr) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    int number = 0;
    if (absl::SimpleAtoi(entry->d_name, &number)) each(number);
  }
  return true;
}

// A link of /proc/PID/fd to a controlling end.
bool LeadsToPtmx(const std::string& link) {
  std::array<char, 256> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size > 0 &&
         absl::EndsWith(
             absl::string_view(target.data(), static_cast<size_t>(size)),
             "ptmx");
}

// The descriptors of a process that are controlling ends; nothing if we may not
// know.
std::optional<std::vector<int>> ControllersOf(pid_t pid) {
  std::vector<int> fds;
  const std::string folder = absl::StrCat("/proc/", pid, "/fd/");
  const bool told = ForEachNumber(folder, [&](int fd) {
    if (LeadsToPtmx(absl::StrCat(folder, fd))) fds.push_back(fd);
  });
  if (!told) return std::nullopt;
  return fds;
}

// N of the /dev/pts/N that a descriptor of a process controls (Linux 4.15).
std::optional<unsigned> NumberOf(pid_t pid, int fd) {
  const std::string info =
      ReadSmallFile(absl::StrCat("/proc/", pid, "/fdinfo/", fd)).value_or("");
  unsigned number = 0;
  if (!absl::SimpleAtoi(LineOf(info, "tty-index:"), &number)) {
    return std::nullopt;
  }
  return number;
}

// Why the kernel lets us take nothing from a process, and what would help.
std::string WhatIsLacking(int error) {
  if (error == ENOSYS) return "Linux 5.6 or later is needed (pidfd_getfd(2))";
  if (error != EPERM) return "";
  const std::string scope =
      ReadSmallFile("/proc/sys/kernel/yama/ptrace_scope").value_or("0");
  const bool as_root = OwnUid() == 0;
  if (scope[0] == '3' || (scope[0] != '0' && !as_root)) {
    return absl::StrCat("Yama forbids it (sysctl kernel.yama.ptrace_scope is ",
                        scope.substr(0, 1), ")",
                        scope[0] == '3' ? "" : "; run deptyr adopt as root");
  }
  return as_root ? "the right CAP_SYS_PTRACE is needed, and in a container a "
                   "seccomp profile that allows pidfd_getfd(2)"
                 : "it is another user's, or has been set-user-ID or "
                   "set-group-ID; run deptyr adopt as root";
}

// Copies a descriptor of another process.
absl::StatusOr<Fd> CopyFrom(const TerminalHolder& holder, int fd) {
  Fd copy(
      static_cast<int>(::syscall(SYS_pidfd_getfd, holder.pidfd.get(), fd, 0)));
  if (copy.valid()) return copy;
  const int error = errno;
  const absl::Status failed =
      Errno("take a terminal from ", holder.name, " (pid ", holder.pid, ")");
  const std::string lacking = WhatIsLacking(error);
  return absl::UnavailableError(
      absl::StrCat(failed.message(), lacking.empty() ? "" : "; ", lacking));
}

// Nothing if it isn't a controlling end, or nobody uses its terminal.
std::optional<HeldTerminal> Describe(Fd controller) {
  HeldTerminal held;
  if (!IsController(controller.get()).value_or(false) ||
      ::ioctl(controller.get(), TIOCGPTN, &held.terminal.number) != 0 ||
      ::ioctl(controller.get(), TIOCGSID, &held.terminal.leader) != 0) {
    return std::nullopt;
  }
  (void)::ioctl(controller.get(), TIOCGPGRP, &held.foreground);
  held.controller = std::move(controller);
  return held;
}

// It is what a look through all processes finds.
struct Search {
  std::vector<pid_t> pids;  // have a terminal of that number
  int hidden = 0;           // couldn't be looked at
};
Search SearchFor(unsigned number) {
  Search search;
  (void)ForEachNumber("/proc", [&](int pid) {
    if (pid == OwnPid()) return;
    const auto fds = ControllersOf(pid);
    if (!fds) return (void)++search.hidden;
    const bool has = std::ranges::any_of(
        *fds, [&](int fd) { return NumberOf(pid, fd) == number; });
    if (has) search.pids.push_back(pid);
  });
  return search;
}

absl::Status NobodyFound(const ForeignTerminal& terminal, int hidden) {
  return absl::UnavailableError(absl::StrCat(
      "nobody was found who holds /dev/pts/", terminal.number, "; ",
      hidden > 0 && OwnUid() != 0
          ? absl::StrCat(hidden,
                         " processes can't be looked at: run deptyr adopt as "
                         "root")
          : "they may be outside this PID namespace: run deptyr adopt there"));
}

bool AllThreadsStopped(pid_t pid) {
  bool stopped = true;
  const bool told =
      ForEachNumber(absl::StrCat("/proc/", pid, "/task"), [&](int thread) {
        const auto facts = StatOf(pid, thread);
        if (facts &&
            !absl::StrContains("TtZX", absl::string_view(&facts->state, 1))) {
          stopped = false;
        }
      });
  return told && stopped;
}

}  // namespace

absl::StatusOr<ForeignTerminal> TerminalOf(pid_t pid) {
  ASSIGN_OR_RETURN(const Fd pidfd, OpenPidfd(pid));
  const std::optional<StatFacts> facts = StatOf(pid);
  const pid_t leader = ::getsid(pid);
  if (HasEnded(pidfd.get())) {
    return absl::UnavailableError(absl::StrCat("process ", pid, " has ended"));
  }
  if (!facts || leader < 0) {
    return absl::UnavailableError(absl::StrCat(
        "/proc hides process ", pid, " (hidepid); run deptyr adopt as root"));
  }
  if (facts->terminal == 0) {
    return absl::NotFoundError(
        absl::StrCat("process ", pid, " has no terminal"));
  }
  if (major(facts->terminal) != kClientEndMajor) {
    return absl::NotFoundError(
        absl::StrCat("the terminal of process ", pid,
                     " is a device, not a PTY, and nobody can hand that over"));
  }
  return ForeignTerminal{minor(facts->terminal), leader};
}

bool Holds(const TerminalHolder& holder, pid_t leader) {
  return std::ranges::any_of(holder.terminals, [&](const HeldTerminal& held) {
    return held.terminal.leader == leader;
  });
}

absl::StatusOr<TerminalHolder> HolderWith(pid_t pid) {
  TerminalHolder holder;
  holder.pid = pid;
  ASSIGN_OR_RETURN(holder.pidfd, OpenPidfd(pid));
  holder.name = NameOfProcess(pid);
  const auto fds = ControllersOf(pid);
  if (!fds) {
    return absl::UnavailableError(
        absl::StrCat("the descriptors of ", holder.name, " (pid ", pid,
                     ") can't be looked at; run deptyr adopt as root"));
  }
  for (const int fd : *fds) {
    ASSIGN_OR_RETURN(Fd controller, CopyFrom(holder, fd));
    std::optional<HeldTerminal> held = Describe(std::move(controller));
    if (held && !Holds(holder, held->terminal.leader)) {
      holder.terminals.push_back(*std::move(held));
    }
  }
  if (HasEnded(holder.pidfd.get())) {
    return absl::UnavailableError(absl::StrCat("process ", pid, " has ended"));
  }
  return holder;
}

absl::StatusOr<std::vector<TerminalHolder>> HoldersOf(
    const ForeignTerminal& terminal) {
  const Search search = SearchFor(terminal.number);
  std::vector<TerminalHolder> holders;
  absl::Status failed = NobodyFound(terminal, search.hidden);
  for (const pid_t pid : search.pids) {
    auto holder = HolderWith(pid);
    if (!holder.ok()) {
      // In another devpts this number is another terminal.
      failed = holder.status();
    } else if (Holds(*holder, terminal.leader)) {
      holders.push_back(*std::move(holder));
    }
  }
  std::set<pid_t> leaders;
  for (const TerminalHolder& holder : holders) {
    for (const HeldTerminal& held : holder.terminals) {
      leaders.insert(held.terminal.leader);
    }
  }
  std::erase_if(holders, [&](const TerminalHolder& holder) {
    return leaders.contains(::getsid(holder.pid));
  });
  if (holders.empty()) return failed;
  return holders;
}

bool IsNaturalHolder(const TerminalHolder& holder, uid_t owner, pid_t leader) {
  const std::optional<ProcessFacts> facts = FactsOf(holder.pidfd.get());
  if (facts && facts->real == owner) return true;
  for (pid_t pid = leader; pid > 1;) {
    const std::optional<StatFacts> stat = StatOf(pid);
    if (!stat) return false;
    pid = stat->parent;
    if (pid == holder.pid) return true;
  }
  return false;
}

absl::StatusOr<StoppedProcess> StoppedProcess::Stop(pid_t pid, int pidfd) {
  if (AllThreadsStopped(pid)) return StoppedProcess(Fd());
  RETURN_IF_ERROR(SendSignal(pidfd, SIGSTOP));
  StoppedProcess stopped{Duplicate(pidfd)};
  const absl::Time until = absl::Now() + kStopPatience;
  while (!AllThreadsStopped(pid)) {
    if (HasEnded(pidfd)) break;
    if (absl::Now() > until) {
      return absl::UnavailableError(
          absl::StrCat("process ", pid, " doesn't stop"));
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
  return stopped;
}

StoppedProcess::~StoppedProcess() {
  if (pidfd_.valid()) (void)SendSignal(pidfd_.get(), SIGCONT);
}

absl::StatusOr<ReadyForHead> ReadyForHead::Make(int controller) {
  const int flags = ::fcntl(controller, F_GETFL);
  int packets = 0;
  if (flags < 0 || ::ioctl(controller, TIOCGPKT, &packets) != 0) {
    return Errno("ask for a terminal's settings");
  }
  const int blocks = (flags & O_NONBLOCK) == 0 ? 1 : 0;
  ReadyForHead ready(Duplicate(controller), blocks, packets);
  RETURN_IF_ERROR(SetNonBlocking(controller));
  int none = 0;
  if (packets != 0 && ::ioctl(controller, TIOCPKT, &none) != 0) {
    return Errno("end a terminal's packet mode");
  }
  return ready;
}

ReadyForHead::~ReadyForHead() {
  if (!controller_.valid()) return;
  int non_blocking = 0;
  if (blocks_ != 0) (void)::ioctl(controller_.get(), FIONBIO, &non_blocking);
  if (packets_ != 0) (void)::ioctl(controller_.get(), TIOCPKT, &packets_);
}

}  // namespace deptyr
