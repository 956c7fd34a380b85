// Bytes with descriptors beside them, over a UNIX stream socket (SCM_RIGHTS,
// unix(7)).
//
//   SendWithFd(socket, message, controller.get());
//   ...
//   FdMessage got = ReceiveWithFds(socket, room);   // owns what came along
#pragma once

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {

// More descriptors than this in one message are closed by the kernel at once
// (MSG_CTRUNC), the rest by us.
inline constexpr size_t kMostFdsPerMessage = 4;

// Sends all of `bytes`, blocking within the socket's time-out, with a copy of
// `fd` beside the first of them (fd < 0: none).  Never raises SIGPIPE.  `whom`
// is for the error.
absl::Status SendWithFd(int socket, absl::string_view bytes, int fd,
                        absl::string_view whom = "head");

struct FdMessage {
  IoResult io;
  std::vector<Fd> fds;        // close-on-exec from birth (MSG_CMSG_CLOEXEC)
  bool fds_were_cut = false;  // there were more, which are closed

  // There was room for those: this process may have no more descriptors
  // (RLIMIT_NOFILE), or all processes together (fs.file-max).
  bool out_of_descriptors() const {
    return fds_were_cut && fds.size() < kMostFdsPerMessage;
  }
};

// One recvmsg(2).  Every descriptor that came along is owned before anything
// is judged.
FdMessage ReceiveWithFds(int socket, std::span<char> room);

}  // namespace deptyr
