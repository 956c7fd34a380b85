#include "lib/verbs/typed.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/base/utf8.h"
#include "lib/term/keys.h"

namespace deptyr {
namespace {

struct Simple {
  char letter;
  char byte;
};
constexpr Simple kEscapes[] = {
    {'n', '\n'}, {'r', '\r'},   {'t', '\t'},  {'b', '\b'},
    {'a', '\a'}, {'e', '\x1b'}, {'\\', '\\'},
};

// Takes a number of at most `most` digits off the beginning of `text`.
std::optional<int> TakeNumber(absl::string_view& text, size_t most, int base) {
  int number = 0;
  size_t count = 0;
  for (; count < most && count < text.size(); ++count) {
    int digit = 0;
    if (!absl::SimpleHexAtoi(text.substr(count, 1), &digit) || digit >= base) {
      break;
    }
    number = number * base + digit;
  }
  text.remove_prefix(count);
  if (count == 0) return std::nullopt;
  return number;
}

// `text` begins after the backslash.
std::optional<char> TakeEscape(absl::string_view& text) {
  constexpr int kOctal = 8;
  constexpr int kHexadecimal = 16;
  if (text.empty()) return std::nullopt;
  const char letter = text[0];
  text.remove_prefix(1);
  if (letter == '0') {
    constexpr size_t kMostDigits = 3;
    return static_cast<char>(TakeNumber(text, kMostDigits, kOctal).value_or(0));
  }
  if (letter == 'x') {
    const auto number = TakeNumber(text, 2, kHexadecimal);
    if (!number) return std::nullopt;
    return static_cast<char>(*number);
  }
  for (const Simple& simple : kEscapes) {
    if (simple.letter == letter) return simple.byte;
  }
  return std::nullopt;
}

// A key sends CSI, a number if modifiers are held, and `last`; or CSI,
// `number`, and "~".
struct Special {
  absl::string_view name;
  int number;
  char last;
};
constexpr Special kSpecials[] = {
    {"Up", 1, 'A'},     {"Down", 1, 'B'},   {"Right", 1, 'C'},
    {"Left", 1, 'D'},   {"End", 1, 'F'},    {"Home", 1, 'H'},
    {"F1", 1, 'P'},     {"F2", 1, 'Q'},     {"F3", 1, 'R'},
    {"F4", 1, 'S'},     {"Insert", 2, '~'}, {"IC", 2, '~'},
    {"Delete", 3, '~'}, {"DC", 3, '~'},     {"PageUp", 5, '~'},
    {"PgUp", 5, '~'},   {"PPage", 5, '~'},  {"PageDown", 6, '~'},
    {"PgDn", 6, '~'},   {"NPage", 6, '~'},  {"F5", 15, '~'},
    {"F6", 17, '~'},    {"F7", 18, '~'},    {"F8", 19, '~'},
    {"F9", 20, '~'},    {"F10", 21, '~'},   {"F11", 23, '~'},
    {"F12", 24, '~'},
};

struct Plain {
  absl::string_view name;
  absl::string_view bytes;
};
constexpr Plain kPlains[] = {
    {"Enter", "\r"}, {"Tab", "\t"},  {"BTab", "\x1b[Z"}, {"Escape", "\x1b"},
    {"Esc", "\x1b"}, {"Space", " "}, {"BSpace", "\x7f"},
};

struct Modifiers {
  bool control = false;
  bool alt = false;
  bool shift = false;
};

Modifiers TakeModifiers(absl::string_view& name) {
  Modifiers held;
  for (;;) {
    // In "C--" the last dash is the key.
    if (name.size() < 3 || name[1] != '-') return held;
    if (name[0] == 'C') {
      held.control = true;
    } else if (name[0] == 'M') {
      held.alt = true;
    } else if (name[0] == 'S') {
      held.shift = true;
    } else {
      return held;
    }
    name.remove_prefix(2);
  }
}

std::string SpecialKey(const Special& key, const Modifiers& held,
                       CursorKeys cursor_keys) {
  const int modifiers =
      1 + (held.shift ? 1 : 0) + (held.alt ? 2 : 0) + (held.control ? 4 : 0);
  if (key.last == '~') {
    return modifiers == 1
               ? absl::StrCat("\x1b[", key.number, "~")
               : absl::StrCat("\x1b[", key.number, ";", modifiers, "~");
  }
  const std::string last(1, key.last);
  if (modifiers > 1) return absl::StrCat("\x1b[1;", modifiers, last);
  const bool function_key = key.last >= 'P';
  return absl::StrCat(function_key || cursor_keys == CursorKeys::kApplication
                          ? "\x1bO"
                          : "\x1b[",
                      last);
}

bool IsOneCharacter(absl::string_view text) {
  Utf8Decoder decoder;
  for (size_t i = 0; i < text.size(); ++i) {
    const Utf8Decoder::Result result = decoder.Take(text[i]);
    if (result == Utf8Decoder::Result::kMore) continue;
    return result == Utf8Decoder::Result::kCharacter && i + 1 == text.size();
  }
  return false;
}

std::optional<std::string> BytesOf(absl::string_view name,
                                   const Modifiers& held) {
  for (const Plain& plain : kPlains) {
    if (plain.name != name) continue;
    if (held.control) {
      if (name != "Space") return std::nullopt;
      return std::string(1, '\0');
    }
    if (held.shift) return name == "Tab" ? "\x1b[Z" : std::string(plain.bytes);
    return std::string(plain.bytes);
  }
  if (!IsOneCharacter(name)) return std::nullopt;
  if (!held.control) {
    return held.shift ? absl::AsciiStrToUpper(name) : std::string(name);
  }
  const auto key = ParseKey(absl::StrCat("C-", name));
  if (!key.ok() || !key->has_value()) return std::nullopt;
  return std::string(1, **key);
}

std::optional<std::string> KeyNamed(absl::string_view name,
                                    CursorKeys cursor_keys) {
  const Modifiers held = TakeModifiers(name);
  for (const Special& special : kSpecials) {
    if (special.name == name) return SpecialKey(special, held, cursor_keys);
  }
  // "^C" is another name for C-c.
  if (name.size() == 2 && name[0] == '^') {
    const auto key = ParseKey(name);
    if (key.ok() && key->has_value()) return std::string(1, **key);
  }
  auto bytes = BytesOf(name, held);
  if (bytes && held.alt) bytes->insert(0, "\x1b");
  return bytes;
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

absl::StatusOr<std::string> KeysNamed(absl::string_view names,
                                      CursorKeys cursor_keys) {
  std::string bytes;
  for (const absl::string_view name :
       absl::StrSplit(names, ' ', absl::SkipEmpty())) {
    const auto key = KeyNamed(name, cursor_keys);
    if (!key) {
      return absl::InvalidArgumentError(
          absl::StrCat("not a key: ", name,
                       "; say C-c, M-x, Up, PageDown, F1, Enter, a, ..."));
    }
    bytes += *key;
  }
  return bytes;
}

}  // namespace deptyr
