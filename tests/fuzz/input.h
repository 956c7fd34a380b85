// An input of a fuzzer, read as a list of choices.  Behind its end all is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/strings/string_view.h"

namespace deptyr {

class Input {
 public:
  Input(const uint8_t* bytes, size_t size)
      : left_(reinterpret_cast<const char*>(bytes), size) {}

  bool empty() const { return left_.empty(); }
  uint8_t Byte() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(left_[0]);
    left_.remove_prefix(1);
    return byte;
  }
  // Returns a number below `count`.
  size_t Choice(size_t count) { return Byte() % count; }
  bool Flag() { return (Byte() & 1) != 0; }
  uint16_t Short() {
    const unsigned low = Byte();
    return static_cast<uint16_t>(low | unsigned{Byte()} << 8);
  }
  // Returns a text whose length is its first byte.
  absl::string_view Text() {
    const size_t wanted = Byte();
    const size_t size = std::min(wanted, left_.size());
    const absl::string_view text = left_.substr(0, size);
    left_.remove_prefix(size);
    return text;
  }
  absl::string_view Rest() { return std::exchange(left_, {}); }
  template <typename T, size_t kSize>
  const T& OneOf(const T (&choices)[kSize]) {
    return choices[Choice(kSize)];
  }

 private:
  absl::string_view left_;
};

// Reports a finding unless it holds.
inline void Expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace deptyr
