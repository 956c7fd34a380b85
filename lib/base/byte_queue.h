// A bounded queue of bytes that wait to be written, oldest first.
//
//   queue.Append(bytes.substr(0, queue.room()));
//   queue.Consume(WriteSome(fd, queue.bytes()).bytes);
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace deptyr {

class ByteQueue {
 public:
  explicit ByteQueue(size_t capacity) : capacity_(capacity) {}

  bool empty() const { return bytes().empty(); }
  size_t room() const {
    return capacity_ > bytes().size() ? capacity_ - bytes().size() : 0;
  }
  // Whether it holds more than its capacity.
  bool overfull() const { return bytes().size() > capacity_; }
  absl::string_view bytes() const {
    return absl::string_view(storage_).substr(consumed_);
  }

  // More than room() may be added; room() is then 0 until enough is consumed.
  void Append(absl::string_view added) {
    if (consumed_ > 0) {
      storage_.erase(0, consumed_);
      consumed_ = 0;
    }
    storage_.append(added.data(), added.size());
  }

  // Does what Append() does, but without a copy if the queue is empty.
  void Add(std::string added) {
    if (!empty()) return Append(added);
    storage_ = std::move(added);
    consumed_ = 0;
  }

  void Consume(size_t count) {
    consumed_ += count;
    if (consumed_ == storage_.size()) Clear();
  }

  // Frees the memory, too: a thousand idle sessions hold a thousand of these.
  void Clear() {
    consumed_ = 0;
    std::string().swap(storage_);
  }

 private:
  const size_t capacity_;
  size_t consumed_ = 0;
  std::string storage_;
};

}  // namespace deptyr
