// The names of sessions.  Pure.
//
//   SessionNameFor("/usr/bin/rtorrent");  // "rtorrent"
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace deptyr {

// A session's name becomes a file name (head --client-dir) and part of log
// lines.  So it has 1 to 64 characters, each one of A-Z a-z 0-9 _ . @ : + -,
// and doesn't begin with a dot or a dash.
bool IsSessionName(absl::string_view name);
// Returns the basename of `program`, with '_' for each character that a
// session's name can't have.
std::string SessionNameFor(absl::string_view program);

// Returns the name of the second, third, ... of one name: "mc-2".
std::string NumberedName(absl::string_view name, int number);
// Somebody who runs a hundred programs of one name says their names.
inline constexpr int kMostOfOneName = 100;

}  // namespace deptyr
