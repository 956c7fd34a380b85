// The characters that make a control sequence (ECMA-48, 5.4).
//
//   absl::string_view text = "plain\x1b[1mbold";
//   const size_t plain = text.find(kEscape);
//   const bool makes_bold = IsFinal(text[plain + 3]);
//
// They are bytes, in the form for 7 bits.  Pure.
#pragma once

namespace deptyr {

inline constexpr char kBell = '\x07';
inline constexpr char kCancel = '\x18';
inline constexpr char kSubstitute = '\x1a';
inline constexpr char kEscape = '\x1b';
inline constexpr char kDelete = '\x7f';

constexpr bool IsPrintableAscii(char c) {
  return c >= ' ' && c < kDelete;
}
constexpr bool IsControl(char c) {
  return static_cast<unsigned char>(c) < ' ';
}
constexpr bool IsIntermediate(char c) {
  return c >= 0x20 && c <= 0x2f;
}
// A digit, or what separates numbers.
constexpr bool IsParameter(char c) {
  return c >= 0x30 && c <= 0x3b;
}
// One of < = > ?, by which a sequence becomes a private one.
constexpr bool IsPrefix(char c) {
  return c >= 0x3c && c <= 0x3f;
}
constexpr bool IsFinal(char c) {
  return c >= 0x40 && c <= 0x7e;
}

}  // namespace deptyr
