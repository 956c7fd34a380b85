// A descriptor whose open file is shared with processes that aren't trusted:
// the controlling end of a PTY that a peer passed and may have kept.
//
// O_NONBLOCK, and everything else that F_SETFL sets (fcntl(2)), belongs to the
// open file.  We never set anything there: F_SETFL would put into our name what
// the peer has asked for (O_ASYNC sends us SIGIO, or a signal that the peer
// chooses with F_SETSIG).  A peer can also clear O_NONBLOCK at any time.  A
// call that then waits is broken off by the loop's watchdog
// (lib/sys/watchdog.h), and its result says `waited`.
#pragma once

#include <sys/types.h>

#include <span>
#include <utility>

#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

class [[nodiscard]] SharedFd {
 public:
  SharedFd() = default;
  // A descriptor that blocks works, too, with more system calls.  It is closed
  // for this user (lib/sys/slow_closer.h).
  explicit SharedFd(Fd fd, uid_t uid = kUnknownId);
  SharedFd(SharedFd&&) noexcept = default;
  SharedFd& operator=(SharedFd&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    fd_ = std::move(other.fd_);
    uid_ = other.uid_;
    blocks_ = other.blocks_;
    return *this;
  }
  ~SharedFd() { Reset(); }

  bool valid() const { return fd_.valid(); }
  int get() const { return fd_.get(); }
  void Reset();
  // Whether the descriptor was non-blocking at first and blocks now.
  bool MadeToBlock() const { return !blocks_ && Blocks(); }

  // These do what ReadSome() and WriteSome() do, except that Write() may take
  // less.  Without a watchdog they wait for as long as the peer likes.
  IoResult Read(std::span<char> room) const;
  IoResult Write(absl::string_view bytes) const;

 private:
  bool Blocks() const;

  Fd fd_;
  uid_t uid_ = kUnknownId;
  bool blocks_ = false;
};

}  // namespace deptyr
