#include "lib/sys/fd_passing.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/base/status.h"

namespace deptyr {

absl::Status SendWithFd(int socket, absl::string_view bytes, int fd,
                        absl::string_view whom) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  bool first = true;
  while (!bytes.empty()) {
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (first && fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof fd);
      std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    const ssize_t sent =
        TEMP_FAILURE_RETRY(::sendmsg(socket, &message, MSG_NOSIGNAL));
    if (sent < 0) {
      if (errno == EAGAIN) errno = ETIMEDOUT;
      return Errno("send to ", whom);
    }
    first = false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

FdMessage ReceiveWithFds(int socket, std::span<char> room) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMostFdsPerMessage * sizeof(int))];
  iovec data{room.data(), room.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t count =
      TEMP_FAILURE_RETRY(::recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
  FdMessage result{.io = ResultOfRead(count)};
  if (count < 0) {
    if (errno == ECONNRESET) result.io.state = IoState::kEnd;
    return result;
  }
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < fds; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      result.fds.emplace_back(fd);
    }
  }
  result.fds_were_cut = (message.msg_flags & MSG_CTRUNC) != 0;
  return result;
}

}  // namespace deptyr
