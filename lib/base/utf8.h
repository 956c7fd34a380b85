// Decodes UTF-8, a byte at a time, and encodes it.
//
//   Utf8Decoder decoder;
//   for (const char c : bytes) {
//     decoder.Feed(c, [&](char32_t character) { AppendUtf8(character, out); });
//   }
//   decoder.Flush([&](char32_t character) { AppendUtf8(character, out); });
//
// Pure.
#pragma once

#include <cstdint>
#include <string>

namespace deptyr {

// Stands for bytes that are not UTF-8.
constexpr char32_t kReplacement = 0xfffd;

// Whether the byte continues a character.
constexpr bool IsUtf8Continuation(char c) {
  return (static_cast<uint8_t>(c) & 0xc0) == 0x80;
}

// Whether it is one of the control characters that ISO 8859 has beyond ASCII.
constexpr bool IsC1(char32_t c) {
  return c >= 0x80 && c < 0xa0;
}

inline void AppendUtf8(char32_t c, std::string& out) {
  const auto byte = [&out](char32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xc0 | c >> 6);
    byte(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    byte(0xe0 | c >> 12);
    byte(0x80 | (c >> 6 & 0x3f));
    byte(0x80 | (c & 0x3f));
  } else {
    byte(0xf0 | c >> 18);
    byte(0x80 | (c >> 12 & 0x3f));
    byte(0x80 | (c >> 6 & 0x3f));
    byte(0x80 | (c & 0x3f));
  }
}

// Rejects overlong forms, surrogates and everything above U+10FFFF.
class Utf8Decoder {
 public:
  enum class Result : uint8_t {
    kMore,
    kCharacter,  // character() is it
    kInvalid,    // the byte begins no character
    kAgain,      // the bytes before are no character; give this one again
  };

  Result Take(char byte) {
    const auto b = static_cast<uint8_t>(byte);
    if (missing_ == 0) return First(b);
    if (b < low_ || b > high_) {
      missing_ = taken_ = 0;
      return Result::kAgain;
    }
    low_ = 0x80;
    high_ = 0xbf;
    character_ = character_ << 6 | (b & 0x3f);
    ++taken_;
    if (--missing_ > 0) return Result::kMore;
    taken_ = 0;
    return Result::kCharacter;
  }

  // Gives `take` each character that ends here, and kReplacement for bytes that
  // are none.
  template <typename Taker>
  void Feed(char byte, Taker take) {
    Result result = Take(byte);
    if (result == Result::kAgain) {
      take(kReplacement);
      result = Take(byte);
    }
    if (result == Result::kMore) return;
    take(result == Result::kCharacter ? character_ : kReplacement);
  }
  // Call it at the end of the input: a character that has only begun becomes
  // kReplacement.
  template <typename Taker>
  void Flush(Taker take) {
    if (pending() == 0) return;
    Forget();
    take(kReplacement);
  }

  char32_t character() const { return character_; }
  // How many bytes of an incomplete character it holds.
  unsigned pending() const { return taken_; }
  void Forget() { missing_ = taken_ = 0; }

 private:
  Result First(uint8_t b) {
    if (b < 0x80) {
      character_ = b;
      return Result::kCharacter;
    }
    if (b < 0xc2 || b > 0xf4) return Result::kInvalid;
    low_ = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    high_ = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    missing_ = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    character_ = b & (0x3f >> missing_);
    taken_ = 1;
    return Result::kMore;
  }

  char32_t character_ = 0;
  uint8_t missing_ = 0;
  uint8_t taken_ = 0;
  uint8_t low_ = 0x80;  // the range of the next byte
  uint8_t high_ = 0xbf;
};

}  // namespace deptyr
