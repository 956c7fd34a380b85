// Preloaded: one read or write of a program is cut to a single byte, as a full
// buffer or a slow peer would.
//
//   SHORT_IO=read:7 SHORT_IO_DONE=FILE LD_PRELOAD=libshort-io.so PROGRAM
//
// cuts the 7th call of read(2), and makes FILE; whoever finds that leaves
// all alone, so that what the program executes is spared.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

// A datagram or a signalfd comes whole or not at all, so it isn't cut.
bool IsStream(int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return false;
  if (S_ISSOCK(file.st_mode)) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM;
  }
  return (file.st_mode & S_IFMT) != 0;
}

bool IsNow(const char* name, int fd) {
  static const char* const wanted = std::getenv("SHORT_IO");
  static int left = 0;
  if (wanted == nullptr) return false;
  const size_t length = std::strlen(name);
  if (std::strncmp(wanted, name, length) != 0 || wanted[length] != ':') {
    return false;
  }
  if (left == 0) left = std::atoi(wanted + length + 1);
  if (left < 0 || --left > 0) return false;
  left = -1;
  if (!IsStream(fd)) return false;
  const char* const done = std::getenv("SHORT_IO_DONE");
  const int file = ::open(done == nullptr ? "/dev/null" : done,
                          O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  (void)::close(file);
  return true;
}

template <typename Function>
Function* Real(Function* /*ours*/, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// Returns the first byte of the first part that has one.
iovec FirstByte(const iovec* parts, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (parts[i].iov_len > 0) return {parts[i].iov_base, 1};
  }
  return {nullptr, 0};
}

}  // namespace

extern "C" {

ssize_t read(int fd, void* room, size_t size) {
  static auto* const real = Real(&read, "read");
  return real(fd, room, size > 1 && IsNow("read", fd) ? 1 : size);
}

ssize_t pread(int fd, void* room, size_t size, off_t offset) {
  static auto* const real = Real(&pread, "pread");
  return real(fd, room, size > 1 && IsNow("pread64", fd) ? 1 : size, offset);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const real = Real(&write, "write");
  return real(fd, bytes, size > 1 && IsNow("write", fd) ? 1 : size);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  static auto* const real = Real(&send, "send");
  return real(fd, bytes, size > 1 && IsNow("sendto", fd) ? 1 : size, flags);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  static auto* const real = Real(&writev, "writev");
  if (!IsNow("writev", fd)) return real(fd, parts, count);
  const iovec first = FirstByte(parts, static_cast<size_t>(count));
  return real(fd, &first, 1);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* const real = Real(&sendmsg, "sendmsg");
  if (!IsNow("sendmsg", fd)) return real(fd, message, flags);
  iovec first = FirstByte(message->msg_iov, message->msg_iovlen);
  msghdr cut = *message;
  cut.msg_iov = &first;
  cut.msg_iovlen = 1;
  return real(fd, &cut, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static auto* const real = Real(&recvmsg, "recvmsg");
  if (!IsNow("recvmsg", fd)) return real(fd, message, flags);
  iovec first = FirstByte(message->msg_iov, message->msg_iovlen);
  iovec* const parts = message->msg_iov;
  const auto count = message->msg_iovlen;
  message->msg_iov = &first;
  message->msg_iovlen = 1;
  const ssize_t got = real(fd, message, flags);
  message->msg_iov = parts;
  message->msg_iovlen = count;
  return got;
}

}  // extern "C"
