// The least that can be done: open a PTY, make it the controlling terminal,
// execute the program.  start.cc compares `deptyr body` with it.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <initializer_list>

int main(int argc, char** argv) {
  if (argc < 2) return 100;
  const int controller = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (controller < 0 || ::unlockpt(controller) != 0) return 111;
  const int terminal = ::ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  (void)::setsid();
  if (terminal < 0 || ::ioctl(terminal, TIOCSCTTY, 0) != 0) return 111;
  for (const int fd : {0, 1, 2}) (void)::dup2(terminal, fd);
  // The controlling end stays open in the program: nobody else holds it.
  ::execv(argv[1], argv + 1);
  return 127;
}
