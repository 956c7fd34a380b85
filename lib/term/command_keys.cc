#include "lib/term/command_keys.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include "lib/term/characters.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

constexpr absl::string_view kPasteBegin = "\x1b[200~";
constexpr absl::string_view kPasteEnd = "\x1b[201~";
// No key's sequence is longer.
constexpr size_t kLongestKey = 40;

// Kitty's modifiers; one more is sent.  Xterm's are the same.
constexpr int kAlt = 2;
constexpr int kControl = 4;
constexpr int kSuperHyperMeta = 8 | 16 | 32;
constexpr int kRelease = 3;

std::optional<char> CharacterOf(int code) {
  if (code < 0 || code > kDelete) return std::nullopt;
  return static_cast<char>(code);
}

std::optional<char> ControlCharacterOf(int code) {
  if (code == ' ') return '\0';
  const auto character = CharacterOf(code);
  return character ? ControlOf(*character) : std::nullopt;
}

// Returns the number at the beginning of `text`.
int NumberOf(absl::string_view text, int otherwise) {
  int number = 0;
  const bool is_number =
      absl::SimpleAtoi(text.substr(0, text.find(':')), &number);
  return is_number ? number : otherwise;
}

// Whether a person may have pressed it; a terminal may have begun a sequence.
bool MayBePressed(absl::string_view sequence) {
  return sequence.size() <= 2;
}

void Append(absl::string_view bytes, std::vector<Typed>& typed) {
  if (bytes.empty()) return;
  if (typed.empty() || !std::holds_alternative<Keystrokes>(typed.back())) {
    typed.push_back(Keystrokes{});
  }
  std::get<Keystrokes>(typed.back()).bytes.append(bytes.data(), bytes.size());
}

}  // namespace

std::vector<Typed> CommandKeys::Feed(absl::string_view bytes) {
  std::vector<Typed> typed;
  if (keys_.empty()) {
    Append(bytes, typed);
  } else {
    for (const char c : bytes) Take(c, typed);
  }
  return typed;
}

absl::Duration CommandKeys::PatienceFor(absl::string_view sequence) {
  return MayBePressed(sequence) ? kEscapePatience : kSequencePatience;
}

absl::Duration CommandKeys::patience() const {
  if (sequence_.size() > passed_) {
    return PatienceFor(sequence_);
  }
  return matched_ > 0 && keys_.size() > 1 ? kPatience : absl::ZeroDuration();
}

std::vector<Typed> CommandKeys::TimeIsUp() {
  std::vector<Typed> typed;
  if (sequence_.size() > passed_) {
    const std::string sequence = sequence_;
    TakeSequence(std::exchange(sequence_, ""), typed);
    if (!MayBePressed(sequence)) return typed;
    sequence_ = sequence;
    passed_ = sequence.size();
  } else if (patience() > absl::ZeroDuration()) {
    Append(GiveUp(), typed);
  }
  return typed;
}

// A key's escape sequence is CSI, numbers, and "u" or "~".
CommandKeys::Kind CommandKeys::Judge(absl::string_view sequence) {
  if (sequence.size() == 1) return Kind::kUnfinished;
  if (sequence[1] != '[') return Kind::kOther;
  if (sequence.size() == 2) return Kind::kUnfinished;
  const char last = sequence.back();
  if (last == 'u' || last == '~') return Kind::kKey;
  const bool number = absl::ascii_isdigit(static_cast<unsigned char>(last)) ||
                      last == ';' || last == ':';
  return number && sequence.size() < kLongestKey ? Kind::kUnfinished
                                                 : Kind::kOther;
}

// CODE[:SHIFTED[:BASE]][;MODIFIERS[:EVENT][;TEXT]] u, or 27;MODIFIERS;CODE ~.
CommandKeys::Key CommandKeys::Decode(absl::string_view sequence) {
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
  const int held = NumberOf(modifiers[0], 1) - 1;
  const int number = NumberOf(code, -1);
  if ((modifiers.size() > 1 && NumberOf(modifiers[1], 1) == kRelease) ||
      (number >= kFirstModifierKey && number <= kLastModifierKey)) {
    return {.character = {}, .silent = true};
  }
  if ((held & (kAlt | kSuperHyperMeta)) != 0) return {};
  if ((held & kControl) == 0) return {.character = CharacterOf(number)};
  // On many keyboards, ^ is a shifted key.
  const std::vector<absl::string_view> codes = absl::StrSplit(code, ':');
  auto control = ControlCharacterOf(number);
  if (!control && codes.size() > 1) {
    control = ControlCharacterOf(NumberOf(codes[1], -1));
  }
  return {.character = control};
}

void CommandKeys::Take(char c, std::vector<Typed>& typed) {
  // Whoever commands by Escape has no use for sequences.
  const bool begins =
      c == kEscape && (in_paste_ || !absl::StrContains(keys_, kEscape));
  if (sequence_.empty() && !begins) {
    const absl::string_view byte(&c, 1);
    return in_paste_ ? Append(byte, typed)
                     : OnKey({.character = c}, byte, typed);
  }
  sequence_.push_back(c);
  const Kind kind = Judge(sequence_);
  if (kind == Kind::kUnfinished) return;
  const bool is_key = kind == Kind::kKey;
  // If it is none, it is a function key, the mouse or an answer, or text after
  // Escape; its last byte may begin the next key.
  if (!is_key) sequence_.pop_back();
  TakeSequence(std::exchange(sequence_, ""), typed);
  if (!is_key) Take(c, typed);
}

void CommandKeys::TakeSequence(absl::string_view sequence,
                               std::vector<Typed>& typed) {
  const absl::string_view bytes = sequence.substr(std::exchange(passed_, 0));
  const bool is_key = Judge(sequence) == Kind::kKey;
  if (in_paste_) {
    in_paste_ = sequence != kPasteEnd;
    return Append(bytes, typed);
  }
  in_paste_ = sequence == kPasteBegin;
  if (!is_key && bytes.empty()) return;  // the program has got all of it
  OnKey(is_key ? Decode(sequence) : Key{}, bytes, typed);
}

void CommandKeys::OnKey(const Key& key, absl::string_view bytes,
                        std::vector<Typed>& typed) {
  if (matched_ == keys_.size()) return OnKeyAfter(key, typed);
  // A key that doesn't go on with the keys before may begin them again.
  if (key.character != keys_[matched_] && !key.silent) Append(GiveUp(), typed);
  const bool matches = key.character == keys_[matched_];
  if (!matches && matched_ == 0) return Append(bytes, typed);
  held_.append(bytes.data(), bytes.size());
  if (matches) ++matched_;
  const bool waits = keys_.size() == 1 && alone_ == Alone::kWaits;
  if (matched_ < keys_.size() || waits) return;
  (void)GiveUp();
  typed.push_back(Command{});
}

// The one key came before.
void CommandKeys::OnKeyAfter(const Key& key, std::vector<Typed>& typed) {
  if (key.silent) return;
  const std::string held = GiveUp();
  if (key.character == keys_[0]) {
    Append(held, typed);
  } else {
    typed.push_back(Command{key.character});
  }
}

std::string CommandKeys::GiveUp() {
  matched_ = 0;
  return std::exchange(held_, "");
}

}  // namespace deptyr
