#include "tests/fuzz/stranger.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tests/fuzz/input.h"

namespace deptyr {
namespace {

constexpr size_t kStack = 64 << 10;

// Changes the user of this thread alone, which the C library's wrapper would
// not do.
void Become(uid_t uid) {
  if (::getuid() == 0) (void)::syscall(SYS_setresuid, -1, uid, -1);
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  Expect(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Fd Socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  Expect(fd.valid());
  return fd;
}

}  // namespace

Fd ConnectTo(const std::string& path, uid_t uid) {
  Fd fd = Socket();
  const sockaddr_un address = AddressOf(path);
  Become(uid);
  const int result = ::connect(
      fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  Become(kOurUser);
  return result == 0 ? std::move(fd) : Fd();
}

struct Stranger::Task {
  int socket;
  sockaddr_un address;
  uid_t uid;
  std::atomic<int> done = 0;
};

// Nothing here may touch what belongs to the thread whose memory this is; all
// signals are blocked.
int Stranger::Live(void* given) {
  auto* const task = static_cast<Task*>(given);
  Become(task->uid);
  (void)::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  (void)::syscall(SYS_connect, task->socket, &task->address,
                  sizeof task->address);
  task->done.store(1);
  (void)::syscall(SYS_futex, &task->done, FUTEX_WAKE_PRIVATE, 1);
  for (;;) (void)::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

Stranger::Stranger(const std::string& path, uid_t uid) : connection_(Socket()) {
  Task task{connection_.get(), AddressOf(path), uid};
  Start(task);
}

Stranger::Stranger() {
  Task task{-1, {}, kOurUser};
  Start(task);
}

void Stranger::Start(Task& task) {
  void* const stack = ::mmap(nullptr, kStack, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  Expect(stack != MAP_FAILED);
  stack_ = static_cast<char*>(stack);
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_ =
      ::clone(Live, stack_ + kStack, CLONE_VM | CLONE_FILES | SIGCHLD, &task);
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  Expect(pid_ > 0);
  while (task.done.load() == 0) {
    (void)::syscall(SYS_futex, &task.done, FUTEX_WAIT_PRIVATE, 0, nullptr);
  }
}

Fd Stranger::Pidfd() const {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

void Stranger::Kill() {
  if (pid_ > 0) (void)::kill(pid_, SIGKILL);
}

void Stranger::End() {
  if (pid_ <= 0) return;
  Kill();
  while (::waitpid(pid_, nullptr, 0) < 0) Expect(errno == EINTR);
  pid_ = -1;
  (void)::munmap(stack_, kStack);
}

}  // namespace deptyr
