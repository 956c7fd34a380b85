#include "lib/sys/file_sync.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "lib/base/status.h"

namespace deptyr {
namespace {

// Callers seldom have more than two under way: of the file before, and of its
// successor.
constexpr int kMost = 8;

}  // namespace

FileSync::~FileSync() {
  if (context_ != 0) (void)::syscall(SYS_io_destroy, context_);
}

absl::Status FileSync::Open() {
  ended_ = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!ended_.valid()) return Errno("make an eventfd");
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, kMost, &context) != 0) {
    return Errno("set up asynchronous I/O");
  }
  context_ = context;
  watch_ =
      loop_.Add(ended_.get(), Interest::kRead, [this](Ready) { OnDone(); });
  return absl::OkStatus();
}

absl::Status FileSync::Start(int file) {
  if (context_ == 0) RETURN_IF_ERROR(Open());
  iocb request{};
  request.aio_lio_opcode = IOCB_CMD_FDSYNC;
  request.aio_fildes = static_cast<uint32_t>(file);
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = static_cast<uint32_t>(ended_.get());
  iocb* requests = &request;
  if (::syscall(SYS_io_submit, context_, 1, &requests) != 1) {
    return errno == EINVAL ? absl::InvalidArgumentError(
                                 "put the file on its disk: it has none")
                           : Errno("start to put the file on its disk");
  }
  ++running_;
  return absl::OkStatus();
}

void FileSync::OnDone() {
  uint64_t count = 0;
  (void)!::read(ended_.get(), &count, sizeof count);
  std::array<io_event, kMost> events;
  timespec at_once{};
  const long got = ::syscall(SYS_io_getevents, context_, 0, events.size(),
                             events.data(), &at_once);
  for (long i = 0; i < got; ++i) {
    const int64_t result = events[static_cast<size_t>(i)].res;
    --running_;
    errno = static_cast<int>(-result);
    done_(result < 0 ? Errno("put the file on its disk") : absl::OkStatus());
  }
}

}  // namespace deptyr
