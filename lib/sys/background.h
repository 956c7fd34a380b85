// Detaches this program from its terminal and from the shell that started it.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// Forks; the parent prints `before`, the child's pid and `after`, and exits
// with 0.  The function returns in the child, which has a new session and the
// same descriptors, except that /dev/null replaces those of 0, 1 and 2 that
// were a terminal.  `leave` is called in the child first, while it still has
// the terminal.  If the fork fails, nothing has changed.
absl::Status GoToBackground(absl::FunctionRef<void()> leave,
                            absl::string_view before, absl::string_view after);

}  // namespace deptyr
