// A log to which we write lines: a pipe or a UNIX socket that a peer passed, or
// a file of our own.
//
//   ASSIGN_OR_RETURN(LogSink sink, LogSink::Take(Fd(fd)));
//   const IoResult moved = sink.MoveFrom(fd, 4096);
//
// The peer and the logger share the open file, so its flags are neither changed
// nor trusted (lib/sys/shared_fd.h), and a write must not wait for them: a
// socket is written to with MSG_DONTWAIT, and a pipe is spliced to, which takes
// such a flag, too.  A pipe is opened again, as an open file of our own; where
// that isn't allowed (another user's, without /proc), or it has a name, and the
// kernel doesn't let us splice, either, we write as little as it surely takes.
#pragma once

#include <optional>

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
  // A regular file that nobody else writes to, except to make it shorter: bytes
  // go to its end.
  static LogSink ForFile(Fd file);

  bool valid() const { return fd_.valid(); }
  // The descriptor, to be watched, and for the program that takes over.
  int fd() const { return fd_.get(); }
  // A file can't be watched: it always takes bytes, or fails.
  bool is_file() const { return kind_ == Kind::kFile; }
  // Moves up to `count` bytes from where the open file `file` stands, and its
  // position with them: both in one call of the kernel unless it is a socket. A
  // pipe refers to the file's pages then.  It doesn't wait; if the peer made it
  // wait all the same, the result says so.
  IoResult MoveFrom(int file, size_t count) const;
  // How many bytes of the pages that were moved a pipe may refer to.
  size_t capacity() const;

 private:
  enum class Kind { kPipe, kSocket, kFile };
  // Nothing if the kernel doesn't do it in one call here.
  std::optional<IoResult> MoveAtOnce(int file, size_t count) const;
  IoResult Write(absl::string_view bytes) const;

  SharedFd fd_;
  Kind kind_ = Kind::kPipe;
};

}  // namespace deptyr
