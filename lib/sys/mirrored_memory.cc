#include "lib/sys/mirrored_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/cleanup/cleanup.h"

#include "lib/base/status.h"
#include "lib/sys/fd.h"

namespace deptyr {

absl::StatusOr<MirroredMemory> MirroredMemory::Create(size_t size) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t rounded = std::bit_ceil(std::max(size, page));
  const Fd file(::memfd_create("deptyr-ring", MFD_CLOEXEC));
  if (!file.valid()) return Errno("make a memfd");
  if (::ftruncate(file.get(), static_cast<off_t>(rounded)) != 0) {
    return Errno("size a memfd to ", rounded, " bytes");
  }
  // Address space for both copies first, so that they lie side by side.
  void* const base = ::mmap(nullptr, 2 * rounded, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Errno("reserve ", 2 * rounded, " bytes");
  absl::Cleanup unmap = [&] { (void)::munmap(base, 2 * rounded); };
  char* const data = static_cast<char*>(base);
  for (char* const half : {data, data + rounded}) {
    if (::mmap(half, rounded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
               file.get(), 0) == MAP_FAILED) {
      return Errno("map a memfd of ", rounded, " bytes");
    }
  }
  std::move(unmap).Cancel();
  return MirroredMemory(data, rounded);
}

MirroredMemory::MirroredMemory(MirroredMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}

MirroredMemory::~MirroredMemory() {
  if (data_ != nullptr) (void)::munmap(data_, 2 * size_);
}

}  // namespace deptyr
