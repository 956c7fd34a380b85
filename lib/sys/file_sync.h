// Has the kernel put on the disk what was written to a file, and doesn't wait.
//
//   FileSync sync(loop, [](const absl::Status& done) { ... });
//   RETURN_IF_ERROR(sync.Start(fd));
//
// fdatasync(2) returns when the disk has all of it, which may take seconds.
// io_submit(2) has the kernel do the same beside us (IOCB_CMD_FDSYNC, since
// Linux 4.18).
#pragma once

#include <linux/aio_abi.h>

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"

namespace deptyr {

class FileSync {
 public:
  // `done` is called at the end of each; it may start another.
  FileSync(EventLoop& loop, absl::AnyInvocable<void(const absl::Status&)> done)
      : loop_(loop), done_(std::move(done)) {}
  FileSync(FileSync&&) = delete;
  // Waits for those that are under way, as the end of the process would.
  ~FileSync();

  // Whether one is under way.
  bool busy() const { return running_ > 0; }
  // All that was written to the file up to now is on its disk when `done` is
  // called with OK.  The file may be closed meanwhile.  InvalidArgument if the
  // file has no disk; Unavailable if the kernel can't do it now, or at all
  // (seccomp(2)).
  absl::Status Start(int file);

 private:
  absl::Status Open();
  void OnDone();

  EventLoop& loop_;
  absl::AnyInvocable<void(const absl::Status&)> done_;
  aio_context_t context_ = 0;
  Fd ended_;  // an eventfd
  Watch watch_;
  int running_ = 0;
};

}  // namespace deptyr
