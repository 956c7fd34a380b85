// An address to listen at, as people write it:
//
//   /run/console.sock     a path
//   @console              an abstract name (unix(7))
//   tcp:127.0.0.1:4000    TCP; also tcp:[::1]:4000; port 0 means any
//   fd:3                  an inherited listening socket, by its number
//   console               one from LISTEN_FDS, by its name in LISTEN_FDNAMES
//
//   ASSIGN_OR_RETURN(ListeningSocket console,
//                    ListenAt("tcp:localhost:4000", options));
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/sys/inherited_fds.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

struct ListenOptions {
  SocketRights rights;                            // for a path's file
  bool allow_remote = false;                      // TCP beyond loopback
  std::vector<InheritedFd>* inherited = nullptr;  // the one used is removed
};

absl::StatusOr<ListeningSocket> ListenAt(const std::string& address,
                                         const ListenOptions& options);

// The kind of address a socket is bound to, whoever bound it.
enum class SocketKind { kFile, kAbstract, kTcp };
SocketKind KindOf(int socket);

// Makes small writes leave at once, and makes sure that within a minute or two
// we notice a peer that vanished, or that closed on another machine
// (lib/sys/tcp_peer.h).  Does nothing to sockets other than TCP.
void TuneConnection(int socket);
// The address of a TCP peer, "127.0.0.1", for logs and for counting
// connections. For IPv6 it is the network, "2001:db8:1:2::/64", because a user
// who has one address of a network can use all of them.
std::string PeerNetwork(int socket);

}  // namespace deptyr
