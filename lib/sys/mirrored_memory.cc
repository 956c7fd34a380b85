#include "lib/sys/mirrored_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>

#include "absl/cleanup/cleanup.h"

#include "lib/base/status.h"

namespace deptyr {
namespace {

size_t PageSize() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

absl::StatusOr<MirroredMemory> MirroredMemory::Create(size_t size) {
  const size_t rounded = std::bit_ceil(std::max(size, PageSize()));
  Fd file(::memfd_create("deptyr-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return Errno("make a memfd");
  if (::ftruncate(file.get(), static_cast<off_t>(PageSize() + rounded)) != 0) {
    return Errno("size a memfd to ", PageSize() + rounded, " bytes");
  }
  // If it shrank, another process that maps it would fault.
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
    return Errno("seal a memfd");
  }
  return Map(std::move(file), rounded);
}

absl::StatusOr<MirroredMemory> MirroredMemory::Adopt(Fd file) {
  struct stat status {};
  const bool known = ::fstat(file.get(), &status) == 0;
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  if (!known || (seals < 0 && errno != EINVAL)) return Errno("look at a memfd");
  const size_t size = static_cast<size_t>(status.st_size) - PageSize();
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || !std::has_single_bit(size) ||
      size < PageSize()) {
    return absl::InvalidArgumentError("the descriptor is no ring's");
  }
  return Map(std::move(file), size);
}

absl::StatusOr<MirroredMemory> MirroredMemory::Map(Fd file, size_t size) {
  const size_t page = PageSize();
  const size_t mapped = page + 2 * size;
  // Reserves address space for everything first, so that the two copies lie
  // side by side.
  void* const base = ::mmap(nullptr, mapped, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return Errno("reserve ", mapped, " bytes");
  absl::Cleanup unmap = [&] { (void)::munmap(base, mapped); };
  char* const first = static_cast<char*>(base);
  const auto map = [&](char* at, size_t length, size_t offset) {
    return ::mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                  file.get(), static_cast<off_t>(offset)) != MAP_FAILED;
  };
  if (!map(first, page + size, 0) || !map(first + page + size, size, page)) {
    return Errno("map a memfd of ", page + size, " bytes");
  }
  std::move(unmap).Cancel();
  return MirroredMemory(std::move(file), first, first + page, size);
}

MirroredMemory::MirroredMemory(MirroredMemory&& other) noexcept
    : file_(std::move(other.file_)),
      page_(std::exchange(other.page_, nullptr)),
      data_(other.data_),
      size_(other.size_) {}

MirroredMemory::~MirroredMemory() {
  if (page_ == nullptr) return;
  const auto page = static_cast<size_t>(data_ - page_);
  (void)::munmap(page_, page + 2 * size_);
}

}  // namespace deptyr
