#include "tests/support/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {
namespace {

Fd TryTcp(int port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, sizeof address) != 0) fd.Reset();
  return fd;
}

Fd TryUnix(const std::string& name) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() > sizeof address.sun_path) return Fd();
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(fd.get(), generic, size) != 0) fd.Reset();
  return fd;
}

Fd Try(const std::string& address) {
  absl::string_view port = address;
  int number = 0;
  if (absl::ConsumePrefix(&port, "tcp:127.0.0.1:") &&
      absl::SimpleAtoi(port, &number)) {
    return TryTcp(number);
  }
  return TryUnix(address);
}

}  // namespace

Connection::Connection(Fd fd)
    : fd_(std::move(fd)), output_(std::make_unique<OutputReader>(fd_.get())) {}

Connection Connection::To(const std::string& address) {
  Fd fd;
  const bool works = WaitFor([&] {
    fd = Try(address);
    return fd.valid();
  });
  if (!works) {
    ADD_FAILURE() << "nobody listens at " << address;
  } else if (!SetNonBlocking(fd.get()).ok()) {
    ADD_FAILURE() << "a socket that blocks";
  }
  return Connection(std::move(fd));
}

bool Connection::Works(const std::string& address) {
  return Try(address).valid();
}

size_t Connection::SendSome(absl::string_view bytes) const {
  const ssize_t count =
      ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return count > 0 ? static_cast<size_t>(count) : 0;
}

void Connection::Send(absl::string_view bytes) const {
  while (!bytes.empty()) {
    const short events = WaitForEvents(fd_.get(), POLLOUT);
    if (events == 0 || (events & (POLLERR | POLLHUP)) != 0) {
      ADD_FAILURE() << bytes.size() << " bytes are not taken";
      return;
    }
    bytes.remove_prefix(SendSome(bytes));
  }
}

void Connection::HalfClose() const {
  ShutDownWriting(fd_.get());
}

}  // namespace deptyr
