// The size of a terminal.
#pragma once

#include <cstdint>

namespace deptyr {

struct WindowSize {
  uint16_t rows = 24;
  uint16_t cols = 80;
  // These are the whole size in pixels, as winsize has it (ioctl_tty(2)), or 0
  // if that isn't known.
  uint16_t xpixels = 0;
  uint16_t ypixels = 0;
  bool operator==(const WindowSize&) const = default;
};

// Whether both have as many rows and columns.
inline bool SameCells(const WindowSize& a, const WindowSize& b) {
  return a.rows == b.rows && a.cols == b.cols;
}

}  // namespace deptyr
