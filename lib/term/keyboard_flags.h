// The flags of kitty's keyboard protocol that a program sets on one screen, as
// a stack (https://sw.kovidgoyal.net/kitty/keyboard-protocol/).
//
//   SequenceParser parser;
//   KeyboardFlags flags;
//   for (const char c : std::string("\x1b[>1u")) {
//     if (parser.Take(c) == SequenceParser::Event::kCsi) flags.Take(parser);
//   }
//   std::string out = flags.Undo();  // CSI < 1 u
//
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/term/sequence.h"

namespace deptyr {

class KeyboardFlags {
 public:
  // Takes a CSI u with a prefix, which pushes, pops or sets flags, or asks.
  void Take(const SequenceParser& csi);

  // Whether the terminal says when a key is released.
  bool reports_releases() const;
  // The sequences that give these flags to a screen that has none, and those
  // that take them back.
  std::string Sequences() const;
  std::string Undo() const;

 private:
  std::array<uint8_t, 8> flags_ = {};
  uint8_t depth_ = 0;
};

}  // namespace deptyr
