// A descriptor whose open file others share, who aren't trusted: the
// controlling end of a PTY that a peer passed, and may have kept.
//
// O_NONBLOCK, and all else that fcntl(2) sets by F_SETFL, belongs to the open
// file.  So nothing is ever set there: F_SETFL would put into our name what the
// peer has asked for (O_ASYNC makes us the owner that SIGIO is sent to, and the
// peer chooses the signal, F_SETSIG).  And nothing is believed: a peer can
// clear O_NONBLOCK at any time.  A call that then waits is broken off by the
// loop's watchdog (lib/sys/watchdog.h) and says so, `waited`.
//
//   SharedFd controller(std::move(passed));
//   IoResult got = controller.Read(room);
//   if (got.waited) ... whoever passed it is no good ...
#pragma once

#include <span>

#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {

class [[nodiscard]] SharedFd {
 public:
  SharedFd() = default;
  // One that blocks is served, too, with more system calls: a runtime or an
  // older body passes such.
  explicit SharedFd(Fd fd);

  bool valid() const { return fd_.valid(); }
  int get() const { return fd_.get(); }
  void Reset() { fd_.Reset(); }
  // It was left non-blocking, and has been made to block since.
  bool MadeToBlock() const { return !blocks_ && Blocks(); }

  // As ReadSome() and WriteSome(), of which the latter may take less here.
  // `waited`: the call had to wait, and was broken off.  Without a watchdog it
  // waits as long as the peer likes.
  IoResult Read(std::span<char> room) const;
  IoResult Write(absl::string_view bytes) const;

 private:
  bool Blocks() const;

  Fd fd_;
  bool blocks_ = false;
};

}  // namespace deptyr
