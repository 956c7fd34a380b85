// The DEC private modes that are just on or off, as bits of a number.
#pragma once

#include <cstddef>
#include <cstdint>

namespace deptyr {

struct DecMode {
  int number;
  bool at_reset;
};

// A terminal in this mode says its size when it changes, and at first, too.
constexpr int kReportsSize = 2048;

// In the order in which they are set.  A terminal that is told several ways to
// encode the mouse takes the last, so the one that programs prefer comes last.
constexpr DecMode kDecModes[] = {
    {1, false},     // cursor keys
    {4, false},     // smooth scroll
    {5, false},     // reverse video
    {69, false},    // left and right margins
    {6, false},     // origin
    {7, true},      // autowrap
    {45, false},    // reverse wrap
    {8, true},      // keys repeat
    {12, false},    // the cursor blinks
    {25, true},     // the cursor is visible
    {67, false},    // the backspace key sends BS
    {80, false},    // sixels begin at the top left
    {8452, false},  // sixels leave the cursor beside them
    {1004, false},  // reports focus
    {1005, false},  // mouse: UTF-8
    {1015, false},  // mouse: urxvt
    {1006, false},  // mouse: SGR
    {1016, false},  // mouse: SGR, pixels
    {1007, false},  // the wheel sends cursor keys on the alternate screen
    {2004, false},  // brackets pastes
    {2027, false},  // grapheme clusters
    {2031, false},  // reports the colour scheme
    {kReportsSize, false},
    {9001, false},  // keys in the form of Windows (win32-input-mode)
    {2026, false},  // synchronized output
};

// Returns 0 for any other mode.
constexpr uint32_t DecModeBit(int mode) {
  uint32_t bit = 1;
  for (const DecMode& known : kDecModes) {
    if (known.number == mode) return bit;
    bit <<= 1;
  }
  return 0;
}

constexpr uint32_t kDecModesAtReset =
    DecModeBit(7) | DecModeBit(8) | DecModeBit(25);

}  // namespace deptyr
