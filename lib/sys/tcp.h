// TCP sockets: those that listen, and who is at the other end of a connection.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "lib/sys/unix_socket.h"

namespace deptyr {

// Listens on "tcp:HOST:PORT" (lib/sys/address.h).  The path() of the result has
// the port that was found if PORT is 0.
absl::StatusOr<ListeningSocket> ListenTcp(const std::string& name,
                                          bool allow_remote);

// Makes small writes leave at once, and makes sure that within a minute or two
// we notice a peer that vanished, or that closed on another machine.  Does
// nothing to sockets other than TCP.
void TuneConnection(int socket);

// The address of a TCP peer, "127.0.0.1", for logs and for counting
// connections. For IPv6 it is the network, "2001:db8:1:2::/64", because a user
// who has one address of a network can use all of them.
std::string PeerNetwork(int socket);

// Whether nobody has the peer's socket open any more.  Returns nothing if it
// isn't on this machine, or the kernel doesn't tell (it has no sock_diag(7)).
// Never blocks.
//
// A peer that closed and one that only has no more to say send the same, an end
// of file.  Anything we send to the first is answered by a reset, but a program
// that prints nothing sends nothing.  Keepalive probes don't help for a minute,
// in which the peer's kernel answers them in its place (tcp_fin_timeout,
// tcp(7)).  On the same machine, as behind an ssh that forwards a port, we can
// ask the kernel for the peer's own socket.
std::optional<bool> PeerHasClosed(int socket);

}  // namespace deptyr
