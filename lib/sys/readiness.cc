#include "lib/sys/readiness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"

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
    (void)WriteSome(ready_fd_.get(), "\n");
    ready_fd_.Reset();
  }
}

void Readiness::Stopping() {
  (void)Notify("STOPPING=1");
}

bool Readiness::Status(absl::string_view text) {
  return Notify(absl::StrCat("STATUS=", text));
}

void Readiness::ShowSocket(bool show) const {
  if (!show || !is_notified()) {
    (void)::unsetenv("NOTIFY_SOCKET");
    return;
  }
  std::string address = address_;
  if (address[0] == '\0') address[0] = '@';
  (void)::setenv("NOTIFY_SOCKET", address.c_str(), 1);
}

absl::Status Readiness::NotifyWithFd(absl::string_view message, int fd) {
  constexpr char kWhom[] = "the service manager";
  if (!socket_.valid()) {
    return absl::UnavailableError("there is no NOTIFY_SOCKET");
  }
  RETURN_IF_ERROR(SetTimeouts(socket_.get(), absl::Seconds(1)));
  // Connect each time, because the manager may have made its socket anew.
  const auto [address, size] = Address();
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                size) != 0) {
    return Errno("connect to ", kWhom);
  }
  // A datagram goes whole or not at all.
  return SendWithFd(socket_.get(), message, fd, kWhom);
}

std::pair<sockaddr_un, socklen_t> Readiness::Address() const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  return {to, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                     address_.size())};
}

bool Readiness::Notify(absl::string_view message) {
  if (!socket_.valid()) return true;
  const auto [to, size] = Address();
  return ::sendto(socket_.get(), message.data(), message.size(),
                  MSG_NOSIGNAL | MSG_DONTWAIT,
                  reinterpret_cast<const sockaddr*>(&to), size) >= 0 ||
         errno != EAGAIN;
}

}  // namespace deptyr
