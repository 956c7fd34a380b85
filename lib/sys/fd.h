// Fd is the only owner of a file descriptor.  A parameter of type Fd takes the
// descriptor over; a plain `int fd` is borrowed for the call.
//
// The headers below come along for everybody who uses an Fd.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace deptyr {

class [[nodiscard]] Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = other.Release();
    }
    return *this;
  }
  ~Fd() { Reset(); }

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

  // close() isn't repeated on EINTR: by then Linux has released the number
  // (close(2)).
  void Reset() {
    if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// Returns a second descriptor for the same open file, close-on-exec and above
// the standard ones; it isn't valid if there is no room for another.
inline Fd Duplicate(int fd) {
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace deptyr
