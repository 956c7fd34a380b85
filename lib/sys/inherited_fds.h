// Descriptors that this process was started with.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/log.h"
#include "lib/sys/fd.h"

namespace deptyr {

struct InheritedFd {
  Fd fd;
  std::string name;
};

// Takes the descriptors that a supervisor passed: those of LISTEN_FDS
// (sd_listen_fds(3)) with their names ("" without LISTEN_FDNAMES), and a
// listening socket on fd 0, as s6-ipcserver-socketbinder passes it, whose place
// /dev/null takes.  Sets close-on-exec on them and removes the variables from
// the environment, so it can be called only once.
std::vector<InheritedFd> TakeInheritedFds();

// Keeps the standard error this process was started with while fd 2 becomes
// something else.  If 0, 1 or 2 are closed, /dev/null fills their places until
// the next exec, so that no descriptor opened later gets such a number.
class OriginalStderr {
 public:
  OriginalStderr();
  // Writes one line, made Printable(); does nothing if fd 2 was closed.
  void Say(absl::string_view line, Severity severity = Severity::kError) const;

 private:
  Fd fd_;
};

}  // namespace deptyr
