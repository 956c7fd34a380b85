#include "lib/sys/log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

enum class Kind { kPipe, kSocket, kOther };

int Option(int socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value
                                                                      : -1;
}

Kind LogKindOf(int fd) {
  struct stat file {};
  if (fd < 0 || ::fstat(fd, &file) != 0) return Kind::kOther;
  if (S_ISFIFO(file.st_mode)) {
    const int mode = ::fcntl(fd, F_GETFL) & O_ACCMODE;
    return mode == O_RDONLY ? Kind::kOther : Kind::kPipe;
  }
  const bool stream = S_ISSOCK(file.st_mode) &&
                      Option(fd, SO_DOMAIN) == AF_UNIX &&
                      Option(fd, SO_TYPE) == SOCK_STREAM;
  return stream ? Kind::kSocket : Kind::kOther;
}

}  // namespace

bool IsLog(int fd) {
  return LogKindOf(fd) != Kind::kOther;
}

absl::StatusOr<LogSink> LogSink::Take(Fd fd) {
  const Kind kind = LogKindOf(fd.get());
  if (kind == Kind::kOther) {
    return absl::InvalidArgumentError(
        "the log is neither a pipe nor a UNIX stream socket");
  }
  LogSink sink;
  sink.socket_ = kind == Kind::kSocket;
  if (!sink.socket_) {
    Fd own(::open(absl::StrCat("/proc/self/fd/", fd.get()).c_str(),
                  O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (own.valid()) fd = std::move(own);
  }
  sink.fd_ = SharedFd(std::move(fd));
  return sink;
}

IoResult LogSink::MoveFrom(int file, size_t count) const {
  if (!socket_) {
    const ssize_t moved = TEMP_FAILURE_RETRY(
        ::splice(file, nullptr, fd(), nullptr, count, SPLICE_F_NONBLOCK));
    // These say that it isn't allowed here.
    const bool can =
        moved >= 0 || (errno != EINVAL && errno != ENOSYS && errno != EPERM);
    if (can) return ResultOfWrite(moved);
  }
  std::array<char, PIPE_BUF> room;
  const off_t position = ::lseek(file, 0, SEEK_CUR);
  const ssize_t got = TEMP_FAILURE_RETRY(
      ::pread(file, room.data(), std::min(count, room.size()), position));
  if (got <= 0) return {IoState::kError};
  const IoResult wrote = Write({room.data(), static_cast<size_t>(got)});
  (void)::lseek(file, static_cast<off_t>(wrote.bytes), SEEK_CUR);
  return wrote;
}

size_t LogSink::capacity() const {
  const int size = socket_ ? -1 : ::fcntl(fd(), F_GETPIPE_SZ);
  return size < 0 ? 0 : static_cast<size_t>(size);
}

IoResult LogSink::Write(absl::string_view bytes) const {
  if (!socket_) return fd_.Write(bytes);
  return ResultOfWrite(TEMP_FAILURE_RETRY(
      ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)));
}

}  // namespace deptyr
