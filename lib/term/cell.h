// Cells, rows and the cursor: a screen as it is given to readers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/term/style.h"

namespace deptyr {

struct Cell {
  // A character and those that combine with it, in UTF-8.  It is empty in a
  // cell that was erased, and in the right half of a wide character.
  std::string text = {};
  // 2 if the character goes on in the next cell, whose width is 0.
  uint8_t width = 1;
  Style style = {};
  std::string link = {};    // "PARAMETERS;URI" (OSC 8), or ""
  bool is_guarded = false;  // a selective erasure spares it (DECSCA)

  // Whether nothing has been printed there since it was erased.
  bool erased() const { return width == 1 && text.empty(); }
  bool blank() const { return text.empty() || text == " "; }
  // Appends nothing for a right half, and a space for an erased cell.
  void AppendTo(std::string& out) const {
    if (erased()) {
      out += ' ';
    } else {
      out += text;
    }
  }
  bool operator==(const Cell&) const = default;
};

// How large a row's characters are (DECSWL, DECDWL, DECDHL).
enum class RowSize : uint8_t { kSingle, kWide, kUpperHalf, kLowerHalf };
// ESC # and one of these sets it.
constexpr absl::string_view kRowSizeFinals = "5634";

struct Row {
  std::vector<Cell> cells = {};
  // The next row goes on with this one's line.
  bool wraps = false;
  RowSize size = RowSize::kSingle;

  bool operator==(const Row&) const = default;
};

struct Cursor {
  int row = 0;
  int col = 0;
  // A character was printed in the last column, so the next one wraps.
  bool wraps = false;

  bool operator==(const Cursor&) const = default;
};

}  // namespace deptyr
