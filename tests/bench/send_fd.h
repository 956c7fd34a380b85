// A descriptor beside some text (SCM_RIGHTS, unix(7)), for programs of the
// benchmark that are to load no more than they need: lib/sys/fd_passing.h isn't
// for them.
#pragma once

#include <sys/socket.h>

#include <cstring>

namespace bench {

inline bool SendFd(int socket, const char* text, int fd) {
  // sendmsg(2) doesn't write to it.
  iovec part = {const_cast<char*>(text), std::strlen(text)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, 0) == static_cast<ssize_t>(part.iov_len);
}

}  // namespace bench
