#include "lib/term/key_names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/utf8.h"
#include "lib/term/characters.h"

namespace deptyr {
namespace {

// Such a key sends CSI, a number for its modifiers if it has any, and `last`;
// or CSI, `number` and "~".
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
    // The last "-" of "C--" is a key.
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

// Whether it is one character, which may be several bytes of UTF-8.
bool IsCharacter(absl::string_view name) {
  return name.size() == 1 ||
         (static_cast<unsigned char>(name[0]) >= 0x80 &&
          std::all_of(name.begin() + 1, name.end(), IsUtf8Continuation));
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
  if (!IsCharacter(name)) return std::nullopt;
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
  // "^C" is another name of C-c.
  if (name.size() == 2 && name[0] == '^') {
    const auto key = ParseKey(name);
    if (key.ok() && key->has_value()) return std::string(1, **key);
  }
  auto bytes = BytesOf(name, held);
  if (bytes && held.alt) bytes->insert(0, "\x1b");
  return bytes;
}

}  // namespace

std::optional<char> ControlOf(char key) {
  if (key == '?') return kDelete;
  key = absl::ascii_toupper(static_cast<unsigned char>(key));
  if (key < '@' || key > '_') return std::nullopt;
  return static_cast<char>(key - '@');
}

absl::StatusOr<std::optional<char>> ParseKey(absl::string_view spelling) {
  if (spelling == "none") return std::optional<char>();
  absl::string_view letter = spelling;
  for (const char* prefix : {"^", "ctrl-", "Ctrl-", "C-"}) {
    if (!absl::ConsumePrefix(&letter, prefix)) continue;
    const auto key = letter.size() == 1 ? ControlOf(letter[0]) : std::nullopt;
    if (key) return key;
    break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a key: ", spelling, "; say ^X, ctrl-x or none"));
}

std::string SpellKey(char key) {
  return key == kDelete ? "^?" : std::string{'^', static_cast<char>(key + '@')};
}

std::string SpellKeys(absl::string_view keys) {
  return absl::StrJoin(keys, " ", [](std::string* out, char key) {
    absl::StrAppend(out, SpellKey(key));
  });
}

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
