#include "lib/term/detach_keys.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/term/keys.h"

namespace deptyr {
namespace {

constexpr char kEscape = '\x1b';
constexpr char kDelete = '\x7f';
// No key's sequence is longer.
constexpr size_t kLongestSequence = 40;

// Of kitty's modifiers, one less than what is sent (so are xterm's).
constexpr int kAlt = 2;
constexpr int kControl = 4;
constexpr int kSuperHyperMeta = 8 | 16 | 32;
constexpr int kRelease = 3;

// What the control key makes of a key that has this code.
std::optional<char> ControlOf(int code) {
  if (code == ' ') return '\0';
  if (code == '?') return kDelete;
  if (code > kDelete) return std::nullopt;
  const char upper =
      absl::ascii_toupper(static_cast<unsigned char>(static_cast<char>(code)));
  if (upper < '@' || upper > '_') return std::nullopt;
  return static_cast<char>(upper - '@');
}

// The number at the beginning of `text`, 1 if there is none.
int NumberOf(absl::string_view text) {
  int number = 1;
  return absl::SimpleAtoi(text.substr(0, text.find(':')), &number) ? number : 1;
}

}  // namespace

absl::StatusOr<std::string> ParseDetachKeys(absl::string_view spelling) {
  std::string keys;
  for (const absl::string_view one : absl::StrSplit(spelling, ',')) {
    const auto key = ParseKey(one);
    if (!key.ok()) return key.status();
    if (key->has_value()) {
      keys.push_back(**key);
    } else if (spelling != "none") {
      return absl::InvalidArgumentError("none stands alone");
    }
  }
  return keys;
}

std::string DetachKeys::Feed(absl::string_view bytes) {
  if (keys_.empty()) return std::string(bytes);
  std::string typed;
  for (const char c : bytes) Take(c, typed);
  return typed;
}

absl::Duration DetachKeys::patience() const {
  if (detached_) return absl::ZeroDuration();
  if (!sequence_.empty()) return kSequencePatience;
  return matched_ > 0 ? kPatience : absl::ZeroDuration();
}

std::string DetachKeys::TimeIsUp() {
  std::string typed;
  if (!sequence_.empty()) {
    OnKey({}, std::exchange(sequence_, ""), typed);
  } else if (matched_ == keys_.size()) {
    detached_ = matched_ > 0;
  } else {
    typed = std::exchange(held_, "");
    matched_ = 0;
  }
  return typed;
}

// An escape sequence of a key: CSI, numbers, "u" or "~".
DetachKeys::Kind DetachKeys::Judge(absl::string_view sequence) {
  if (sequence[0] != kEscape) return Kind::kOther;
  if (sequence.size() == 1) return Kind::kUnfinished;
  if (sequence[1] != '[') return Kind::kOther;
  if (sequence.size() == 2) return Kind::kUnfinished;
  const char last = sequence.back();
  if (last == 'u' || last == '~') return Kind::kKey;
  const bool number = absl::ascii_isdigit(static_cast<unsigned char>(last)) ||
                      last == ';' || last == ':';
  return number && sequence.size() < kLongestSequence ? Kind::kUnfinished
                                                      : Kind::kOther;
}

// CODE[:SHIFTED[:BASE]][;MODIFIERS[:EVENT][;TEXT]] u, or 27;MODIFIERS;CODE ~.
DetachKeys::Key DetachKeys::Decode(absl::string_view sequence) {
  constexpr int kFirstModifierKey = 57441;
  constexpr int kLastModifierKey = 57454;
  const absl::string_view inner = sequence.substr(2, sequence.size() - 3);
  const std::vector<absl::string_view> fields = absl::StrSplit(inner, ';');
  absl::string_view code = fields[0];
  if (sequence.back() == '~') {
    if (code != "27" || fields.size() != 3) return {};
    code = fields[2];
  }
  const std::vector<absl::string_view> modifiers =
      absl::StrSplit(fields.size() > 1 ? fields[1] : "1", ':');
  const int held = NumberOf(modifiers[0]) - 1;
  const int number = NumberOf(code);
  Key key;
  key.silent = (modifiers.size() > 1 && NumberOf(modifiers[1]) == kRelease) ||
               (number >= kFirstModifierKey && number <= kLastModifierKey);
  if (key.silent || (held & (kAlt | kSuperHyperMeta)) != 0) return key;
  if ((held & kControl) == 0) {
    // These are control characters by themselves.
    if (number < ' ' || number == kDelete) {
      key.control = static_cast<char>(number);
    }
    return key;
  }
  // The shifted key is what ctrl-^ is on many keyboards.
  const std::vector<absl::string_view> codes = absl::StrSplit(code, ':');
  key.control = ControlOf(number);
  if (!key.control && codes.size() > 1) {
    key.control = ControlOf(NumberOf(codes[1]));
  }
  return key;
}

void DetachKeys::Take(char c, std::string& typed) {
  sequence_.push_back(c);
  // Whoever detaches by Escape has no use for sequences.
  const Kind kind =
      absl::StrContains(keys_, kEscape) ? Kind::kOther : Judge(sequence_);
  if (kind == Kind::kUnfinished) return;
  const std::string bytes = std::exchange(sequence_, "");
  if (kind == Kind::kKey) return OnKey(Decode(bytes), bytes, typed);
  if (bytes.size() == 1) return OnKey({.control = c}, bytes, typed);
  // Not a key's: the function key, the mouse or the text that it is; but its
  // last byte may begin another.
  OnKey({}, absl::string_view(bytes).substr(0, bytes.size() - 1), typed);
  Take(c, typed);
}

void DetachKeys::OnKey(const Key& key, absl::string_view bytes,
                       std::string& typed) {
  if (detached_) return;
  const bool wanted = key.control.has_value();
  if (matched_ == keys_.size()) {  // the one key came
    if (key.silent) return;
    if (wanted && *key.control == keys_[0]) {
      typed += std::exchange(held_, "");
      matched_ = 0;
    } else {
      detached_ = true;
    }
    return;
  }
  if (wanted && *key.control == keys_[matched_]) {
    held_.append(bytes.data(), bytes.size());
    ++matched_;
    detached_ = matched_ == keys_.size() && matched_ > 1;
    return;
  }
  if (matched_ > 0 && key.silent) {
    held_.append(bytes.data(), bytes.size());
    return;
  }
  if (matched_ > 0) {
    typed += std::exchange(held_, "");
    matched_ = 0;
    return OnKey(key, bytes, typed);
  }
  typed.append(bytes.data(), bytes.size());
}

}  // namespace deptyr
