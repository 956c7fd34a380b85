// Preloaded: the time of day (CLOCK_REALTIME) is off by as many seconds as the
// file $CLOCK_OFFSET says, which may change at any time.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace {

int64_t Offset() {
  static const volatile int64_t* const shared = [] {
    const char* const path = std::getenv("CLOCK_OFFSET");
    const int fd = ::open(path == nullptr ? "" : path, O_RDONLY | O_CLOEXEC);
    void* const page =
        ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0) (void)::close(fd);
    return page == MAP_FAILED ? nullptr : static_cast<int64_t*>(page);
  }();
  return shared == nullptr ? 0 : *shared;
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = reinterpret_cast<decltype(&clock_gettime)>(
      ::dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += Offset();
  return result;
}
