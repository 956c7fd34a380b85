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
  const size_t mapped = page + 2 * rounded;
  const Fd file(::memfd_create("deptyr-ring", MFD_CLOEXEC));
  if (!file.valid()) return Errno("make a memfd");
  if (::ftruncate(file.get(), static_cast<off_t>(page + rounded)) != 0) {
    return Errno("size a memfd to ", page + rounded, " bytes");
  }
  // Address space for all first, so that the two copies lie side by side.
  void* const base = ::mmap(nullptr, mapped, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Errno("reserve ", mapped, " bytes");
  absl::Cleanup unmap = [&] { (void)::munmap(base, mapped); };
  char* const first = static_cast<char*>(base);
  const auto map = [&](char* at, size_t length, size_t offset) {
    return ::mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                  file.get(), static_cast<off_t>(offset)) != MAP_FAILED;
  };
  if (!map(first, page + rounded, 0) ||
      !map(first + page + rounded, rounded, page)) {
    return Errno("map a memfd of ", page + rounded, " bytes");
  }
  std::move(unmap).Cancel();
  return MirroredMemory(first, first + page, rounded);
}

MirroredMemory::MirroredMemory(MirroredMemory&& other) noexcept
    : page_(std::exchange(other.page_, nullptr)),
      data_(other.data_),
      size_(other.size_) {}

MirroredMemory::~MirroredMemory() {
  if (page_ == nullptr) return;
  const auto page = static_cast<size_t>(data_ - page_);
  (void)::munmap(page_, page + 2 * size_);
}

}  // namespace deptyr
