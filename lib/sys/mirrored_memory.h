// Memory that is mapped twice in a row, so that memory[i] and memory[i +
// size()] are the same byte and any span of it is contiguous.  Before it, the
// same memfd has a page for data about it.
#pragma once

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"

#include "lib/sys/fd.h"

namespace deptyr {

class MirroredMemory {
 public:
  // Rounds `size` up to a power of two of at least a page.
  static absl::StatusOr<MirroredMemory> Create(size_t size);
  // Maps a memfd that Create() made, maybe in another process; any other is
  // InvalidArgument.
  static absl::StatusOr<MirroredMemory> Adopt(Fd file);
  MirroredMemory(MirroredMemory&& other) noexcept;
  ~MirroredMemory();

  char* data() const { return data_; }
  char* page() const { return page_; }  // precedes data(); 4096 bytes or more
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
