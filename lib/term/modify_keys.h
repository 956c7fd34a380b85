// How a terminal sends keys that are pressed with Shift, Alt or Ctrl.  A
// program sets that for each kind of keys (XTMODKEYS and CSI > n in xterm's
// "ctlseqs").
//
//   SequenceParser parser;
//   ModifyKeys keys;
//   for (const char c : std::string("\x1b[>4;2m")) {
//     if (parser.Take(c) == SequenceParser::Event::kCsi) keys.Take(parser);
//   }
//   std::string out = keys.Undo();  // CSI > 4 m, and CSI m
//
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "lib/term/sequence.h"

namespace deptyr {

class ModifyKeys {
 public:
  // Takes a CSI > m or a CSI > n.
  void Take(const SequenceParser& csi);

  // The sequences that set this on a terminal on which nothing is set, and
  // those that have it go back to what it is set to at first.  A terminal that
  // doesn't know them takes them for SGR, so the second end with CSI m.
  std::string Sequences() const;
  std::string Undo() const;

 private:
  static constexpr int kAtFirst = -2;
  static constexpr int kDisabled = -1;
  // The kinds are the keyboard, cursor keys, function keys, the keypad, and
  // other keys.
  static constexpr size_t kKinds = 5;
  static constexpr int kFunctionKeys = 2;
  static constexpr int kOtherKeys = 4;

  static constexpr std::array<int8_t, kKinds> kNothingSet = {
      kAtFirst, kAtFirst, kAtFirst, kAtFirst, kAtFirst};
  std::array<int8_t, kKinds> levels_ = kNothingSet;
};

}  // namespace deptyr
