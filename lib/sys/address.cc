#include "lib/sys/address.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/name_service.h"

namespace deptyr {
namespace {

constexpr char kTcp[] = "tcp:";
constexpr char kFd[] = "fd:";

// An IPv4 or an IPv6 address; `any` has the family.
union TcpAddress {
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr any;
};

// Takes what inet_pton(3) takes.  A link-local address names its link, too:
// fe80::1%eth0.
std::optional<TcpAddress> ParseTcpAddress(const std::string& text,
                                          in_port_t port) {
  TcpAddress address{};
  if (::inet_pton(AF_INET, text.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    return address;
  }
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(text, absl::MaxSplits('%', 1));
  address.v6.sin6_scope_id = ::if_nametoindex(parts.second.c_str());
  if ((address.v6.sin6_scope_id == 0 && parts.first != text) ||
      ::inet_pton(AF_INET6, parts.first.c_str(), &address.v6.sin6_addr) != 1) {
    return std::nullopt;
  }
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  return address;
}

absl::StatusOr<TcpAddress> FindTcpAddress(const std::string& host,
                                          in_port_t port) {
  if (const auto address = ParseTcpAddress(host, port)) return *address;
  ASSIGN_OR_RETURN(const std::string found, FindHost(host));
  if (const auto address = ParseTcpAddress(found, port)) return *address;
  return absl::UnavailableError(
      absl::StrCat("getent says of host ", host, ": ", found));
}

bool IsLoopback(const TcpAddress& address) {
  if (address.any.sa_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
  }
  return (ntohl(address.v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

absl::StatusOr<Fd> BindTcp(const TcpAddress& at, const std::string& name) {
  Fd fd(::socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                 0));
  if (!fd.valid()) return Errno("make a TCP socket");
  // A head that restarts must not wait for its old connections to time out.
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), &at.any, sizeof at) != 0 ||
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
  ASSIGN_OR_RETURN(
      const TcpAddress address,
      FindTcpAddress(std::string(host), static_cast<in_port_t>(port)));
  if (!allow_remote && !IsLoopback(address)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " can be reached from other machines, and TCP carries no "
        "authentication; say --allow-remote before it if you mean it"));
  }
  ASSIGN_OR_RETURN(Fd fd, BindTcp(address, name));
  TcpAddress bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), &bound.any, &size) != 0) {
    return Errno("ask the port of ", name);
  }
  const in_port_t real =
      bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port;
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
  if (!by_number) {
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     " is not an address: say a path with a slash, @NAME, "
                     "tcp:HOST:PORT, fd:N, or a name in LISTEN_FDNAMES"));
  }
  if (SocketOption(fd, SO_ACCEPTCONN) != 1) {
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
  if (SocketOption(socket, SO_DOMAIN) == AF_UNIX) return;
  (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  for (const auto& [option, value] :
       {std::pair(TCP_KEEPIDLE, 60), std::pair(TCP_KEEPINTVL, 15),
        std::pair(TCP_KEEPCNT, 4)}) {
    (void)::setsockopt(socket, IPPROTO_TCP, option, &value, sizeof value);
  }
}

std::string PeerNetwork(int socket) {
  TcpAddress peer{};
  socklen_t size = sizeof peer;
  const bool known =
      ::getpeername(socket, &peer.any, &size) == 0 &&
      (peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6);
  if (!known) return "an unknown address";
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr& v6 = peer.v6.sin6_addr;
  if (peer.any.sa_family == AF_INET) {
    (void)::inet_ntop(AF_INET, &peer.v4.sin_addr, text.data(), text.size());
  } else if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    (void)::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
  } else if (IsLoopback(peer)) {
    return "::1";
  } else {
    std::fill(std::begin(v6.s6_addr) + 8, std::end(v6.s6_addr), uint8_t{0});
    (void)::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    return absl::StrCat(text.data(), "/64");
  }
  return text.data();
}

}  // namespace deptyr
