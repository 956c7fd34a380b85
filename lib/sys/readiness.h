// Telling a supervisor how we are: systemd by NOTIFY_SOCKET (sd_notify(3)), s6
// by a newline on a descriptor (its notification-fd).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
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
  // A message with a copy of `fd` beside it (< 0: none).  Unavailable if nobody
  // took it within a second.
  absl::Status NotifyWithFd(absl::string_view message, int fd);
  // Whether there is somebody to be told.
  bool is_notified() const { return socket_.valid(); }
  // For a program that takes over: NOTIFY_SOCKET as it was, or gone again.
  void ShowSocket(bool show) const;

 private:
  bool Notify(absl::string_view message);
  std::pair<sockaddr_un, socklen_t> Address() const;

  std::string address_;
  Fd socket_;
  Fd ready_fd_;
};

}  // namespace deptyr
