#include "lib/sys/tcp_peer.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "lib/sys/fd.h"

namespace deptyr {
namespace {

// An end of a connection, as sock_diag(7) wants it.
struct End {
  sa_family_t family = AF_UNSPEC;
  in_port_t port = 0;
  uint32_t address[4] = {};
  bool is_loopback = false;
};

End Decode(const sockaddr_storage& storage) {
  End end{.family = storage.ss_family};
  if (end.family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    end.port = v4.sin_port;
    end.address[0] = v4.sin_addr.s_addr;
    end.is_loopback = ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  } else if (end.family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    end.port = v6.sin6_port;
    std::memcpy(end.address, &v6.sin6_addr, sizeof end.address);
    end.is_loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
                      (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) &&
                       ntohl(end.address[3]) >> 24 == IN_LOOPBACKNET);
  }
  return end;
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

std::optional<bool> PeerHasClosed(int socket) {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t our_size = sizeof ours;
  socklen_t their_size = sizeof theirs;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&ours), &our_size) !=
          0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&theirs),
                    &their_size) != 0) {
    return std::nullopt;
  }
  const End us = Decode(ours);
  const End peer = Decode(theirs);
  if (peer.port == 0) return std::nullopt;  // no TCP
  // The peer's socket, seen from its side.
  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = static_cast<uint8_t>(peer.family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = UINT32_MAX;
  request.body.id.idiag_sport = peer.port;
  request.body.id.idiag_dport = us.port;
  std::memcpy(request.body.id.idiag_src, peer.address, sizeof peer.address);
  std::memcpy(request.body.id.idiag_dst, us.address, sizeof us.address);
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
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
  const bool found = answer.header.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
                     answer.body.idiag_state != TCP_LISTEN;
  if (found) return answer.body.idiag_inode == 0;
  const bool is_none = answer.header.nlmsg_type == SOCK_DIAG_BY_FAMILY ||
                       answer.error.error == -ENOENT;
  if (is_none && peer.is_loopback) return true;
  return std::nullopt;
}

}  // namespace deptyr
