// The lines that have left the top of a session's screen, made from the output
// that head remembers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/base/window_size.h"

namespace deptyr {

// Returns at most the last `most` lines that had left by `offset` of the
// stream, oldest first, with their colours, without newlines.  `path` is head's
// socket.  Blocks for as long as head may take to answer.
absl::StatusOr<std::vector<std::string>> ReadScrollback(
    const std::string& path, const std::string& session, uint64_t offset,
    WindowSize size, size_t most);

}  // namespace deptyr
