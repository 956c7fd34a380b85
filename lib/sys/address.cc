#include "lib/sys/address.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr char kTcp[] = "tcp:";
constexpr char kFd[] = "fd:";

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

absl::StatusOr<Fd> BindTcp(const addrinfo& at, const std::string& name) {
  Fd fd(::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return Errno("make a TCP socket");
  // A head that restarts must not wait for its old connections to time out.
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), at.ai_addr, at.ai_addrlen) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0) {
    return Errno("listen on ", name);
  }
  return fd;
}

absl::StatusOr<ListeningSocket> ListenTcp(const std::string& name,
                                          bool allow_remote) {
  absl::string_view rest = name;
  (void)absl::ConsumePrefix(&rest, kTcp);
  const size_t colon = rest.rfind(':');
  absl::string_view host = rest.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) (void)absl::ConsumeSuffix(&host, "]");
  int port = 0;
  if (colon == absl::string_view::npos || host.empty() ||
      !absl::SimpleAtoi(rest.substr(colon + 1), &port) || port < 0 ||
      port > UINT16_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": say tcp:HOST:PORT, as in tcp:127.0.0.1:4000"));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(std::string(host).c_str(),
                                  absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("find the address of ", name,
                                               ": ", ::gai_strerror(error),
                                               "; see getent hosts ", host));
  }
  const absl::Cleanup release = [found] { ::freeaddrinfo(found); };
  if (!allow_remote && !IsLoopback(found->ai_addr)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " can be reached from other machines, and TCP carries no "
        "authentication; say --allow-remote before it if you mean it"));
  }
  ASSIGN_OR_RETURN(Fd fd, BindTcp(*found, name));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  auto* const address = reinterpret_cast<sockaddr*>(&bound);
  if (::getsockname(fd.get(), address, &size) != 0) {
    return Errno("ask the port of ", name);
  }
  const in_port_t real =
      bound.ss_family == AF_INET
          ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
          : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port;
  return ListeningSocket(
      std::move(fd),
      absl::StrCat(name.substr(0, name.rfind(':') + 1), ntohs(real)));
}

absl::StatusOr<ListeningSocket> TakeInherited(const std::string& name,
                                              const ListenOptions& options) {
  absl::string_view number = name;
  int fd = -1;
  const bool by_number =
      absl::ConsumePrefix(&number, kFd) && absl::SimpleAtoi(number, &fd);
  if (options.inherited != nullptr) {
    for (InheritedFd& candidate : *options.inherited) {
      if (by_number ? candidate.fd.get() != fd : candidate.name != name) {
        continue;
      }
      RETURN_IF_ERROR(SetNonBlocking(candidate.fd.get()));
      return ListeningSocket(std::move(candidate.fd), name);
    }
  }
  int listening = 0;
  socklen_t size = sizeof listening;
  if (!by_number) {
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     " is not an address: say a path with a slash, @NAME, "
                     "tcp:HOST:PORT, fd:N, or a name in LISTEN_FDNAMES"));
  }
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      listening == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not an inherited listening socket"));
  }
  Fd owned(fd);
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  RETURN_IF_ERROR(SetNonBlocking(fd));
  return ListeningSocket(std::move(owned), name);
}

}  // namespace

SocketKind KindOf(int socket) {
  sockaddr_un bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      bound.sun_family != AF_UNIX) {
    return SocketKind::kTcp;
  }
  return bound.sun_path[0] == '\0' ? SocketKind::kAbstract : SocketKind::kFile;
}

absl::StatusOr<ListeningSocket> ListenAt(const std::string& address,
                                         const ListenOptions& options) {
  if (absl::StartsWith(address, kTcp))
    return ListenTcp(address, options.allow_remote);
  if (absl::StartsWith(address, "@")) return ListenAbstract(address);
  if (absl::StrContains(address, "/")) return Listen(address, options.rights);
  return TakeInherited(address, options);
}

void TuneConnection(int socket) {
  const int on = 1;
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int domain = 0;
  socklen_t size = sizeof domain;
  (void)::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (domain != AF_UNIX) {
    (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    // A TCP peer that closed and one that only has no more to say look alike,
    // until it is asked.
    for (const auto& [option, value] :
         {std::pair(TCP_KEEPIDLE, 60), std::pair(TCP_KEEPINTVL, 15),
          std::pair(TCP_KEEPCNT, 4)}) {
      (void)::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);
    }
  }
}

}  // namespace deptyr
