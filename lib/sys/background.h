// Going on without the terminal and the shell that started us.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// Prints `before`, the new pid and `after`, and exits with 0; what goes on,
// when this returns, is a child with everything but the pid: a session of its
// own, descriptors kept, 0, 1 and 2 /dev/null where they were a terminal.
// `leave` is called there before, on the terminal.  If there can be no child,
// nothing has changed.
absl::Status GoToBackground(absl::FunctionRef<void()> leave,
                            absl::string_view before, absl::string_view after);

}  // namespace deptyr
