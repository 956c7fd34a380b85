// Closes what strangers passed, where close(2) may wait for somebody else:
//   - A file is flushed by each close, and the server of a file system (FUSE)
//     answers when it likes.  Only SIGKILL ends that wait.
//   - A TCP connection may linger (SO_LINGER, socket(7)), a serial line drain,
//     also as one that is in what a UNIX socket hasn't been read of.
//   - The last close of a PTY's controlling end hangs its terminal up, and
//     nothing ends the wait for a process that is in write(2) there, and whose
//     data is in such a file (tty_ldisc_hangup(), Linux 5.4 to 6.18).
//
//   SlowCloser closer(loop);
//   closer.Use();
//   SlowCloser::Close(uid, Fd(fd));
//   const bool enough = closer.CountOf(uid) > 10;
//
// Each that may wait gets a thread, which does nothing else and ends with it.
// While there may be no more threads, it stays open, and is tried again.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"

namespace deptyr {

class SlowCloser {
 public:
  explicit SlowCloser(EventLoop& loop);
  SlowCloser(SlowCloser&&) = delete;
  ~SlowCloser();

  // Close() uses this one from now on.
  void Use() { in_use = this; }
  // Closes a descriptor that this user passed, or has.  Waits for it if no
  // SlowCloser is in use.
  static void Close(uid_t uid, Fd fd);
  // Whether a terminal's close has waited for some time.  If this process
  // replaced itself, execve(2) would wait for that thread.
  static bool TerminalsWait();
  // How many of this user's are still being closed.
  size_t CountOf(uid_t uid);

 private:
  struct Closing;

  static bool MayWait(int fd, bool is_controller);
  void StartAll();

  inline static SlowCloser* in_use = nullptr;
  EventLoop& loop_;
  Timer again_;
  std::vector<std::shared_ptr<Closing>> closings_;
};

}  // namespace deptyr
