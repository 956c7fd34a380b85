// Whether the other side of a TCP connection is still there.
//
// A peer that closed and one that only has no more to say send the same: an end
// of file.  What is sent to the first is answered by a reset, but a program
// that says nothing sends nothing.  Keepalive probes don't help for a minute,
// in which the peer's kernel answers them in its place (tcp_fin_timeout,
// tcp(7)). On the same machine, as behind an ssh that forwards a port, the
// kernel can be asked for the peer's own socket.
#pragma once

#include <optional>

namespace deptyr {

// Whether nobody has the peer's socket open any more.  Nothing: it isn't on
// this machine, or the kernel doesn't tell (no sock_diag(7)).  Never blocks.
std::optional<bool> PeerHasClosed(int socket);

}  // namespace deptyr
