// The size of a terminal, in characters.
#pragma once

#include <cstdint>

namespace deptyr {

struct WindowSize {
  uint16_t rows = 24;
  uint16_t cols = 80;
  bool operator==(const WindowSize&) const = default;
};

}  // namespace deptyr
