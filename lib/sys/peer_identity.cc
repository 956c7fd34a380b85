#include "lib/sys/peer_identity.h"

#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/base/status.h"
#include "lib/sys/fd.h"
#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

constexpr char kUidMap[] = "/proc/self/uid_map";
constexpr char kGidMap[] = "/proc/self/gid_map";
// The kernel lets nobody choose a larger one (kernel/sysctl.c,
// SYSCTL_MAXOLDUID).
constexpr uint32_t kLargestOverflow = UINT16_MAX;
// linux/nsfs.h of Linux 6.18: the same on every machine, since 3.8.
constexpr ino_t kFirstUserNamespace = 0xEFFFFFFD;
// linux/pidfd.h of Linux 6.11; Debian 12's headers are older.
constexpr unsigned long kPidfdGetUserNamespace = _IO(0xFF, 9);

// Works without /proc, which a chroot seldom has.  Before Linux 6.11 it needs
// the right to the network's namespace (CAP_NET_ADMIN).  The kernel gives out
// no namespace above one's own, so a process that gets the first one is in it.
bool IsInFirstUserNamespace() {
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  Fd space(::ioctl(self.get(), kPidfdGetUserNamespace, 0));
  if (!space.valid()) {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Fd network(::ioctl(socket.get(), SIOCGSKNS));
    space = Fd(::ioctl(network.get(), NS_GET_USERNS));
  }
  struct stat status {};
  return ::fstat(space.get(), &status) == 0 &&
         status.st_ino == kFirstUserNamespace;
}

// The map has lines of "first number here, first number outside, count".
bool MapsAllIds(const char* map) {
  const std::optional<std::string> lines = ReadSmallFile(map);
  if (!lines) return IsInFirstUserNamespace();
  uint64_t mapped = 0;
  for (const absl::string_view line : absl::StrSplit(*lines, '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t count = 0;
    if (fields.size() == 3 && absl::SimpleAtoi(fields[2], &count)) {
      mapped += count;
    }
  }
  return mapped == UINT32_MAX;
}

std::optional<uint32_t> NumberIn(const char* path) {
  uint32_t number = 0;
  const std::optional<std::string> text = ReadSmallFile(path);
  if (!text || !absl::SimpleAtoi(*text, &number)) return std::nullopt;
  return number;
}

// All users of other namespaces without a number in ours have this one
// (user_namespaces(7)).
struct Overflow {
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
};

// If /proc/sys is hidden, a child finds out: in a user namespace of its own
// that maps nobody, it has this number itself.
Overflow AskChild() {
  Overflow answer;
  const auto look = [](void* told) {
    *static_cast<Overflow*>(told) = {::getuid(), ::getgid()};
    return 0;
  };
  alignas(std::max_align_t) std::array<char, 16 << 10> stack;
  const pid_t child = ::clone(look, stack.data() + stack.size(),
                              CLONE_NEWUSER | CLONE_VM | CLONE_VFORK, &answer);
  if (child > 0) (void)TEMP_FAILURE_RETRY(::waitpid(child, nullptr, __WCLONE));
  return answer;
}

const Overflow& TheOverflow() {
  static Overflow known;
  if (!known.uid || !known.gid) {
    known = {NumberIn("/proc/sys/kernel/overflowuid"),
             NumberIn("/proc/sys/kernel/overflowgid")};
    if (!known.uid || !known.gid) known = AskChild();
  }
  return known;
}

// Returns kUnknownId unless it is certain that the id is a user's own.
uint32_t Known(uint32_t id, const std::optional<uint32_t>& overflow,
               const char* map) {
  const bool doubtful = overflow ? id == *overflow : id <= kLargestOverflow;
  return doubtful && !MapsAllIds(map) ? kUnknownId : id;
}

gid_t KnownGid(gid_t gid) {
  return Known(gid, TheOverflow().gid, kGidMap);
}

// Returns the peer's groups without `gid`.
std::vector<gid_t> GroupsOf(int socket, gid_t gid) {
  socklen_t size = 0;
  // This fails, but says how many there are.
  (void)::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size);
  std::vector<gid_t> groups(size / sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) !=
      0) {
    return {};
  }
  std::erase(groups, gid);
  groups.shrink_to_fit();
  std::transform(groups.begin(), groups.end(), groups.begin(), KnownGid);
  return groups;
}

}  // namespace

std::string UidText(uid_t uid) {
  return uid == kUnknownId ? "unknown" : absl::StrCat(uid);
}

uid_t KnownUid(uid_t uid) {
  return Known(uid, TheOverflow().uid, kUidMap);
}

absl::StatusOr<PeerIdentity> IdentifyPeer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return Errno("ask who is connected");
  }
  // TCP answers with nobody.
  if (credentials.pid == 0 && SocketOption(socket, SO_DOMAIN) != AF_UNIX) {
    return absl::NotFoundError("not a UNIX socket");
  }
  return PeerIdentity{.pid = credentials.pid,
                      .uid = KnownUid(credentials.uid),
                      .gid = KnownGid(credentials.gid),
                      .groups = GroupsOf(socket, credentials.gid)};
}

absl::Status CheckIdentities() {
  if (TheOverflow().uid || MapsAllIds(kUidMap)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "it can't tell users with a number up to 65535 from users without one in "
      "its user namespace; mount /proc there, with /proc/sys, or allow it user "
      "namespaces");
}

std::optional<PeerIdentity> PeerOf(int socket) {
  auto known = IdentifyPeer(socket);
  if (!known.ok()) return std::nullopt;
  return *std::move(known);
}

}  // namespace deptyr
