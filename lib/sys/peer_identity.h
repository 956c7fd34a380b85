// Who is at the other end of a UNIX socket, as the kernel says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

namespace deptyr {

// The uid or gid of a peer who has none in our user namespace.  The kernel's
// number for those is the one of the user nobody, who may well be somebody.
inline constexpr uint32_t kUnknownId = UINT32_MAX;

// SO_PEERCRED and SO_PEERGROUPS, unix(7): the process that called connect(2),
// as it was then, in our namespaces; pid 0 where it is not visible from here.
struct PeerIdentity {
  pid_t pid = 0;
  uid_t uid = kUnknownId;
  gid_t gid = kUnknownId;
  std::vector<gid_t> groups = {};  // besides gid
};
// kUnknownId for who isn't known, over TCP for example.
inline uid_t UidOf(const std::optional<PeerIdentity>& who) {
  return who ? who->uid : kUnknownId;
}
// NotFound for a socket that isn't a UNIX one.
absl::StatusOr<PeerIdentity> IdentifyPeer(int socket);
// The same; nothing where the kernel can't tell (TCP).
std::optional<PeerIdentity> PeerOf(int socket);

}  // namespace deptyr
