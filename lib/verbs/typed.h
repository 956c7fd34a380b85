// The text that a script types, with escapes.  Pure.
//
//   ASSIGN_OR_RETURN(const std::string bytes, Unescape("stop\\n"));
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/term/key_names.h"  // IWYU pragma: export

namespace deptyr {

// Knows \n \r \t \b \a \e \\, \xHH, and \0 to \0377.
absl::StatusOr<std::string> Unescape(absl::string_view text);

}  // namespace deptyr
