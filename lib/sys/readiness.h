// Reports our state to a supervisor: to systemd over NOTIFY_SOCKET
// (sd_notify(3)), to s6 by a newline on a descriptor (its notification-fd).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

class Readiness {
 public:
  // Removes NOTIFY_SOCKET from the environment.  A negative `ready_fd` is none.
  explicit Readiness(int ready_fd);

  void Ready();
  void Stopping();
  // Sets the line that `systemctl status` shows.  Never blocks; returns false
  // if the receiver has no room now.
  bool Status(absl::string_view text);
  // Sends a message with a copy of `fd` beside it (none if negative).  Returns
  // Unavailable if nobody took it within a second.
  absl::Status NotifyWithFd(absl::string_view message, int fd);
  // Whether there is a socket to report to.
  bool is_notified() const { return socket_.valid(); }
  // Puts NOTIFY_SOCKET back into the environment for a program that takes over,
  // or removes it again.
  void ShowSocket(bool show) const;

 private:
  bool Notify(absl::string_view message);

  std::string name_;  // "" if there is none
  UnixAddress address_{};
  Fd socket_;
  Fd ready_fd_;
};

}  // namespace deptyr
