// Bytes that look random and that both ends know, so that a test recognizes
// them at any place of the stream.  There is no ESC among them, because a
// terminal answers when a program asks it something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

// Programs write the first stream to clients, and clients the second to
// programs.
inline constexpr uint64_t kDownNoise = 1;
inline constexpr uint64_t kUpNoise = 2;

class Noise {
 public:
  explicit Noise(uint64_t seed) : block_(kBlock, '\0') {
    for (char& byte : block_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15;
      uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      byte = static_cast<char>((z ^ (z >> 31)) & 0xff);
      if (byte == '\x1b') byte = '\x1c';
    }
  }

  // Some of the stream from `offset` on, at most `most` bytes.
  absl::string_view At(size_t offset, size_t most) const {
    return absl::string_view(block_).substr(offset % kBlock, most);
  }
  // Whether `bytes` is the stream from `offset` on.
  bool Matches(size_t offset, absl::string_view bytes) const {
    while (!bytes.empty()) {
      const absl::string_view wanted = At(offset, bytes.size());
      if (bytes.substr(0, wanted.size()) != wanted) return false;
      bytes.remove_prefix(wanted.size());
      offset += wanted.size();
    }
    return true;
  }

 private:
  // No buffer's size divides this, so misplaced bytes don't match.
  static constexpr size_t kBlock = 1'000'003;
  std::string block_;
};

}  // namespace deptyr
