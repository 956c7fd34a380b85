#include "lib/sys/surroundings.h"

#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/argv.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080  // linux/sched.h, Linux 5.6
#endif

namespace deptyr {
namespace {

constexpr std::pair<const char*, int> kNamespaces[] = {
    {"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},       {"pid", CLONE_NEWPID},
    {"net", CLONE_NEWNET},   {"ipc", CLONE_NEWIPC},      {"uts", CLONE_NEWUTS},
    {"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP}};

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// A process's file has at most as many bytes as the kernel lets an environment
// have (execve(2), "Limits on size of arguments and environment").
std::optional<std::string> ReadAll(int folder, const char* name) {
  constexpr size_t kMost = 6 << 20;
  const Fd file(::openat(folder, name, O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::string text;
  std::array<char, 4096> room;
  while (text.size() < kMost) {
    const IoResult got = ReadSome(file.get(), room);
    if (got.state == IoState::kEnd) return text;
    if (got.state != IoState::kDone) return std::nullopt;
    text.append(room.data(), got.bytes);
  }
  return text;
}

bool HasGroups(const std::vector<gid_t>& groups) {
  std::vector<gid_t> own(NGROUPS_MAX);
  const int count = ::getgroups(NGROUPS_MAX, own.data());
  own.resize(static_cast<size_t>(std::max(count, 0)));
  return count >= 0 && own == groups;
}

// Gives up those of the capabilities that this process may get and shouldn't.
// Without the right to do so it has none to give away by itself, either.
absl::Status LimitCapabilities(uint64_t bounding) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0;
       ++capability) {
    const bool wanted = (bounding >> capability & 1) != 0;
    if (wanted || ::prctl(PR_CAPBSET_READ, capability) == 0) continue;
    if (::prctl(PR_CAPBSET_DROP, capability) != 0 && ::geteuid() == 0) {
      return Errno("give up capability ", capability);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Surroundings> Surroundings::Of(pid_t pid, int pidfd) {
  const std::string path = absl::StrCat("/proc/", pid);
  const auto failed = [&](absl::string_view what) {
    const bool forbidden = errno == EACCES || errno == EPERM;
    absl::Status why = Errno("look at ", what, " of process ", pid);
    if (!forbidden) return why;
    return absl::PermissionDeniedError(absl::StrCat(
        why.message(), "; only its own user and root may, as for ptrace(2)"));
  };
  Surroundings there(
      Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  const int folder = there.folder_.get();
  if (folder < 0) return failed("what is around");
  for (const auto& [name, flag] : kNamespaces) {
    struct stat own {};
    struct stat other {};
    // This kernel may not have it.
    if (::stat(absl::StrCat("/proc/self/ns/", name).c_str(), &own) != 0) {
      continue;
    }
    if (::fstatat(folder, absl::StrCat("ns/", name).c_str(), &other, 0) != 0) {
      return failed("the namespaces");
    }
    if (!IsSame(own, other)) there.namespaces_ |= flag;
  }
  constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;
  there.root_ = Fd(::openat(folder, "root", kFolder));
  if (!there.root_.valid()) return failed("the root directory");
  there.directory_ = Fd(::openat(folder, "cwd", kFolder));
  if (!there.directory_.valid()) return failed("the working directory");
  const auto environment = ReadAll(folder, "environ");
  if (!environment) return failed("the environment");
  there.environment_ = SplitArgv(*environment);
  there.pidfd_ = Duplicate(pidfd);
  ASSIGN_OR_RETURN(there.credentials_, there.ReadCredentials());
  // While it lives nobody else has its number, so the files were its own.
  if (HasEnded(pidfd)) {
    return absl::UnavailableError(absl::StrCat("process ", pid, " has ended"));
  }
  return there;
}

absl::StatusOr<Surroundings::Credentials> Surroundings::ReadCredentials()
    const {
  const auto status = ReadAll(folder_.get(), "status");
  if (!status) return Errno("look at the user of a process");
  Credentials read;
  bool known = false;
  for (absl::string_view line : absl::StrSplit(*status, '\n')) {
    // The real one comes first.
    const auto first = [](absl::string_view numbers) {
      return numbers.substr(0, numbers.find('\t'));
    };
    if (absl::ConsumePrefix(&line, "Uid:\t")) {
      known = absl::SimpleAtoi(first(line), &read.uid);
    } else if (absl::ConsumePrefix(&line, "Gid:\t")) {
      known = known && absl::SimpleAtoi(first(line), &read.gid);
    } else if (absl::ConsumePrefix(&line, "Groups:\t")) {
      for (const absl::string_view group :
           absl::StrSplit(line, ' ', absl::SkipEmpty())) {
        known = known && absl::SimpleAtoi(group, &read.groups.emplace_back());
      }
    } else if (absl::ConsumePrefix(&line, "CapBnd:\t")) {
      known = known && absl::SimpleHexAtoi(line, &read.bounding);
    } else if (absl::ConsumePrefix(&line, "NoNewPrivs:\t")) {
      read.no_new_privileges = line == "1";
    }
  }
  if (known) return read;
  return absl::UnavailableError("/proc doesn't tell whose a process is");
}

absl::Status Surroundings::Enter() {
  // A user namespace may forbid it once we are in there (setgroups in
  // user_namespaces(7)), and what our own groups may do isn't the process's.
  if (!HasGroups(credentials_.groups) &&
      ::setgroups(credentials_.groups.size(), credentials_.groups.data()) !=
          0) {
    return Errno("take the process's groups");
  }
  const gid_t gid = credentials_.gid;
  if ((::getgid() != gid || ::getegid() != gid) &&
      ::setresgid(gid, gid, gid) != 0) {
    return Errno("take the process's group ", gid);
  }
  if (namespaces_ != 0) {
    (void)::prctl(PR_SET_DUMPABLE, 0);
    if (::setns(pidfd_.get(), namespaces_) != 0) {
      // An older kernel takes no pidfd.
      const bool lacks = errno == EINVAL || errno == EBADF;
      absl::Status why = Errno("enter the process's namespaces");
      if (!lacks) return why;
      return absl::UnavailableError(absl::StrCat(
          why.message(), "; Linux 5.8 is needed for that, or it has ended"));
    }
  }
  RETURN_IF_ERROR(EnterRoot());
  ASSIGN_OR_RETURN(credentials_, ReadCredentials());
  return absl::OkStatus();
}

absl::Status Surroundings::EnterRoot() const {
  struct stat own {};
  struct stat wanted {};
  if (::fstat(root_.get(), &wanted) != 0 || ::stat("/", &own) != 0) {
    return Errno("look at the process's root directory");
  }
  if (!IsSame(own, wanted) &&
      (::fchdir(root_.get()) != 0 || ::chroot(".") != 0)) {
    return Errno("enter the process's root directory");
  }
  // It may have gone.
  if (::fchdir(directory_.get()) != 0 && ::chdir("/") != 0) {
    return Errno("enter the process's working directory");
  }
  return absl::OkStatus();
}

absl::Status Surroundings::Become() const {
  RETURN_IF_ERROR(LimitCapabilities(credentials_.bounding));
  const uid_t uid = credentials_.uid;
  if ((::getuid() != uid || ::geteuid() != uid) &&
      ::setresuid(uid, uid, uid) != 0) {
    return Errno("become the process's user ", uid);
  }
  if (credentials_.no_new_privileges) {
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  }
  (void)::clearenv();
  for (const std::string& variable : environment_) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(variable, absl::MaxSplits('=', 1));
    if (!absl::StrContains(variable, '=') || parts.first.empty()) continue;
    (void)::setenv(parts.first.c_str(), parts.second.c_str(), 1);
  }
  for (const char* own : {"TERM", "DEPTYR_SESSION", "DEPTYR_SOCKET"}) {
    (void)::unsetenv(own);
  }
  return absl::OkStatus();
}

}  // namespace deptyr
