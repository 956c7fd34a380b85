// Telling a supervisor how we are: systemd by NOTIFY_SOCKET (sd_notify(3)), s6
// by a newline on a descriptor (its notification-fd).
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

class Readiness {
 public:
  // NOTIFY_SOCKET is taken out of the environment.  `ready_fd` < 0: none.
  explicit Readiness(int ready_fd);

  void Ready();
  void Stopping();
  // One line of text that `systemctl status` shows.  Never blocks; false if
  // the receiver had no room now.
  bool Status(absl::string_view text);

 private:
  bool Notify(absl::string_view message);
  std::string address_;
  Fd socket_;
  Fd ready_fd_;
};

}  // namespace deptyr
