// The output that head remembers of a session.
//
//   HistoryRange range;  // up to where the stream ends now
//   screen.Write(range.Take(message));  // each message of head, in order
//   done = range.complete();
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/stream_position.h"
#include "lib/base/window_size.h"
#include "lib/wire/messages.h"

namespace deptyr {

// Cuts a session's output off at an offset: head itself goes on with what comes
// after it.  Pure.
class HistoryRange {
 public:
  // Without `until` it ends where the stream ended when head said "attached".
  explicit HistoryRange(std::optional<uint64_t> until = std::nullopt)
      : until_(until) {}

  // Returns the bytes of `message` that belong to the range.  Call it for every
  // message, in order.
  absl::string_view Take(const HeadMessage& message) {
    const uint64_t begin = position_.offset();
    (void)position_.Follow(message);
    if (const auto* attached = std::get_if<Attached>(&message)) {
      until_ = until_.value_or(attached->end);
    }
    const auto* output = std::get_if<Output>(&message);
    if (output == nullptr || !until_) return "";
    return absl::string_view(output->bytes)
        .substr(0, *until_ - std::min(begin, *until_));
  }

  // Whether the whole range has come.  Bytes that were passed over don't come
  // any more, so they count as taken.
  bool complete() const { return until_ && position_.offset() >= *until_; }

 private:
  StreamPosition position_;
  std::optional<uint64_t> until_;
};

// Returns at most the last `most` lines that had left the top of the screen by
// `offset` of the stream, oldest first, with their colours, without newlines.
// `path` is head's socket.  Blocks for as long as head may take to answer.
absl::StatusOr<std::vector<std::string>> ReadScrollback(
    const std::string& path, const std::string& session, uint64_t offset,
    WindowSize size, size_t most);

}  // namespace deptyr
