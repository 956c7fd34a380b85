// Makes sockets as other programs do, by bind(2) with a path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "lib/sys/fd.h"

namespace deptyr {

// Nobody listens at this socket: once the descriptor is closed, it is stale.
inline Fd BindSocket(const std::string& path, int type = SOCK_STREAM) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                          path.size())),
            0);
  return fd;
}

inline Fd BindAndListen(const std::string& path) {
  Fd fd = BindSocket(path);
  EXPECT_EQ(::listen(fd.get(), SOMAXCONN), 0);
  return fd;
}

}  // namespace deptyr
