// Sends and receives bytes with descriptors beside them, over a UNIX stream
// socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {

// A message can bring this many descriptors; the kernel closes any others.
inline constexpr size_t kMostFdsPerMessage = 4;

// Sends all of `bytes`, with a copy of `fd` beside the first of them (none if
// fd is negative).  Blocks within the socket's time-out.  Errors name `whom`.
absl::Status SendWithFd(int socket, absl::string_view bytes, int fd,
                        absl::string_view whom = "head");

struct FdMessage {
  IoResult io;
  std::vector<Fd> fds = {};   // close-on-exec from birth (MSG_CMSG_CLOEXEC)
  bool fds_were_cut = false;  // there were more, which the kernel closed

  // Whether this process, or all together, may have no more descriptors
  // (RLIMIT_NOFILE, fs.file-max): there was room for those that were cut.
  bool out_of_descriptors() const {
    return fds_were_cut && fds.size() < kMostFdsPerMessage;
  }
};

// Calls recvmsg(2) once.
FdMessage ReceiveWithFds(int socket, std::span<char> room);

}  // namespace deptyr
