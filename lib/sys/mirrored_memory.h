// Memory that appears twice in a row, so that any span of it is contiguous: the
// byte after the last is the first again.
//
//   memory[i] and memory[i + size()] are the same byte.
//
// Before it in the same memfd there is a page for what belongs to it.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

#include "lib/sys/fd.h"

namespace deptyr {

class MirroredMemory {
 public:
  // `size` in bytes is rounded up to a power of two of at least a page.  Pages
  // cost nothing until they are first written (memfd_create(2)).
  static absl::StatusOr<MirroredMemory> Create(size_t size);
  // What Create() made once, maybe in another process.  InvalidArgument for
  // what can't be that.
  static absl::StatusOr<MirroredMemory> Adopt(Fd file);
  MirroredMemory(MirroredMemory&& other) noexcept;
  MirroredMemory& operator=(MirroredMemory&&) = delete;
  ~MirroredMemory();

  char* data() const { return data_; }
  char* page() const { return page_; }  // the one before; at least 4096 bytes
  size_t size() const { return size_; }
  int fd() const { return file_.get(); }  // the memfd

 private:
  MirroredMemory(Fd file, char* page, char* data, size_t size)
      : file_(std::move(file)), page_(page), data_(data), size_(size) {}
  static absl::StatusOr<MirroredMemory> Map(Fd file, size_t size);

  Fd file_;
  char* page_;
  char* data_;
  size_t size_;
};

}  // namespace deptyr
