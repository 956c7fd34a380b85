// Tells whether the other side of a TCP connection is still there.
//
// A peer that closed and one that only has no more to say send the same, an end
// of file.  Anything we send to the first is answered by a reset, but a program
// that prints nothing sends nothing.  Keepalive probes don't help for a minute,
// in which the peer's kernel answers them in its place (tcp_fin_timeout,
// tcp(7)).  On the same machine, as behind an ssh that forwards a port, we can
// ask the kernel for the peer's own socket.
#pragma once

#include <optional>

namespace deptyr {

// Whether nobody has the peer's socket open any more.  Returns nothing if it
// isn't on this machine, or the kernel doesn't tell (it has no sock_diag(7)).
// Never blocks.
std::optional<bool> PeerHasClosed(int socket);

}  // namespace deptyr
