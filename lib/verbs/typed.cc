#include "lib/verbs/typed.h"

#include <charconv>
#include <optional>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

// Takes a number of at most `most` digits off the beginning of `text`.
std::optional<char> TakeNumber(absl::string_view& text, size_t most, int base) {
  unsigned number = 0;
  const absl::string_view digits = text.substr(0, most);
  const auto [end, error] =
      std::from_chars(digits.begin(), digits.end(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - digits.begin()));
  return static_cast<char>(number);
}

// `text` begins after the backslash.
std::optional<char> TakeEscape(absl::string_view& text) {
  constexpr absl::string_view kLetters = "nrtbae\\";
  constexpr absl::string_view kBytes = "\n\r\t\b\a\x1b\\";
  constexpr int kOctal = 8;
  constexpr int kHexadecimal = 16;
  if (text.empty()) return std::nullopt;
  const char letter = text[0];
  text.remove_prefix(1);
  if (letter == '0') return TakeNumber(text, 3, kOctal).value_or('\0');
  if (letter == 'x') return TakeNumber(text, 2, kHexadecimal);
  const size_t at = kLetters.find(letter);
  if (at == absl::string_view::npos) return std::nullopt;
  return kBytes[at];
}

}  // namespace

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string bytes;
  absl::string_view rest = text;
  while (!rest.empty()) {
    const char c = rest[0];
    rest.remove_prefix(1);
    if (c != '\\') {
      bytes.push_back(c);
      continue;
    }
    const absl::string_view escape = rest;
    const auto byte = TakeEscape(rest);
    if (!byte) {
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown escape: \\", escape.substr(0, 1), " in ", text,
          "; the escapes are \\n \\r \\t \\b \\a \\e \\xHH \\0oo and "
          "\\\\"));
    }
    bytes.push_back(*byte);
  }
  return bytes;
}

}  // namespace deptyr
