#include "lib/sys/io.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "lib/base/status.h"

namespace deptyr {
namespace {

IoResult Classify(ssize_t count) {
  if (count > 0) return {IoState::kDone, static_cast<size_t>(count)};
  if (count == 0) return {IoState::kEnd};
  switch (errno) {
    case EAGAIN:
      return {IoState::kWouldBlock};
    case EIO:
    case EPIPE:
    case ECONNRESET:
      return {IoState::kEnd};
    default:
      return {IoState::kError};
  }
}

}  // namespace

IoResult ReadSome(int fd, std::span<char> room) {
  ssize_t count = 0;
  do {
    count = ::read(fd, room.data(), room.size());
  } while (count < 0 && errno == EINTR);
  return Classify(count);
}

IoResult WriteSome(int fd, absl::string_view bytes) {
  if (bytes.empty()) return {IoState::kWouldBlock};
  ssize_t count = 0;
  do {
    count = ::write(fd, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  // A terminal that took nothing has no room; only reads end with 0.
  if (count == 0) return {IoState::kWouldBlock};
  return Classify(count);
}

size_t BytesQueued(int fd) {
  int count = 0;
  return ::ioctl(fd, TIOCOUTQ, &count) == 0 && count > 0
             ? static_cast<size_t>(count)
             : 0;
}

absl::Status SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return Errno("make a descriptor non-blocking");
  }
  return absl::OkStatus();
}

}  // namespace deptyr
