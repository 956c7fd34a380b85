#include "lib/sys/io.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>

#include "lib/base/status.h"

namespace deptyr {
namespace {

constexpr size_t kSmall = 4096;

size_t Count(int fd, unsigned long request) {
  int count = 0;
  if (::ioctl(fd, request, &count) != 0) return 0;
  return static_cast<size_t>(std::max(count, 0));
}

}  // namespace

IoResult ResultOfRead(ssize_t count) {
  if (count > 0) return {IoState::kDone, static_cast<size_t>(count)};
  if (count == 0 || errno == EIO) return {IoState::kEnd};
  return {errno == EAGAIN ? IoState::kWouldBlock : IoState::kError};
}

IoResult ResultOfWrite(ssize_t count) {
  if (count > 0) return {IoState::kDone, static_cast<size_t>(count)};
  // A terminal that took nothing has no room; 0 means an end only for reads.
  if (count == 0 || errno == EAGAIN) return {IoState::kWouldBlock};
  const bool gone = errno == EIO || errno == EPIPE || errno == ECONNRESET;
  return {gone ? IoState::kEnd : IoState::kError};
}

IoResult ReadSome(int fd, std::span<char> room) {
  return ResultOfRead(TEMP_FAILURE_RETRY(::read(fd, room.data(), room.size())));
}

IoResult WriteSome(int fd, absl::string_view bytes) {
  if (bytes.empty()) return {IoState::kWouldBlock};
  return ResultOfWrite(
      TEMP_FAILURE_RETRY(::write(fd, bytes.data(), bytes.size())));
}

IoResult WriteSome(int fd, absl::string_view header, absl::string_view bytes) {
  if (header.empty()) return WriteSome(fd, bytes);
  // writev(2) takes char*, but doesn't write to it.
  const std::array<iovec, 2> parts = {
      {{const_cast<char*>(header.data()), header.size()},
       {const_cast<char*>(bytes.data()), bytes.size()}}};
  return ResultOfWrite(TEMP_FAILURE_RETRY(::writev(fd, parts.data(), 2)));
}

std::optional<std::string> ReadSmallFile(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  std::array<char, kSmall> room;
  size_t size = 0;
  while (size < room.size()) {
    const IoResult got = ReadSome(file.get(), std::span(room).subspan(size));
    if (got.state == IoState::kEnd) break;
    if (got.state != IoState::kDone) return std::nullopt;
    size += got.bytes;
  }
  return std::string(room.data(), size);
}

std::string BeginningOf(int file) {
  std::string text(kSmall, '\0');
  const ssize_t count = ::pread(file, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return text;
}

absl::StatusOr<Fd> CreateFile(const std::string& path, Existing existing) {
  constexpr mode_t kMode = S_IRUSR | S_IWUSR;
  const int flags = existing == Existing::kKept ? O_EXCL : O_TRUNC;
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, kMode));
  if (!fd.valid()) return Errno("make ", path);
  return fd;
}

size_t BytesQueued(int fd) {
  return Count(fd, TIOCOUTQ);
}

size_t BytesReadable(int fd) {
  return Count(fd, FIONREAD);
}

absl::Status SetNonBlocking(int fd) {
  int on = 1;
  return ::ioctl(fd, FIONBIO, &on) == 0
             ? absl::OkStatus()
             : Errno("make a descriptor non-blocking");
}

absl::StatusOr<PipeEnds> MakePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Errno("make a pipe");
  return PipeEnds{Fd(ends[0]), Fd(ends[1])};
}

}  // namespace deptyr
