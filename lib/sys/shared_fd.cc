#include "lib/sys/shared_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace deptyr {
namespace {

// A PTY that has room takes at least this at once, the smallest buffer that its
// driver makes (TTYB_ALIGN_MASK, drivers/tty/tty_buffer.c of Linux 4.13 to
// 6.18).
constexpr size_t kSurelyTaken = 256;

// A hang-up ends a read at once, but a write waits nevertheless if the PTY is
// full.
bool IsReady(int fd, short events) {
  pollfd question{fd, events, 0};
  (void)::poll(&question, 1, 0);
  const auto ready =
      static_cast<int>(events == POLLIN ? POLLIN | POLLHUP : events);
  return (question.revents & ready) != 0;
}

// `call` is read(2) or write(2).  A call that was interrupted is made again
// unless it must have waited: a call that doesn't block isn't interrupted when
// there is nothing to do.
template <typename Call>
ssize_t CallUnlessWaiting(int fd, short events, Call call, bool* waited) {
  for (;;) {
    const ssize_t count = call();
    if (count >= 0 || errno != EINTR) return count;
    if (IsReady(fd, events)) continue;
    *waited = true;
    errno = EAGAIN;
    return -1;
  }
}

}  // namespace

SharedFd::SharedFd(Fd fd) : fd_(std::move(fd)), blocks_(Blocks()) {}

bool SharedFd::Blocks() const {
  const int flags = fd_.valid() ? ::fcntl(fd_.get(), F_GETFL) : -1;
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

IoResult SharedFd::Read(std::span<char> room) const {
  const int fd = fd_.get();
  if (blocks_ && !IsReady(fd, POLLIN)) return {IoState::kWouldBlock};
  bool waited = false;
  const ssize_t count = CallUnlessWaiting(
      fd, POLLIN, [&] { return ::read(fd, room.data(), room.size()); },
      &waited);
  IoResult result = ResultOfRead(count);
  result.waited = waited;
  return result;
}

IoResult SharedFd::Write(absl::string_view bytes) const {
  const int fd = fd_.get();
  if (blocks_) {
    if (!IsReady(fd, POLLOUT)) return {IoState::kWouldBlock};
    bytes = bytes.substr(0, kSurelyTaken);
  }
  bool waited = false;
  const ssize_t count = CallUnlessWaiting(
      fd, POLLOUT, [&] { return ::write(fd, bytes.data(), bytes.size()); },
      &waited);
  IoResult result = ResultOfWrite(count);
  // A call that was broken off after a part says how much that was.
  const bool partly = result.bytes > 0 && result.bytes < bytes.size();
  result.waited = waited || (partly && MadeToBlock());
  return result;
}

}  // namespace deptyr
