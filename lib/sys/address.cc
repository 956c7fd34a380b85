#include "lib/sys/address.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/tcp.h"

namespace deptyr {
namespace {

absl::StatusOr<ListeningSocket> TakeInherited(const std::string& name,
                                              const ListenOptions& options) {
  absl::string_view number = name;
  int fd = -1;
  const bool by_number =
      absl::ConsumePrefix(&number, "fd:") && absl::SimpleAtoi(number, &fd);
  Fd found;
  if (options.inherited != nullptr) {
    for (InheritedFd& candidate : *options.inherited) {
      if (by_number ? candidate.fd.get() == fd : candidate.name == name) {
        found = std::move(candidate.fd);
        break;
      }
    }
  }
  if (!found.valid() && !by_number) {
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     " is not an address: say a path with a slash, @NAME, "
                     "tcp:HOST:PORT, fd:N, or a name in LISTEN_FDNAMES"));
  }
  if (!found.valid()) {
    if (SocketOption(fd, SO_ACCEPTCONN) != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is not an inherited listening socket"));
    }
    found = Fd(fd);
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  RETURN_IF_ERROR(SetNonBlocking(found.get()));
  return ListeningSocket(std::move(found), name);
}

}  // namespace

absl::StatusOr<ListeningSocket> ListenAt(const std::string& address,
                                         const ListenOptions& options) {
  if (absl::StartsWith(address, "tcp:"))
    return ListenTcp(address, options.allow_remote);
  if (absl::StartsWith(address, "@")) return ListenAbstract(address);
  if (absl::StrContains(address, "/")) return Listen(address, options.rights);
  return TakeInherited(address, options);
}

SocketKind KindOf(int socket) {
  sockaddr_un bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      bound.sun_family != AF_UNIX) {
    return SocketKind::kTcp;
  }
  return bound.sun_path[0] == '\0' ? SocketKind::kAbstract : SocketKind::kFile;
}

}  // namespace deptyr
