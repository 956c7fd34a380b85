// The control sequences in a terminal's stream (ECMA-48), however it is cut.
//
//   SequenceParser parser;
//   if (parser.Take(byte) == SequenceParser::Event::kCsi &&
//       parser.prefix() == 0 && parser.final() == 'H') {
//     const int row = Parameters(parser.body()).At(0, 1);
//   }
//
// C1 controls are taken in their 7-bit form only, as in UTF-8 their bytes are
// parts of characters.  Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

class SequenceParser {
 public:
  // Longer parameters and strings are cut to this many bytes.
  static constexpr size_t kLongestBody = 2560;

  enum class Event : uint8_t {
    kNone,     // the byte is inside a sequence, a DEL, or has aborted one
    kPrint,    // the byte is text, or a part of a character
    kShifted,  // final() is a character of G2 or G3: ESC intermediate final,
               // where the intermediate is N (SS2) or O (SS3)
    kControl,  // a C0 control; inside a CSI it acts at once
    kEscape,   // ESC intermediate final
    kCsi,      // CSI prefix body intermediate final
    kString,   // a string of the kind final(): ']' OSC, 'P' DCS, '_', '^', 'X',
               // 'k'
  };

  Event Take(char c);
  // Takes the CSI that begins at `p` if it is whole and has nothing unusual in
  // it, and returns where it ends.  Otherwise nothing changes, and it returns
  // `p`.  Call it when no sequence has begun; it is faster than Take().
  const char* TakeCsi(const char* p, const char* end);

  // Whether no sequence has begun.
  bool ground() const { return state_ == State::kGround; }
  // Whether a string has begun; its ST may have begun, too.
  bool in_string() const { return state_ >= State::kString; }

  // These tell about the last event.
  char final() const { return final_; }
  char prefix() const { return prefix_; }              // '?', '>', ..., or 0
  char intermediate() const { return intermediate_; }  // the first, or 0
  absl::string_view body() const { return body_; }

 private:
  enum class State : uint8_t {
    kGround,
    kEscape,
    kShift,  // ESC N or ESC O, and the character isn't there yet
    kCsi,
    kString,
    kStringEscape
  };

  Event Begin();
  Event End(Event event, char final);
  Event TakeGround(char c);
  Event TakeEscape(char c);
  Event TakeShifted(char c);
  Event TakeCsi(char c);
  Event TakeString(char c);
  void AddIntermediate(char c);
  void AddToBody(char c);

  State state_ = State::kGround;
  char final_ = 0;
  char prefix_ = 0;
  char intermediate_ = 0;
  bool two_intermediates_ = false;
  std::string body_;
};

// The parameters of a CSI: numbers, with ';' or ':' between them.  Those after
// the 32nd are dropped, and larger ones than 9999 become 9999.
class Parameters {
 public:
  explicit Parameters(absl::string_view body);

  size_t size() const { return size_; }
  // Returns `otherwise` if there is no number.
  int At(size_t i, int otherwise = 0) const {
    return i < size_ && values_[i] >= 0 ? values_[i] : otherwise;
  }
  bool missing(size_t i) const { return i >= size_ || values_[i] < 0; }
  // Whether a ':' separates it from the one before.
  bool joined(size_t i) const { return i < size_ && joined_[i]; }
  bool any_joined() const { return any_joined_; }

 private:
  static constexpr size_t kMost = 32;

  std::array<int16_t, kMost> values_;
  std::array<bool, kMost> joined_;
  size_t size_ = 0;
  bool any_joined_ = false;
};

}  // namespace deptyr
