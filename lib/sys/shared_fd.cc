#include "lib/sys/shared_fd.h"

#include <poll.h>

#include <cerrno>

#include "lib/sys/slow_closer.h"

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
  const int end = events == POLLIN ? POLLHUP : 0;
  return (question.revents & (events | end)) != 0;
}

// `call` is read(2) or write(2).  A call that was interrupted is made again
// unless it must have waited: a call that doesn't block isn't interrupted when
// there is nothing to do.
template <typename Call>
IoResult CallUnlessWaiting(int fd, short events, IoResult result_of(ssize_t),
                           Call call) {
  for (;;) {
    const ssize_t count = call();
    if (count >= 0 || errno != EINTR) return result_of(count);
    if (IsReady(fd, events)) continue;
    return {.state = IoState::kWouldBlock, .waited = true};
  }
}

}  // namespace

SharedFd::SharedFd(Fd fd, uid_t uid)
    : fd_(std::move(fd)), uid_(uid), blocks_(Blocks()) {}

void SharedFd::Reset() {
  if (fd_.valid()) SlowCloser::Close(uid_, std::move(fd_));
}

bool SharedFd::Blocks() const {
  const int flags = fd_.valid() ? ::fcntl(fd_.get(), F_GETFL) : -1;
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

IoResult SharedFd::Read(std::span<char> room) const {
  const int fd = fd_.get();
  if (blocks_ && !IsReady(fd, POLLIN)) return {IoState::kWouldBlock};
  return CallUnlessWaiting(fd, POLLIN, ResultOfRead, [&] {
    return ::read(fd, room.data(), room.size());
  });
}

IoResult SharedFd::Write(absl::string_view bytes) const {
  const int fd = fd_.get();
  if (blocks_) {
    if (!IsReady(fd, POLLOUT)) return {IoState::kWouldBlock};
    bytes = bytes.substr(0, kSurelyTaken);
  }
  IoResult result = CallUnlessWaiting(fd, POLLOUT, ResultOfWrite, [&] {
    return ::write(fd, bytes.data(), bytes.size());
  });
  // A call that was broken off after a part says how much that was.
  const bool partly = result.bytes > 0 && result.bytes < bytes.size();
  if (partly && MadeToBlock()) result.waited = true;
  return result;
}

}  // namespace deptyr
