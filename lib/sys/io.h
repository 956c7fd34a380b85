// Reads or writes once on a descriptor that doesn't block.  The usual outcomes
// are values, not errors.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

enum class IoState {
  kDone,        // `bytes` were moved, at least one
  kWouldBlock,  // nothing can be moved now
  kEnd,         // nothing ever again: end of file, EIO, no reader
  kError,       // errno says why
};

struct IoResult {
  IoState state;
  size_t bytes = 0;
  bool waited = false;  // it had to wait (lib/sys/shared_fd.h)
};

// These translate the result of read(2), write(2) and the like, with its errno.
IoResult ResultOfRead(ssize_t count);
IoResult ResultOfWrite(ssize_t count);

// EIO becomes kEnd.  On a PTY's controlling end it means that nobody holds the
// client end now, which may change; on a terminal, that it was hung up.
IoResult ReadSome(int fd, std::span<char> room);

// EPIPE, ECONNRESET and EIO become kEnd.  IgnoreWriteSignals() must have been
// called.
IoResult WriteSome(int fd, absl::string_view bytes);
// Does the same for `header` followed by `bytes`; either may be empty.
IoResult WriteSome(int fd, absl::string_view header, absl::string_view bytes);

// Nobody who waits for progress writes more than this at once, because a UNIX
// socket reports only when all of one write(2) has been read.
inline constexpr size_t kLargestWrite = 16 << 10;

// Reads a small file, such as those of proc(5): its first 4096 bytes, or
// nothing, with errno, if it can't be read.
std::optional<std::string> ReadSmallFile(const std::string& path);
// Does the same for an open file; returns "" if it can't be read.
std::string BeginningOf(int file);

// Opens a file to write into.  A new one has mode 0600; an existing one is an
// error, or is emptied and keeps its owner.
enum class Existing { kKept, kReplaced };
absl::StatusOr<Fd> CreateFile(const std::string& path, Existing existing);

// About how many bytes were written to a socket or terminal and not yet taken
// by its reader: a UNIX socket includes its bookkeeping (SIOCOUTQ, unix(7)).
size_t BytesQueued(int fd);
// How many bytes read(2) would return now (FIONREAD).  For an end of a PTY that
// is at most 4,095, even if it has more.
size_t BytesReadable(int fd);

// Sets O_NONBLOCK and no other flag (FIONBIO), for everybody who shares the
// open file; never use it for one that a peer passed (lib/sys/shared_fd.h).
absl::Status SetNonBlocking(int fd);

struct PipeEnds {
  Fd out;  // what was written to `in` is read here
  Fd in;
};
// Both ends block, and are close-on-exec.
absl::StatusOr<PipeEnds> MakePipe();

}  // namespace deptyr
