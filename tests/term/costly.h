// The output of programs that costs a screen's model the most for its length,
// and how much of that a model may do at once.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/digest.h"

namespace deptyr {

inline constexpr absl::string_view kCostly[] = {
    // On all cells: printed, moved (at the bottom, at the top, in a region),
    // erased, exchanged.
    "\x1b#8",
    "\n",
    "\x1b[9999;1H",
    "\x1bM",
    "\x1b[H",
    "\x1b[S",
    "\x1b[9999T",
    "\x1b[9999L",
    "\x1b[M",
    "\x1b[2;9998r",
    "\x1b[r",
    "\x1b[2J",
    "\x1b[J",
    "\x1b\x63",
    "\x1b[?1049h",
    "\x1b[?1049l",
    "\x1b[?47h\x1b[?47l",
    // On a row.
    "\x1b[9999b",
    "x",
    "\x1b[9999@",
    "\x1b[P",
    "\x1b[9999X",
    "\x1b[4h",
    "\x1b[4l",
    // Marks that come late, and widths that aren't known yet.
    "\xcc\x81",
    "\xe4\xb8\x80",
    "\xf0\x90\xa8\x8f",
    // A tab looks for a stop, of which there is none.
    "\t",
    "\x1b[3g",
    "\r",
    "\x1b[9999Z",
    "\x1bH",
    // Long lists.
    "\x1b[1;2;3;4:3;5;7;8;9;53;38;2;255;254;253;48;2;200;201;202m",
    "\x1b[m",
    "\x1b[?1048;1048;1048;1048;1048;1048;1048;1048l",
    "\x1b[?6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6;6h",
    // Sequences that don't end: controls inside act at once.
    "\x1b[",
    "\x1b]2;",
    "\x1b\\",
    "\x1b[?69h\x1b[5;900s",
    "\x1b[!p",
    // Rows that are made anew, or given back.
    "\n\x1b[3J",
    "\x1b[?47l",
    "\x1b[?1047h",
    "\x1b[?1047l",
    // Rectangles, cell by cell; columns; protected cells.
    "\x1b[;;;;1;4;5;7;1;4;5;7;1;4;5;7;1;4;5;7$r",
    "\x1b[;;;;7$t",
    "\x1b[88$x",
    "\x1b[$z",
    "\x1b[${",
    "\x1b[;;;;;2;2$v",
    "\x1b['}",
    "\x1b[ @",
    "\x1b[1\"q",
    "\x1b[?2J",
    "\x1bV\x1b[2J\x1bW",
    // Back through all rows.
    "\x1b[?45h\x1b[9999D",
    // Numbers in tables: links, colours, titles.
    "\x1b]8;;x\x1b\\",
    "\x1b]4;1;red\x07",
    "\x1b[22t",
    "\x1b\x37",
    "\x1b\x38",
    "\x1b[#{",
    "\x1b[#}",
    // All rows are in doubt.
    "\x1bPq\x1b\\",
};

// One act on all cells, and what a sequence that doesn't end is granted.
constexpr uint64_t MostOver(WindowSize size) {
  return uint64_t{2} * size.rows * size.cols + Digest::kLongestHeld + 16384;
}

}  // namespace deptyr
