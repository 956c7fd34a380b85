#include "lib/sys/readiness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace deptyr {

Readiness::Readiness(int ready_fd) : ready_fd_(ready_fd) {
  if (ready_fd >= 0) (void)::fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
  const char* address = std::getenv("NOTIFY_SOCKET");
  if (address == nullptr) return;
  address_ = address;
  (void)::unsetenv("NOTIFY_SOCKET");
  if (address_.size() >= sizeof(sockaddr_un::sun_path)) address_.clear();
  if (address_.empty()) return;
  // '@' stands for the NUL of an abstract address.
  if (address_[0] == '@') address_[0] = '\0';
  socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

void Readiness::Ready() {
  (void)Notify("READY=1");
  if (ready_fd_.valid()) {
    (void)!::write(ready_fd_.get(), "\n", 1);
    ready_fd_.Reset();
  }
}

void Readiness::Stopping() {
  (void)Notify("STOPPING=1");
}

bool Readiness::Status(absl::string_view text) {
  return Notify(absl::StrCat("STATUS=", text));
}

bool Readiness::Notify(absl::string_view message) {
  if (!socket_.valid()) return true;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const socklen_t size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  return ::sendto(socket_.get(), message.data(), message.size(),
                  MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&to), size) >= 0 ||
         errno != EAGAIN;
}

}  // namespace deptyr
