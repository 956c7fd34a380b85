// Sends any number of descriptors beside bytes.
#pragma once

#include <sys/socket.h>

#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include <gtest/gtest.h>

namespace deptyr {

// Sends several at once, as none of our bodies does.
inline void SendWithFds(int socket, absl::string_view bytes,
                        const std::vector<int>& fds) {
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  iovec data{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  ASSERT_EQ(::sendmsg(socket, &message, MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

}  // namespace deptyr
