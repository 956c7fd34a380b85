// Descriptors that this process was started with.
#pragma once

#include <string>
#include <vector>

#include "lib/sys/fd.h"

namespace deptyr {

// Takes the descriptors that a supervisor passed: those of LISTEN_FDS
// (sd_listen_fds(3)) with their names ("" without LISTEN_FDNAMES), and a
// listening socket on fd 0, as s6-ipcserver-socketbinder passes it, whose place
// /dev/null takes.  Sets close-on-exec on them and removes the variables from
// the environment, so it can be called only once.
struct InheritedFd {
  Fd fd;
  std::string name;
};
std::vector<InheritedFd> TakeInheritedFds();

}  // namespace deptyr
