#include "lib/term/keys.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace deptyr {
namespace {

constexpr char kDelete = 0x7f;

// What the control key makes of `c`: @ A..Z [ \ ] ^ _ are 0..31.
std::optional<char> Control(char c) {
  if (c == '?') return kDelete;
  c = absl::ascii_toupper(static_cast<unsigned char>(c));
  if (c < '@' || c > '_') return std::nullopt;
  return static_cast<char>(c - '@');
}

}  // namespace

absl::StatusOr<std::optional<char>> ParseKey(absl::string_view spelling) {
  if (spelling == "none") return std::optional<char>();
  absl::string_view letter = spelling;
  for (const char* prefix : {"^", "ctrl-", "Ctrl-", "C-"}) {
    if (!absl::ConsumePrefix(&letter, prefix)) continue;
    const auto key = letter.size() == 1 ? Control(letter[0]) : std::nullopt;
    if (key) return key;
    break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a key: ", spelling, "; say ^X, ctrl-x or none"));
}

std::string SpellKey(char key) {
  return key == kDelete ? "^?" : std::string{'^', static_cast<char>(key + '@')};
}

std::vector<Typed> CommandKeys::Feed(absl::string_view bytes) {
  std::vector<Typed> result;
  std::string plain;
  const auto flush = [&] {
    if (!plain.empty()) result.push_back(Keystrokes{std::exchange(plain, "")});
  };
  for (const char c : bytes) {
    if (pending_ && c != key_) {
      flush();
      result.push_back(Command{c});
      pending_ = false;
    } else if (!pending_ && c == key_) {
      pending_ = true;
    } else {
      pending_ = false;
      plain.push_back(c);
    }
  }
  flush();
  return result;
}

}  // namespace deptyr
