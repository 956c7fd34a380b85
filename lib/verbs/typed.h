// What a script types: text with escapes, and keys by their names.
//
//   ASSIGN_OR_RETURN(std::string bytes, Unescape("stop\\n"));
//   ASSIGN_OR_RETURN(bytes, KeysNamed("C-c Up F1", CursorKeys::kNormal));
//
// Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// \n \r \t \b \a \e \\, \xHH, and \0 to \0377.
absl::StatusOr<std::string> Unescape(absl::string_view text);

// What the arrow keys, Home and End send depends on what the program asked for
// (DECCKM).
enum class CursorKeys { kNormal, kApplication };

// Names as tmux has them, with spaces between them: Up Down Left Right Home End
// PageUp PageDown Insert Delete Enter Tab BTab Escape Space BSpace F1 to F12,
// or a character; each with C- (control), M- (alt) or S- (shift) before it.
absl::StatusOr<std::string> KeysNamed(absl::string_view names,
                                      CursorKeys cursor_keys);

}  // namespace deptyr
