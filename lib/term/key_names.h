// How people spell keys, and what a terminal sends for them.
//
//   ASSIGN_OR_RETURN(const std::optional<char> key, ParseKey("^\\"));
//   ASSIGN_OR_RETURN(const std::string bytes,
//                    KeysNamed("C-c Up F1 M-x", CursorKeys::kNormal));
//
// Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

inline constexpr char kDefaultCommandKey[] = "^\\";

// The control character that the control key makes of `key`: 0 to 31 of @, A to
// Z (or a to z), [, \, ], ^ and _, and DEL of ?.
std::optional<char> ControlOf(char key);

// The control character that `spelling` names: "^A" (dtach, abduco), "ctrl-a"
// (docker), "C-a" (tmux), "^?" for DEL.  Nothing for "none".
absl::StatusOr<std::optional<char>> ParseKey(absl::string_view spelling);

// "^A"
std::string SpellKey(char key);

// "^P ^Q"
std::string SpellKeys(absl::string_view keys);

// The control characters that `spelling` names, with commas between several;
// "" for "none".
absl::StatusOr<std::string> ParseDetachKeys(absl::string_view spelling);

// The sequences of the arrow keys, Home and End depend on the mode that the
// program has set (DECCKM).
enum class CursorKeys { kNormal, kApplication };

// The bytes of keys by their names in tmux, with spaces between them: Up Down
// Left Right Home End PageUp PageDown Insert Delete Enter Tab BTab Escape Space
// BSpace F1 to F12, or a character; each with C- (control), M- (alt) or S-
// (shift) before it.
absl::StatusOr<std::string> KeysNamed(absl::string_view names,
                                      CursorKeys cursor_keys);

}  // namespace deptyr
