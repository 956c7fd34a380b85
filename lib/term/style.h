// How a character looks, and the SGR sequences that say so.
//
//   Style style;
//   ApplySgr(Parameters("1;32"), style);
//   AppendSgr({}, style, out);  // "\x1b[1;32m"
//
// Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "lib/term/sequence.h"

namespace deptyr {

struct Color {
  enum class Kind : uint8_t { kDefault, kIndexed, kRgb };

  Kind kind = Kind::kDefault;
  uint8_t red = 0;  // or the index in the palette
  uint8_t green = 0;
  uint8_t blue = 0;

  static Color Indexed(int index) {
    return {.kind = Kind::kIndexed, .red = static_cast<uint8_t>(index)};
  }
  bool operator==(const Color&) const = default;
};

enum class Underline : uint8_t {
  kNone,
  kSingle,
  kDouble,
  kCurly,
  kDotted,
  kDashed
};

// Fonts (SGR 10 to 19) and frames are not kept.
struct Style {
  Color fg = {};
  Color bg = {};
  Color line = {};  // the underline's
  Underline underline = Underline::kNone;
  bool bold = false;
  bool dim = false;
  bool italic = false;
  bool blink = false;
  bool reverse = false;
  bool conceal = false;
  bool strike = false;
  bool overline = false;

  bool operator==(const Style& other) const {
    return std::memcmp(this, &other, sizeof other) == 0;
  }
};
static_assert(std::has_unique_object_representations_v<Style>);

void ApplySgr(const Parameters& parameters, Style& style);

// A style that was put aside (XTPUSHSGR), or a part of it.
class PushedStyle {
 public:
  PushedStyle(const Parameters& parameters, const Style& pen);

  // Takes it back.
  void Restore(Style& pen) const;
  const Style& style() const { return style_; }
  // Puts aside the pen, which has this style.
  std::string Sequence() const;

 private:
  uint64_t parts_;  // a bit for each number, as in SGR; 30 and 31 are colours
  Style style_;
};

// The sequence that turns one style into the other; "" if they are the same.
void AppendSgr(const Style& from, const Style& to, std::string& out);

}  // namespace deptyr
