// A log that a peer passed: a pipe, or a UNIX socket, to which we write lines.
//
//   ASSIGN_OR_RETURN(LogSink sink, LogSink::Take(Fd(fd)));
//   bytes.remove_prefix(sink.Write(bytes).bytes);
//
// The peer and the logger share the open file, so its flags are neither changed
// nor trusted (lib/sys/shared_fd.h), and a write must not wait for them.  A
// socket is written to with MSG_DONTWAIT.  A pipe is opened again, as an open
// file of our own; where that isn't allowed (another user's, without /proc),
// we write as little as it surely takes.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"
#include "lib/sys/shared_fd.h"

namespace deptyr {

// Whether lines can be written to it: a pipe or a UNIX stream socket, but no
// file, terminal or other device.
bool IsLog(int fd);

class [[nodiscard]] LogSink {
 public:
  LogSink() = default;
  // InvalidArgument if it isn't a log.
  static absl::StatusOr<LogSink> Take(Fd fd);

  bool valid() const { return fd_.valid(); }
  // The descriptor, to be watched, and for the program that takes over.
  int fd() const { return fd_.get(); }
  // Writes once, whole lines as far as the kernel takes them in one piece.  It
  // doesn't wait; if the peer made it wait all the same, the result says so.
  IoResult Write(absl::string_view lines) const;

 private:
  SharedFd fd_;
  bool socket_ = false;
};

}  // namespace deptyr
