// The least that can be done: open a PTY, make it the controlling terminal,
// execute the program.  start.cc compares `deptyr body` with it.
//
//   bare-pty PROGRAM [ARG...]
//   bare-pty --to SOCKET PROGRAM [ARG...]  hand the controlling end to `bare
//       hold SOCKET` and hear that it has it, as body does with head
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>

#include "tests/bench/send_fd.h"

namespace {

bool HandOver(int controller, const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int holder = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(holder, reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    return false;
  }
  char answer = 0;
  return bench::SendFd(holder, "x", controller) &&
         ::read(holder, &answer, 1) == 1;
}

}  // namespace

int main(int argc, char** argv) {
  const char* holder = nullptr;
  if (argc > 2 && std::strcmp(argv[1], "--to") == 0) {
    holder = argv[2];
    argv += 2;
    argc -= 2;
  }
  if (argc < 2) return 100;
  const int controller = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (controller < 0 || ::unlockpt(controller) != 0) return 111;
  const int terminal = ::ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  (void)::setsid();
  if (terminal < 0 || ::ioctl(terminal, TIOCSCTTY, 0) != 0) return 111;
  for (const int fd : {0, 1, 2}) (void)::dup2(terminal, fd);
  // Nobody else holds it, so it has to stay open in the program.
  if (holder != nullptr) {
    if (!HandOver(controller, holder)) return 111;
    (void)::close(controller);
  }
  ::execv(argv[1], argv + 1);
  return 127;
}
