// Descriptors that came with the process.
#pragma once

#include <string>
#include <vector>

#include "lib/sys/fd.h"

namespace deptyr {

// The descriptors a supervisor passed: by LISTEN_FDS (sd_listen_fds(3)), with
// their names ("" without LISTEN_FDNAMES), and a listening socket on fd 0, as
// s6-ipcserver-socketbinder gives it (/dev/null takes its place).
// Close-on-exec is set on them and the variables are taken out of the
// environment, so ask once.
struct InheritedFd {
  Fd fd;
  std::string name;
};
std::vector<InheritedFd> TakeInheritedFds();

}  // namespace deptyr
