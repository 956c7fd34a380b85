// An address to listen at, as people write it:
//
//   /run/console.sock     a path
//   @console              an abstract name (unix(7))
//   tcp:127.0.0.1:4000    TCP; also tcp:[::1]:4000; port 0 means any
//   fd:3                  an inherited listening socket, by its number
//   console               one from LISTEN_FDS, by its name in LISTEN_FDNAMES
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

}  // namespace deptyr
