// Two connected UNIX sockets, close-on-exec.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdlib>

#include "lib/sys/fd.h"

namespace deptyr {

struct SocketPair {
  explicit SocketPair(int type = SOCK_STREAM) {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()) != 0) {
      std::abort();
    }
    ours = Fd(fds[0]);
    theirs = Fd(fds[1]);
  }
  Fd ours;
  Fd theirs;
};

}  // namespace deptyr
