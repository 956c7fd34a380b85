#include "lib/sys/log_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

// A pipe takes so much in one piece, or nothing; other writers can't come in
// between.
absl::string_view InOnePiece(absl::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines;
  const size_t end = lines.rfind('\n', PIPE_BUF - 1);
  return lines.substr(0, end == absl::string_view::npos ? PIPE_BUF : end + 1);
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

IoResult LogSink::Write(absl::string_view lines) const {
  if (lines.empty()) return {IoState::kWouldBlock};
  lines = InOnePiece(lines);
  if (!socket_) return fd_.Write(lines);
  return ResultOfWrite(TEMP_FAILURE_RETRY(
      ::send(fd(), lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL)));
}

}  // namespace deptyr
