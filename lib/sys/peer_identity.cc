#include "lib/sys/peer_identity.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/base/status.h"
#include "lib/sys/fd.h"

namespace deptyr {
namespace {

std::string ReadSmallFile(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> room;
  const ssize_t count =
      file.valid() ? ::read(file.get(), room.data(), room.size()) : 0;
  return std::string(room.data(), count > 0 ? static_cast<size_t>(count) : 0);
}

// Lines of "first number here, first number outside, how many".
bool MapsAllIds(const char* map) {
  constexpr uint64_t kAll = UINT32_MAX;
  uint64_t mapped = 0;
  for (const absl::string_view line :
       absl::StrSplit(ReadSmallFile(map), '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t count = 0;
    if (fields.size() == 3 && absl::SimpleAtoi(fields[2], &count)) {
      mapped += count;
    }
  }
  return mapped == kAll;
}

uint32_t NumberIn(const char* file) {
  uint32_t number = 65534;
  (void)absl::SimpleAtoi(absl::StripAsciiWhitespace(ReadSmallFile(file)),
                         &number);
  return number;
}

// Users of other namespaces who have no number in ours all have this one
// (user_namespaces(7)).  Where somebody might be one of those, it tells
// nothing.
uid_t KnownUid(uid_t uid) {
  static const uid_t overflow = NumberIn("/proc/sys/kernel/overflowuid");
  return uid == overflow && !MapsAllIds("/proc/self/uid_map") ? kUnknownId
                                                              : uid;
}

gid_t KnownGid(gid_t gid) {
  static const gid_t overflow = NumberIn("/proc/sys/kernel/overflowgid");
  return gid == overflow && !MapsAllIds("/proc/self/gid_map") ? kUnknownId
                                                              : gid;
}

// But for `gid`.
std::vector<gid_t> GroupsOf(int socket, gid_t gid) {
  std::vector<gid_t> groups;
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result =
        ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    const size_t count = size / sizeof(gid_t);
    // It says how many there are, if that is more.
    const bool more = result != 0 && errno == ERANGE && count > groups.size();
    groups.resize(result == 0 || more ? count : 0);
    if (more) continue;
    std::erase(groups, gid);
    if (groups.empty()) return {};  // as most, of which there may be many
    std::transform(groups.begin(), groups.end(), groups.begin(), KnownGid);
    return groups;
  }
}

}  // namespace

absl::StatusOr<PeerIdentity> IdentifyPeer(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    if (errno == ENOPROTOOPT || errno == EOPNOTSUPP) {
      return absl::NotFoundError("not a UNIX socket");
    }
    return Errno("ask who is connected");
  }
  if (size != sizeof credentials || credentials.pid == 0) {
    // TCP answers with nobody.
    int domain = 0;
    socklen_t domain_size = sizeof domain;
    (void)::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size);
    if (domain != AF_UNIX) return absl::NotFoundError("not a UNIX socket");
  }
  return PeerIdentity{.pid = credentials.pid,
                      .uid = KnownUid(credentials.uid),
                      .gid = KnownGid(credentials.gid),
                      .groups = GroupsOf(socket, credentials.gid)};
}

std::optional<PeerIdentity> PeerOf(int socket) {
  auto known = IdentifyPeer(socket);
  if (known.ok()) return *std::move(known);
  return std::nullopt;
}

}  // namespace deptyr
