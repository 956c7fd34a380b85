// The names of sessions.  Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

// A session's name becomes a file name (head --client-dir) and part of log
// lines: 1 to 64 of A-Z a-z 0-9 _ . @ : + - and not first a dot or a dash.
bool IsSessionName(absl::string_view name);
// The basename of `program` with what a name can't have made '_'.
std::string SessionNameFor(absl::string_view program);

}  // namespace deptyr
