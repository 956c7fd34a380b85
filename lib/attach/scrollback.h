// The lines that have left the top of a session's screen, from what head
// remembers of its output.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/base/window_size.h"

namespace deptyr {

// At most the last `most` lines there were at `offset` of the stream, oldest
// first, with their colours, without line ends.  `head` is the path of its
// socket.
absl::StatusOr<std::vector<std::string>> ReadScrollback(
    const std::string& head, const std::string& session, uint64_t offset,
    WindowSize size, size_t most);

}  // namespace deptyr
