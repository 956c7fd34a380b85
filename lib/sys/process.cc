#include "lib/sys/process.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/base/argv.h"
#include "lib/base/exit_codes.h"
#include "lib/base/status.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/process_facts.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // asm-generic/socket.h, Linux 6.5
#endif

namespace deptyr {
namespace {

// linux/pidfd.h of Linux 6.15; Debian 12's headers are older.  The kernel takes
// any size from the first published one (64 bytes) on.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid;
  uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kPidfdInfoExit = uint64_t{1} << 3;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// Adds to the error which call is needed, if this kernel lacks it or a
// container's filter (seccomp(2)) refuses it.
absl::Status Failed(const absl::Status& why, bool lacks,
                    absl::string_view call) {
  if (!lacks) return why;
  return absl::UnavailableError(
      absl::StrCat(why.message(), "; ", call,
                   " is needed: Linux 5.4 or later, and in a container a "
                   "seccomp profile that allows it"));
}

// The limit of open descriptors before we raised it, for the programs we start.
std::optional<rlimit> limit_before;

void SetVariable(absl::string_view assignment) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  (void)::setenv(parts.first.c_str(), parts.second.c_str(), 1);
}

// Makes this process what its settings say.
absl::Status Apply(const ChildSettings& settings, int terminal) {
  if (settings.account) {
    const Account& account = *settings.account;
    constexpr gid_t kUnchanged = -1;
    if (::fchown(terminal, account.uid, kUnchanged) != 0 ||
        ::setgroups(account.groups.size(), account.groups.data()) != 0 ||
        ::setresgid(account.gid, account.gid, account.gid) != 0 ||
        ::setresuid(account.uid, account.uid, account.uid) != 0) {
      return Errno("become user ", account.name);
    }
    SetVariable(absl::StrCat("HOME=", account.home));
    SetVariable(absl::StrCat("USER=", account.name));
    SetVariable(absl::StrCat("LOGNAME=", account.name));
    SetVariable(absl::StrCat("SHELL=", account.shell));
  }
  for (const std::string& variable : settings.environment) {
    SetVariable(variable);
  }
  if (!settings.directory.empty() && ::chdir(settings.directory.c_str()) != 0) {
    return Errno("enter ", settings.directory);
  }
  return absl::OkStatus();
}

// The time between the boot of this machine and `time`.
std::chrono::nanoseconds SinceBoot(std::chrono::steady_clock::time_point time) {
  timespec now{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) +
         std::chrono::nanoseconds(now.tv_nsec) -
         (std::chrono::steady_clock::now() - time);
}

}  // namespace

std::vector<pid_t> LeadersAround(pid_t pid) {
  constexpr size_t kMost = 32;
  std::vector<pid_t> leaders;
  for (size_t i = 0; pid > 0 && i < kMost; ++i) {
    // A leader that has gone still gives its session the number.
    const pid_t leader = ::getsid(pid);
    if (leader > 0) leaders.push_back(leader);
    std::optional<StatFacts> facts = StatOf(leader);
    if (!facts) facts = StatOf(pid);
    if (!facts) break;
    pid = facts->parent;
  }
  return leaders;
}

absl::StatusOr<Fd> OpenPidfd(pid_t pid) {
  // The C library has no pidfd_open() before glibc 2.36, but knows its number.
  Fd result(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (result.valid()) return result;
  const bool lacks = errno == ENOSYS || errno == EPERM;
  return Failed(Errno("get hold of process ", pid), lacks, "pidfd_open(2)");
}

absl::StatusOr<Leader> LeaderOf(int controller) {
  const absl::Status gone =
      absl::UnavailableError("the terminal's program has ended");
  Leader leader;
  if (::ioctl(controller, TIOCGSID, &leader.pid) != 0) return gone;
  if (leader.pid == 0) {
    return absl::PermissionDeniedError(
        "the terminal's program is outside head's PID namespace; run both in "
        "one");
  }
  ASSIGN_OR_RETURN(leader.pidfd, OpenPidfd(leader.pid));
  // If it is alive after the kernel has named it once more, it is the leader
  // and not a later process of its number.
  pid_t again = 0;
  const bool same = ::ioctl(controller, TIOCGSID, &again) == 0 &&
                    again == leader.pid && !HasEnded(leader.pidfd.get());
  if (!same) return gone;
  const std::optional<ProcessFacts> facts = FactsOf(leader.pidfd.get());
  if (!facts) {
    return absl::PermissionDeniedError(
        absl::StrCat("/proc doesn't tell whose process ", leader.pid,
                     " is (hidepid?); run head where it does, or as root"));
  }
  leader.uid = KnownUid(facts->real);
  return leader;
}

absl::StatusOr<Fd> PeerPidfd(int socket, const PeerIdentity& peer,
                             std::chrono::steady_clock::time_point accepted) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) {
    return Fd(pidfd);
  }
  if (errno != ENOPROTOOPT) return Errno("get hold of process ", peer.pid);
  if (peer.pid == 0) {
    return absl::PermissionDeniedError(
        "a process outside head's PID namespace can't be held (Linux 6.5 is "
        "needed for that); run both in one");
  }
  ASSIGN_OR_RETURN(Fd result, OpenPidfd(peer.pid));
  const std::optional<ProcessFacts> facts = FactsOf(result.get());
  if (!facts || facts->real != peer.uid || facts->effective != peer.uid ||
      facts->saved != peer.uid || facts->started > SinceBoot(accepted)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "process ", peer.pid,
        " can't be told to be the one that connected (this kernel only says "
        "its number; Linux 6.5 says more); it has to connect and register "
        "itself, all as one user"));
  }
  return result;
}

std::string FindProgram(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    struct stat file {};
    return ::stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
  };
  if (absl::StrContains(name, '/')) return is_program(name) ? name : "";
  const char* const folders = std::getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(folders == nullptr ? "" : folders, ':')) {
    std::string path = folder.empty() ? name : absl::StrCat(folder, "/", name);
    if (is_program(path)) return path;
  }
  return "";
}

int ExitCodeOf(const std::optional<ExitStatus>& status) {
  if (!status) return kSystemError;
  return status->signal == 0 ? status->code : kSignalled + status->signal;
}

std::string Describe(const ExitStatus& status) {
  if (status.signal == 0) return absl::StrCat("exit status ", status.code);
  const char* text = ::sigdescr_np(status.signal);
  return absl::StrCat("signal ", status.signal, " (",
                      text == nullptr ? "unknown" : text, ")");
}

absl::StatusOr<pid_t> PidOf(int pidfd) {
  const auto info = ReadSmallFile(absl::StrCat("/proc/self/fdinfo/", pidfd));
  // A descriptor that isn't open has no file.
  if (!info && errno != ENOENT) return Errno("look at a process's descriptor");
  const absl::string_view line = info ? LineOf(*info, "Pid:") : "";
  if (line.empty()) {
    return absl::NotFoundError("the descriptor holds no process");
  }
  pid_t pid = 0;
  (void)absl::SimpleAtoi(line, &pid);
  return std::max(pid, 0);  // the kernel says -1
}

bool HasEnded(int pidfd) {
  pollfd question{pidfd, POLLIN, 0};
  return ::poll(&question, 1, 0) == 1;
}

ExitAnswer AskExitStatus(int pidfd) {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  if (::ioctl(pidfd, kPidfdGetInfo, &info) != 0) {
    // ESRCH means that it is just being reaped and there is an answer
    // afterwards, or that this kernel (6.13, 6.14) keeps no exit status.
    return {errno == ESRCH ? ExitAnswer::kNotYet : ExitAnswer::kNever, {}};
  }
  if ((info.mask & kPidfdInfoExit) == 0) return {ExitAnswer::kNotYet, {}};
  const int status = info.exit_code;  // as wait(2) has it
  return {ExitAnswer::kKnown, WIFSIGNALED(status)
                                  ? ExitStatus{.signal = WTERMSIG(status)}
                                  : ExitStatus{.code = WEXITSTATUS(status)}};
}

absl::Status SendSignal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) {
    return absl::OkStatus();
  }
  const bool lacks = errno == ENOSYS;
  return Failed(Errno("send signal ", signal), lacks, "pidfd_send_signal(2)");
}

// A few microseconds after our check the process may execute a set-user-ID
// program; but the sender could have sent the signal just before.  Sending it
// with the sender's own credentials would let the sender signal head meanwhile.
absl::Status SendSignalFor(uid_t sender, int pidfd, int signal) {
  if (sender != 0) {
    const std::optional<ProcessFacts> facts = FactsOf(pidfd);
    if (!facts || (sender != facts->real && sender != facts->saved)) {
      return absl::PermissionDeniedError(
          absl::StrCat("send signal ", signal, ": uid ", sender,
                       facts ? " may not signal this process"
                             : ", and whose process it is isn't known"));
    }
  }
  return SendSignal(pidfd, signal);
}

int Execute(absl::string_view caller, const std::string& program,
            const std::vector<std::string>& argv) {
  (void)::execvp(program.c_str(), ExecArgv(argv).data());
  const int error = errno;
  OriginalStderr().Say(absl::StrCat(caller, ": execute ", program, ": ",
                                    ::strerrordesc_np(error)));
  return ExitCodeForExec(error);
}

absl::StatusOr<Child> SpawnOnTerminal(int terminal, const std::string& program,
                                      const std::vector<std::string>& argv,
                                      const ChildSettings& settings) {
  const pid_t pid = ::fork();
  if (pid < 0) return Errno("start ", program);
  if (pid == 0) {
    ResetSignals();
    if (limit_before) (void)::setrlimit(RLIMIT_NOFILE, &*limit_before);
    absl::Status ready = BecomeTerminalProcess(terminal);
    if (ready.ok()) ready = Apply(settings, terminal);
    if (ready.ok()) ::_exit(Execute("deptyr", program, argv));
    OriginalStderr().Say(
        absl::StrCat("deptyr: execute ", program, ": ", ready.message()));
    ::_exit(kCannotExecute);
  }
  return HoldChild(pid);
}

absl::StatusOr<Child> HoldChild(pid_t pid) {
  absl::StatusOr<Fd> pidfd = OpenPidfd(pid);
  if (!pidfd.ok()) {
    (void)::kill(pid, SIGKILL);
    (void)TEMP_FAILURE_RETRY(::waitpid(pid, nullptr, 0));
    return pidfd.status();
  }
  return Child{pid, *std::move(pidfd)};
}

absl::StatusOr<std::optional<ExitStatus>> ReapChild(int pidfd) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd);
  if (::waitid(P_PIDFD, id, &info, WEXITED | WNOHANG) != 0) {
    const bool lacks = errno != ECHILD;
    return Failed(Errno("ask how a child ended"), lacks,
                  "waitid(2) of a pidfd");
  }
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status}
                                    : ExitStatus{.signal = info.si_status};
}

absl::StatusOr<Child> ForkChild(absl::FunctionRef<int()> main) {
  (void)::signal(SIGCHLD, SIG_DFL);
  const pid_t pid = ::fork();
  if (pid < 0) return Errno("start another process");
  if (pid == 0) ::_exit(main());
  return HoldChild(pid);
}

absl::Status StartSession() {
  return ::setsid() < 0 ? Errno("start a session") : absl::OkStatus();
}

absl::Status SignalGroup(const Child& leader, int signal) {
  if (::kill(-leader.pid, signal) == 0) return absl::OkStatus();
  return Errno("send signal ", signal);
}

std::optional<ExitStatus> AwaitChild(int pidfd) {
  pollfd ended{pidfd, POLLIN, 0};
  (void)TEMP_FAILURE_RETRY(::poll(&ended, 1, -1));
  return ReapChild(pidfd).value_or(std::nullopt);
}

bool ReapInherited(absl::FunctionRef<bool(pid_t)> is_ours) {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
      return true;
    }
    if (is_ours(info.si_pid)) return false;
    const auto id = static_cast<id_t>(info.si_pid);
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG) != 0) return true;
  }
}

size_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return FD_SETSIZE;
  limit_before = limit;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max
                                                 : limit_before->rlim_cur;
}

}  // namespace deptyr
