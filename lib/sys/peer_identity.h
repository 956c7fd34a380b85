// Who is at the other end of a UNIX socket, as the kernel says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace deptyr {

// The uid or gid of a peer who has none in our user namespace.  The kernel's
// number for those is the one of the user nobody, who may well be somebody.
// Where it can't be found out which number that is, all that it might be is
// unknown, too: who somebody is, is never guessed.
inline constexpr uint32_t kUnknownId = UINT32_MAX;

// "1000", or "unknown".
std::string UidText(uid_t uid);

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
// FailedPrecondition where it can't: "it can't tell users ...; what to do".
absl::Status CheckIdentities();
// The same as IdentifyPeer(); nothing where the kernel can't tell (TCP).
std::optional<PeerIdentity> PeerOf(int socket);

}  // namespace deptyr
