#include "lib/sys/log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

int Option(int socket, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value
                                                                      : -1;
}

enum class Passed { kPipe, kSocket, kOther };

Passed WhatIs(int fd) {
  // A plain fstat() would ask the server of a file system.
  struct statx file {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (fd < 0 || ::statx(fd, "", kFlags, STATX_TYPE, &file) != 0) {
    return Passed::kOther;
  }
  if (S_ISFIFO(file.stx_mode)) {
    const int mode = ::fcntl(fd, F_GETFL) & O_ACCMODE;
    return mode == O_RDONLY ? Passed::kOther : Passed::kPipe;
  }
  const bool stream = S_ISSOCK(file.stx_mode) &&
                      Option(fd, SO_DOMAIN) == AF_UNIX &&
                      Option(fd, SO_TYPE) == SOCK_STREAM;
  return stream ? Passed::kSocket : Passed::kOther;
}

// Whether it has no name in a file system, whose server opening it would ask.
bool IsNameless(const std::string& link) {
  constexpr absl::string_view kNameless = "pipe:[";
  std::array<char, kNameless.size()> target{};
  return ::readlink(link.c_str(), target.data(), target.size()) ==
             static_cast<ssize_t>(target.size()) &&
         absl::string_view(target.data(), target.size()) == kNameless;
}

// Errors that say that a call isn't allowed here, or not with these files.
bool CannotAtAll(int error) {
  return error == EINVAL || error == ENOSYS || error == EPERM;
}

}  // namespace

bool IsLog(int fd) {
  return WhatIs(fd) != Passed::kOther;
}

absl::StatusOr<LogSink> LogSink::Take(Fd fd) {
  const Passed passed = WhatIs(fd.get());
  if (passed == Passed::kOther) {
    return absl::InvalidArgumentError(
        "the log is neither a pipe nor a UNIX stream socket");
  }
  LogSink sink;
  sink.kind_ = passed == Passed::kSocket ? Kind::kSocket : Kind::kPipe;
  const std::string link = absl::StrCat("/proc/self/fd/", fd.get());
  if (passed == Passed::kPipe && IsNameless(link)) {
    Fd own(::open(link.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (own.valid()) fd = std::move(own);
  }
  sink.fd_ = SharedFd(std::move(fd));
  return sink;
}

LogSink LogSink::ForFile(Fd file) {
  LogSink sink;
  sink.kind_ = Kind::kFile;
  sink.fd_ = SharedFd(std::move(file));
  return sink;
}

IoResult LogSink::MoveFrom(int file, size_t count) const {
  // Its end is nearer if somebody has made it shorter.
  if (is_file()) (void)::lseek(fd(), 0, SEEK_END);
  if (const auto moved = MoveAtOnce(file, count)) return *moved;
  std::array<char, PIPE_BUF> room;
  const off_t position = ::lseek(file, 0, SEEK_CUR);
  const ssize_t got = TEMP_FAILURE_RETRY(
      ::pread(file, room.data(), std::min(count, room.size()), position));
  if (got <= 0) return {IoState::kError};
  const IoResult wrote = Write({room.data(), static_cast<size_t>(got)});
  if (wrote.bytes > 0) {
    (void)::lseek(file, static_cast<off_t>(wrote.bytes), SEEK_CUR);
  }
  return wrote;
}

std::optional<IoResult> LogSink::MoveAtOnce(int file, size_t count) const {
  if (kind_ == Kind::kSocket) return std::nullopt;
  const ssize_t moved =
      TEMP_FAILURE_RETRY(is_file() ? ::sendfile(fd(), file, nullptr, count)
                                   : ::splice(file, nullptr, fd(), nullptr,
                                              count, SPLICE_F_NONBLOCK));
  if (moved < 0 && CannotAtAll(errno)) return std::nullopt;
  return ResultOfWrite(moved);
}

size_t LogSink::capacity() const {
  const int size = kind_ == Kind::kPipe ? ::fcntl(fd(), F_GETPIPE_SZ) : -1;
  return size < 0 ? 0 : static_cast<size_t>(size);
}

IoResult LogSink::Write(absl::string_view bytes) const {
  if (kind_ != Kind::kSocket) return fd_.Write(bytes);
  return ResultOfWrite(TEMP_FAILURE_RETRY(
      ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)));
}

}  // namespace deptyr
