// A cell of a screen, and the cursor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/utf8.h"
#include "lib/term/style.h"

namespace deptyr {

// Moving or erasing this many cells takes as long as printing one.
constexpr int kCellsAtOnce = 12;

struct Cell {
  static constexpr size_t kMostCharacters = 6;

  // A character and those that combine with it.  The first is 0 in a cell that
  // was erased, and in the right half of a wide character.
  std::array<char32_t, kMostCharacters> characters = {};
  // 2 if the character goes on in the next cell, whose width is 0.
  uint8_t width = 1;
  Style style;

  // Whether nothing has been printed there since it was erased.
  bool erased() const { return width == 1 && characters[0] == 0; }
  bool blank() const { return characters[0] == 0 || characters[0] == ' '; }

  // Appends nothing for a right half, and a space for an erased cell.
  void AppendTo(std::string& out) const {
    if (erased()) out += ' ';
    for (const char32_t c : characters) {
      if (c == 0) break;
      AppendUtf8(c, out);
    }
  }
  bool operator==(const Cell&) const = default;
};

using Row = std::vector<Cell>;

struct Cursor {
  int row = 0;
  int col = 0;
  // A character was printed in the last column, so the next one wraps.
  bool wraps = false;

  bool operator==(const Cursor&) const = default;
};

}  // namespace deptyr
