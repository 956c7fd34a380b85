// Tells what the kernel can do, and makes the child of a test believe in a
// kernel that can do less: calls of this process, and of all it starts, are
// refused for good (seccomp(2)).
#pragma once

#include <initializer_list>

namespace deptyr {

// Each of the system calls fails with `error` from now on.
void RefuseSystemCalls(std::initializer_list<int> numbers, int error);

// From now on this is Debian 12's kernel, 6.1, as far as it matters to us: it
// has no SO_PEERPIDFD (ENOPROTOOPT) and no PIDFD_GET_INFO (ENOTTY).
void PretendOldKernel();

// Whether this kernel tells anybody how a process ended, once it was reaped
// (Linux 6.15).
//
// With DEPTYR_TEST_OLD_KERNEL in the environment a test program runs on an old
// kernel from its first test on.
bool KernelTellsExitStatus();

}  // namespace deptyr
