// A descriptor whose open file is shared with processes that aren't trusted:
// the controlling end of a PTY that a peer passed and may have kept.
//
// O_NONBLOCK, and everything else that F_SETFL sets (fcntl(2)), belongs to the
// open file.  So we never set anything there: F_SETFL would put into our name
// what the peer has asked for (O_ASYNC makes us the owner that SIGIO is sent
// to, and the peer chooses the signal with F_SETSIG).  Nor do we believe
// anything: a peer can clear O_NONBLOCK at any time.  A call that then waits is
// broken off by the loop's watchdog (lib/sys/watchdog.h), and its result says
// `waited`.
//
//   SharedFd controller(std::move(passed));
//   IoResult got = controller.Read(room);
//   if (got.waited) ... drop the peer that passed it ...
#pragma once

#include <span>

#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {

class [[nodiscard]] SharedFd {
 public:
  SharedFd() = default;
  // A descriptor that blocks works, too, with more system calls: a runtime or
  // an older body passes one.
  explicit SharedFd(Fd fd);

  bool valid() const { return fd_.valid(); }
  int get() const { return fd_.get(); }
  void Reset() { fd_.Reset(); }
  // Whether the descriptor was non-blocking at first and blocks now.
  bool MadeToBlock() const { return !blocks_ && Blocks(); }

  // These do what ReadSome() and WriteSome() do, except that Write() may take
  // less. `waited` means that the call had to wait and was broken off.  Without
  // a watchdog it waits for as long as the peer likes.
  IoResult Read(std::span<char> room) const;
  IoResult Write(absl::string_view bytes) const;

 private:
  bool Blocks() const;

  Fd fd_;
  bool blocks_ = false;
};

}  // namespace deptyr
