#include "lib/sys/tcp.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/sys/name_service.h"

namespace deptyr {
namespace {

// An IPv4 or an IPv6 address.  Family and port are at the same place in both.
union TcpAddress {
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr any;
};

// `ask` is getsockname(2) or getpeername(2).
std::optional<TcpAddress> AskAddress(decltype(::getsockname)* ask, int socket) {
  TcpAddress address{};
  socklen_t size = sizeof address;
  const bool known =
      ask(socket, &address.any, &size) == 0 &&
      (address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6);
  if (!known) return std::nullopt;
  return address;
}

// Takes what inet_pton(3) takes.  A link-local address names its link, too:
// fe80::1%eth0.
std::optional<TcpAddress> ParseTcpAddress(const std::string& text,
                                          in_port_t port) {
  TcpAddress address{};
  address.v4.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.c_str(), &address.v4.sin_addr) == 1) {
    address.any.sa_family = AF_INET;
    return address;
  }
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(text, absl::MaxSplits('%', 1));
  address.any.sa_family = AF_INET6;
  address.v6.sin6_scope_id = ::if_nametoindex(parts.second.c_str());
  if ((address.v6.sin6_scope_id == 0 && parts.first != text) ||
      ::inet_pton(AF_INET6, parts.first.c_str(), &address.v6.sin6_addr) != 1) {
    return std::nullopt;
  }
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

// The four bytes of an IPv4 address, which IPv6 may have mapped; or nullptr.
const uint8_t* V4Bytes(const TcpAddress& address) {
  const in6_addr& v6 = address.v6.sin6_addr;
  if (address.any.sa_family == AF_INET) {
    return reinterpret_cast<const uint8_t*>(&address.v4.sin_addr);
  }
  return IN6_IS_ADDR_V4MAPPED(&v6) ? &v6.s6_addr[12] : nullptr;
}

bool IsLoopback(const TcpAddress& address) {
  const uint8_t* const v4 = V4Bytes(address);
  return v4 != nullptr ? *v4 == IN_LOOPBACKNET
                       : IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
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

// An end of a connection, as sock_diag(7) wants it.
void CopyAddress(const TcpAddress& from, uint32_t (&to)[4]) {
  if (from.any.sa_family == AF_INET) {
    to[0] = from.v4.sin_addr.s_addr;
  } else {
    std::memcpy(to, &from.v6.sin6_addr, sizeof to);
  }
}

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};
struct Answer {
  nlmsghdr header;
  union {
    nlmsgerr error;
    inet_diag_msg body;
  };
  char attributes[1024];
};

}  // namespace

absl::StatusOr<ListeningSocket> ListenTcp(const std::string& name,
                                          bool allow_remote) {
  absl::string_view rest = name;
  (void)absl::ConsumePrefix(&rest, "tcp:");
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
  const auto bound = AskAddress(::getsockname, fd.get());
  if (!bound) return Errno("ask the port of ", name);
  return ListeningSocket(std::move(fd),
                         absl::StrCat(name.substr(0, name.rfind(':') + 1),
                                      ntohs(bound->v4.sin_port)));
}

void TuneConnection(int socket) {
  if (SocketOption(socket, SO_DOMAIN) == AF_UNIX) return;
  const auto set = [socket](int level, int option, int value) {
    (void)::setsockopt(socket, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

std::string PeerNetwork(int socket) {
  std::optional<TcpAddress> peer = AskAddress(::getpeername, socket);
  if (!peer) return "an unknown address";
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (const uint8_t* const v4 = V4Bytes(*peer)) {
    return ::inet_ntop(AF_INET, v4, text.data(), text.size());
  }
  if (IsLoopback(*peer)) return "::1";
  auto& bytes = peer->v6.sin6_addr.s6_addr;
  std::fill(std::begin(bytes) + 8, std::end(bytes), uint8_t{0});
  return absl::StrCat(::inet_ntop(AF_INET6, bytes, text.data(), text.size()),
                      "/64");
}

std::optional<bool> PeerHasClosed(int socket) {
  const auto us = AskAddress(::getsockname, socket);
  const auto peer = AskAddress(::getpeername, socket);
  if (!us || !peer) return std::nullopt;
  // The peer's socket, seen from its side.
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = static_cast<uint8_t>(peer->any.sa_family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = UINT32_MAX;
  inet_diag_sockid& id = request.body.id;
  id.idiag_sport = peer->v4.sin_port;
  id.idiag_dport = us->v4.sin_port;
  CopyAddress(*peer, id.idiag_src);
  CopyAddress(*us, id.idiag_dst);
  std::fill_n(id.idiag_cookie, std::size(id.idiag_cookie), INET_DIAG_NOCOOKIE);
  const Fd kernel(::socket(AF_NETLINK,
                           SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                           NETLINK_SOCK_DIAG));
  Answer answer{};
  if (::send(kernel.get(), &request, sizeof request, 0) < 0) {
    return std::nullopt;
  }
  // It has been answered by now.
  const ssize_t size = ::recv(kernel.get(), &answer, sizeof answer, 0);
  if (size < static_cast<ssize_t>(sizeof answer.header + sizeof(nlmsgerr))) {
    return std::nullopt;
  }
  const bool answered = answer.header.nlmsg_type == SOCK_DIAG_BY_FAMILY;
  if (answered && answer.body.idiag_state != TCP_LISTEN) {
    return answer.body.idiag_inode == 0;
  }
  const bool is_none = answered || answer.error.error == -ENOENT;
  if (is_none && IsLoopback(*peer)) return true;
  return std::nullopt;
}

}  // namespace deptyr
