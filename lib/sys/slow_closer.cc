#include "lib/sys/slow_closer.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

// More than enough for close(2), and for what a thread has of its own.
constexpr size_t kStack = 64 << 10;
// A close that need not wait takes much less, on a loaded machine, too.
constexpr Clock::duration kWaits = std::chrono::milliseconds(100);
constexpr absl::Duration kRetry = absl::Milliseconds(100);

struct SlowCloser::Closing {
  const uid_t uid;
  const int fd;
  const bool is_terminal;
  const Clock::time_point since = Clock::now();
  bool started = false;
  std::atomic<bool> done = false;

  // A thread that still waits may outlive the SlowCloser.
  static void* Run(void* own) {
    const std::unique_ptr<std::shared_ptr<Closing>> it(
        static_cast<std::shared_ptr<Closing>*>(own));
    (void)::close((*it)->fd);
    (*it)->done = true;
    return nullptr;
  }
  // Fails if there may be no more threads.
  static void Start(const std::shared_ptr<Closing>& closing) {
    pthread_attr_t attributes;
    (void)::pthread_attr_init(&attributes);
    (void)::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)::pthread_attr_setstacksize(&attributes, kStack);
    // Signals are for the thread that has always been there.
    sigset_t all;
    sigset_t before;
    (void)::sigfillset(&all);
    (void)::pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread{};
    auto own = std::make_unique<std::shared_ptr<Closing>>(closing);
    closing->started =
        ::pthread_create(&thread, &attributes, Run, own.get()) == 0;
    if (closing->started) (void)own.release();  // Run() has it
    (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    (void)::pthread_attr_destroy(&attributes);
  }
};

SlowCloser::SlowCloser(EventLoop& loop) : loop_(loop) {}

SlowCloser::~SlowCloser() {
  if (in_use == this) in_use = nullptr;
}

bool SlowCloser::MayWait(int fd, bool is_controller) {
  if (is_controller) {
    // If nobody has the client end any more, nobody writes there.
    pollfd question{fd, POLLIN, 0};
    return ::poll(&question, 1, 0) < 0 || (question.revents & POLLHUP) == 0;
  }
  // A plain fstat() would ask the server of a file system.
  struct statx file {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  if (::statx(fd, "", kFlags, STATX_TYPE, &file) != 0) return true;
  if (S_ISSOCK(file.stx_mode)) {
    return SocketOption(fd, SO_DOMAIN) != AF_UNIX || BytesReadable(fd) > 0;
  }
  return !S_ISFIFO(file.stx_mode);
}

void SlowCloser::Close(uid_t uid, Fd fd) {
  SlowCloser* const closer = in_use;
  if (closer == nullptr || !fd.valid()) return;
  const bool is_terminal = IsController(fd.get()).value_or(false);
  if (!MayWait(fd.get(), is_terminal)) return;
  (void)closer->CountOf(uid);  // those that are done are forgotten
  closer->closings_.emplace_back(
      new Closing{.uid = uid, .fd = fd.Release(), .is_terminal = is_terminal});
  closer->StartAll();
}

void SlowCloser::StartAll() {
  bool all = true;
  for (const auto& closing : closings_) {
    if (!closing->started) Closing::Start(closing);
    all &= closing->started;
  }
  if (!all) again_ = loop_.After(kRetry, [this] { StartAll(); });
}

size_t SlowCloser::CountOf(uid_t uid) {
  std::erase_if(closings_, [](const auto& it) { return it->done.load(); });
  size_t count = 0;
  for (const auto& closing : closings_) {
    count += closing->uid == uid ? 1 : 0;
  }
  return count;
}

bool SlowCloser::TerminalsWait() {
  const SlowCloser* const closer = in_use;
  return closer != nullptr &&
         std::ranges::any_of(closer->closings_, [](const auto& it) {
           return it->is_terminal && !it->done &&
                  Clock::now() - it->since > kWaits;
         });
}

}  // namespace deptyr
