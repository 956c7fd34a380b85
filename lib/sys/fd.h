// Fd, the only owner of a file descriptor.  Taken by value it changes hands;
// a plain `int fd` parameter is borrowed for the call.
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

  // Not repeated on EINTR: Linux has let go of the number by then, close(2).
  void Reset() {
    if (fd_ >= 0) (void)::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// A second descriptor of what `fd` is one of, close-on-exec and above the
// standard ones; not valid if there is no room for another.
inline Fd Duplicate(int fd) {
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

}  // namespace deptyr
