// deptyr resize: gives a session's terminal a size while nobody's terminal
// decides that.
#pragma once

#include "absl/status/status.h"

#include "lib/attach/session_address.h"
#include "lib/base/window_size.h"

namespace deptyr {

// Blocking.  The size stays until a client with a terminal attaches.
absl::Status ResizeSession(const SessionAddress& where, WindowSize size);

}  // namespace deptyr
