#include "tests/support/kernel.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "lib/sys/process.h"
#include "tests/support/program.h"

namespace deptyr {
namespace {

// These are the low halves, on a little-endian machine.
constexpr uint32_t kNumber = offsetof(seccomp_data, nr);
constexpr uint32_t Argument(uint32_t i) {
  return static_cast<uint32_t>(offsetof(seccomp_data, args)) + 8 * i;
}

using Filter = std::vector<sock_filter>;

void Load(Filter& filter, uint32_t offset) {
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}
void Mask(Filter& filter, uint32_t mask) {
  filter.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}
// Skips `otherwise` instructions unless what was loaded is `value`.
void Unless(Filter& filter, uint32_t value, uint8_t otherwise) {
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, otherwise));
}
void Fail(Filter& filter, int error) {
  filter.push_back(BPF_STMT(BPF_RET | BPF_K,
                            SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)));
}

void Install(Filter filter) {
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    std::perror("install a system call filter");
    std::abort();
  }
}

class OldKernel : public testing::Environment {
 public:
  void SetUp() override { PretendOldKernel(); }
};

[[maybe_unused]] const testing::Environment* const old_kernel =
    std::getenv("DEPTYR_TEST_OLD_KERNEL") != nullptr
        ? testing::AddGlobalTestEnvironment(new OldKernel)
        : nullptr;

}  // namespace

void RefuseSystemCalls(std::initializer_list<int> numbers, int error) {
  Filter filter;
  Load(filter, kNumber);
  for (const int number : numbers) {
    Unless(filter, static_cast<uint32_t>(number), 1);
    Fail(filter, error);
  }
  Install(filter);
}

void PretendOldKernel() {
  constexpr uint32_t kPeerPidfd = 77;         // SO_PEERPIDFD
  constexpr uint32_t kPidfdGetInfo = 0xff0b;  // type and number, of any size
  Filter filter;
  Load(filter, kNumber);
  Unless(filter, SYS_getsockopt, 5);
  Load(filter, Argument(1));
  Unless(filter, SOL_SOCKET, 3);
  Load(filter, Argument(2));
  Unless(filter, kPeerPidfd, 1);
  Fail(filter, ENOPROTOOPT);
  Load(filter, kNumber);
  Unless(filter, SYS_ioctl, 4);
  Load(filter, Argument(1));
  Mask(filter, 0xffff);
  Unless(filter, kPidfdGetInfo, 1);
  Fail(filter, ENOTTY);
  Install(filter);
}

bool KernelTellsExitStatus() {
  Program child = Program::Fork([] { return 0; });
  const Fd pidfd(::fcntl(child.pidfd(), F_DUPFD_CLOEXEC, 0));
  (void)child.Wait();
  return AskExitStatus(pidfd.get()).state == ExitAnswer::kKnown;
}

}  // namespace deptyr
