// One read, one write, on a descriptor that doesn't block.  What usually
// happens is a value, not an error.
//
//   IoResult got = ReadSome(controller, ring.Space());
//   switch (got.state) { case IoState::kDone: ring.Commit(got.bytes); ... }
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

enum class IoState {
  kDone,        // `bytes` were moved, at least one
  kWouldBlock,  // none now
  kEnd,         // none any more: end of file, EIO of a terminal, no reader
  kError,       // errno says why
};

struct IoResult {
  IoState state;
  size_t bytes = 0;
  bool waited = false;  // though it mustn't: lib/sys/shared_fd.h
};

// Translates what read(2), write(2) and their sisters returned, with errno.
IoResult ResultOfRead(ssize_t count);
IoResult ResultOfWrite(ssize_t count);

// EIO is kEnd: on a PTY's controlling end it means that nobody holds the client
// end now (which may change), on a terminal that it was hung up.  EINTR is
// repeated.
IoResult ReadSome(int fd, std::span<char> room);

// EPIPE, ECONNRESET and EIO are kEnd.  IgnoreWriteSignals() must have been
// called.
IoResult WriteSome(int fd, absl::string_view bytes);

// A UNIX socket says that it was read only once all of one write(2) was, so
// whoever waits for progress writes no more than this at once.
inline constexpr size_t kLargestWrite = 16 << 10;

// The same for `header` and then `bytes`; either may be empty.
IoResult WriteSome(int fd, absl::string_view header, absl::string_view bytes);

// A file to write into, which is made for its owner only (0600); one that
// exists is an error, or becomes empty and stays whose it is.
enum class Existing { kKept, kReplaced };
absl::StatusOr<Fd> CreateFile(const std::string& path, Existing existing);

// Bytes written to a socket or terminal that its reader hasn't taken yet, or
// about: a UNIX socket counts its bookkeeping in (SIOCOUTQ, unix(7)).
size_t BytesQueued(int fd);
// Bytes that a read(2) would give now (FIONREAD); of a PTY's end not all there
// are, 4,095 at most.
size_t BytesReadable(int fd);

// Sets O_NONBLOCK and no other flag (FIONBIO); everybody who shares the open
// file feels it.  Use it for a file of our own or our supervisor's, never for
// one that a peer passed (lib/sys/shared_fd.h).
absl::Status SetNonBlocking(int fd);

}  // namespace deptyr
