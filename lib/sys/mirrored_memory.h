// Memory that appears twice in a row, so that any span of it is contiguous: the
// byte after the last is the first again.
//
//   memory[i] and memory[i + size()] are the same byte.
//
// Before it in the same memfd there is a page for what belongs to it.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"

namespace deptyr {

class MirroredMemory {
 public:
  // `size` in bytes is rounded up to a power of two of at least a page.  Pages
  // cost nothing until they are first written (memfd_create(2)).
  static absl::StatusOr<MirroredMemory> Create(size_t size);
  MirroredMemory(MirroredMemory&& other) noexcept;
  MirroredMemory& operator=(MirroredMemory&&) = delete;
  ~MirroredMemory();

  char* data() const { return data_; }
  char* page() const { return page_; }  // the one before; at least 4096 bytes
  size_t size() const { return size_; }

 private:
  MirroredMemory(char* page, char* data, size_t size)
      : page_(page), data_(data), size_(size) {}
  char* page_;
  char* data_;
  size_t size_;
};

}  // namespace deptyr
