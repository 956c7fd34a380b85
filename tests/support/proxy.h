// A way to a UNIX socket that can be cut.  Whoever connects to `path` is
// connected to `target` until the object goes, and all its connections with it.
//
//   std::optional<Proxy> proxy(std::in_place, head.socket(), path);
//   proxy.reset();   // every client reads to the end
#pragma once

#include <string>

#include "lib/sys/unix_socket.h"
#include "tests/support/program.h"

namespace deptyr {

class Proxy {
 public:
  Proxy(const std::string& target, const std::string& path);

 private:
  const ListeningSocket listener_;
  Program process_;
};

}  // namespace deptyr
