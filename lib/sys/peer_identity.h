// Identifies the user at the other end of a UNIX socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace deptyr {

// The uid or gid of a peer that has none in our user namespace.  The kernel
// reports the number of the user nobody for it, which may also be a real
// user's. If we can't find out which number that is, every id that it might be
// is unknown.
inline constexpr uint32_t kUnknownId = UINT32_MAX;

std::string UidText(uid_t uid);  // "1000", or "unknown"
// Returns kUnknownId for a number that the kernel may have told in place of a
// user's without one here, as in /proc/PID/status.
uid_t KnownUid(uid_t uid);

// The process that called connect(2), as it was then, in our namespaces
// (SO_PEERCRED and SO_PEERGROUPS, unix(7)).  The pid is 0 if it isn't visible
// from here.
struct PeerIdentity {
  pid_t pid = 0;
  uid_t uid = kUnknownId;
  gid_t gid = kUnknownId;
  std::vector<gid_t> groups = {};  // without gid
};
// Returns kUnknownId for an unknown peer, for example over TCP.
inline uid_t UidOf(const std::optional<PeerIdentity>& who) {
  return who ? who->uid : kUnknownId;
}
// Returns NotFound for a socket that isn't a UNIX one.
absl::StatusOr<PeerIdentity> IdentifyPeer(int socket);
// Does the same, and returns nothing if the kernel can't tell (TCP).
std::optional<PeerIdentity> PeerOf(int socket);
// Returns FailedPrecondition, with advice, if users can't be told apart here.
absl::Status CheckIdentities();

}  // namespace deptyr
