// The control sequences in a terminal's stream (ECMA-48), across any cut.
//
//   SequenceParser parser;
//   if (parser.Take(byte) == SequenceParser::Event::kCsi) {
//     const Parameters parameters(parser.body());
//     ... parser.prefix(), parser.intermediate(), parser.final()
//   }
//
// C1 controls are taken in their 7-bit form only: in UTF-8 the bytes are parts
// of characters.  Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

class SequenceParser {
 public:
  // Longer parameters and strings are cut there, and said to be overlong().
  static constexpr size_t kLongestBody = 512;

  enum class Event : uint8_t {
    kNone,     // inside of something, or nothing (DEL, an abort)
    kPrint,    // the byte is text, or a part of a character
    kControl,  // C0 control; inside of a CSI it acts at once
    kEscape,   // ESC intermediate final
    kCsi,      // CSI prefix body intermediate final
    kString,   // body, of the kind final(): ']' OSC, 'P' DCS, '_', '^', 'X'
  };

  Event Take(char c);

  // Not inside of a sequence.
  bool ground() const { return state_ == State::kGround; }
  // Inside of a string, maybe before the '\\' of the ST that ends it.
  bool in_string() const { return state_ >= State::kString; }

  // Of the last event.
  char final() const { return final_; }
  char prefix() const { return prefix_; }              // '?', '>', ..., or 0
  char intermediate() const { return intermediate_; }  // the first, or 0
  absl::string_view body() const { return body_; }
  bool overlong() const { return overlong_; }

 private:
  enum class State : uint8_t { kGround, kEscape, kCsi, kString, kStringEscape };

  Event Begin();
  Event End(Event event, char final);
  Event TakeGround(char c);
  Event TakeEscape(char c);
  Event TakeCsi(char c);
  Event TakeString(char c);
  void AddIntermediate(char c);
  void AddToBody(char c);

  State state_ = State::kGround;
  char final_ = 0;
  char prefix_ = 0;
  char intermediate_ = 0;
  bool two_intermediates_ = false;
  bool overlong_ = false;
  std::string body_;
};

// Of a CSI: numbers, with ';' or ':' between them.  Those after the 32nd are
// dropped, larger ones are 9999.
class Parameters {
 public:
  explicit Parameters(absl::string_view body);

  size_t size() const { return size_; }
  // `otherwise` where there is none.
  int At(size_t i, int otherwise = 0) const {
    return i < size_ && values_[i] >= 0 ? values_[i] : otherwise;
  }
  bool missing(size_t i) const { return i >= size_ || values_[i] < 0; }
  // A ':' is between it and the one before.
  bool joined(size_t i) const { return i < size_ && joined_[i]; }

 private:
  static constexpr size_t kMost = 32;

  std::array<int16_t, kMost> values_;
  std::array<bool, kMost> joined_;
  size_t size_ = 0;
};

}  // namespace deptyr
