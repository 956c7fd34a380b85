#include "lib/sys/readiness.h"

#include <cstdlib>

#include "lib/base/status.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"

namespace deptyr {

constexpr char kNotifySocket[] = "NOTIFY_SOCKET";

Readiness::Readiness(int ready_fd) : ready_fd_(ready_fd) {
  if (ready_fd >= 0) (void)::fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
  const char* const name = std::getenv(kNotifySocket);
  if (name == nullptr) return;
  if (const auto address = UnixAddressOf(name); address.ok()) {
    name_ = name;
    address_ = *address;
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }
  (void)::unsetenv(kNotifySocket);
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
  if (show && is_notified()) {
    (void)::setenv(kNotifySocket, name_.c_str(), 1);
  } else {
    (void)::unsetenv(kNotifySocket);
  }
}

absl::Status Readiness::NotifyWithFd(absl::string_view message, int fd) {
  constexpr char kWhom[] = "the service manager";
  if (!socket_.valid()) {
    return absl::UnavailableError("there is no NOTIFY_SOCKET");
  }
  RETURN_IF_ERROR(SetTimeouts(socket_.get(), absl::Seconds(1)));
  // Connect each time, because the manager may have made its socket anew.
  if (::connect(socket_.get(), address_.get(), address_.size) != 0) {
    return Errno("connect to ", kWhom);
  }
  // A datagram goes whole or not at all.
  return SendWithFd(socket_.get(), message, fd, kWhom);
}

bool Readiness::Notify(absl::string_view message) {
  if (!socket_.valid()) return true;
  return ::sendto(socket_.get(), message.data(), message.size(),
                  MSG_NOSIGNAL | MSG_DONTWAIT, address_.get(),
                  address_.size) >= 0 ||
         errno != EAGAIN;
}

}  // namespace deptyr
