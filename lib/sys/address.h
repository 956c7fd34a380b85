// Where clients connect, as people write it:
//
//   /run/console.sock     a path
//   @console              an abstract name (unix(7))
//   tcp:127.0.0.1:4000    TCP; tcp:[::1]:4000; port 0: any
//   fd:3                  a listening socket that was inherited, by number
//   console               one from LISTEN_FDS, by its LISTEN_FDNAMES name
//
//   ASSIGN_OR_RETURN(ListeningSocket s, ListenAt("tcp:localhost:4000",
//   options));
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/sys/inherited_fds.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

struct ListenOptions {
  SocketRights rights;                            // of a path's file
  bool allow_remote = false;                      // TCP beyond loopback
  std::vector<InheritedFd>* inherited = nullptr;  // taken from
};

absl::StatusOr<ListeningSocket> ListenAt(const std::string& address,
                                         const ListenOptions& options);

// What a socket is bound to, whoever bound it.
enum class SocketKind { kFile, kAbstract, kTcp };
SocketKind KindOf(int socket);

// Small writes leave at once, and a peer that vanished, or closed on another
// machine (lib/sys/tcp_peer.h), is noticed after a minute or two.  Does nothing
// to sockets other than TCP.
void TuneConnection(int socket);
// Where a TCP peer is, for counting and for people: "127.0.0.1".  Of IPv6 it is
// the network, "2001:db8:1:2::/64", for whoever has one address there has all.
std::string PeerNetwork(int socket);

}  // namespace deptyr
