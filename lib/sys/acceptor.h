// Accepts connections at a listening socket and gives each away.  When the
// process has run out of descriptors it pauses, and peers wait in the socket's
// backlog.
#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

class Acceptor {
 public:
  // `take` must not destroy the acceptor.
  Acceptor(EventLoop& loop, ListeningSocket socket,
           absl::AnyInvocable<void(Fd)> take);
  Acceptor(Acceptor&&) = delete;

  const ListeningSocket& socket() const { return socket_; }

 private:
  void OnReadable();

  EventLoop& loop_;
  ListeningSocket socket_;
  absl::AnyInvocable<void(Fd)> take_;
  bool out_of_descriptors_ = false;
  Timer pause_;
  Watch watch_;
};

}  // namespace deptyr
