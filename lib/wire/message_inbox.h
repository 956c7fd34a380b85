// Finds the messages in the bytes that came from the other end of a connection
// to the head socket.  Pure: the caller reads the socket.
//
//   MessageInbox inbox(kLongestRequest);
//   inbox.Append(bytes);
//   while (true) {
//     ASSIGN_OR_RETURN(const auto message, inbox.Take());
//     if (!message) break;  // the rest has to come first
//     Handle(*message);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/base/byte_queue.h"
#include "lib/wire/messages.h"

namespace deptyr {

class MessageInbox {
 public:
  // A message that isn't whole yet is held up to `longest` bytes.  `bytes` came
  // before the inbox was made.
  explicit MessageInbox(size_t longest = SIZE_MAX, std::string bytes = "")
      : longest_(longest) {
    bytes_.Add(std::move(bytes));
  }

  void Append(absl::string_view bytes) { bytes_.Append(bytes); }

  // Takes the first message, or returns nothing until it is there whole.  Fails
  // with InvalidArgument if it is no message, or too long; don't use the inbox
  // after that.
  absl::StatusOr<std::optional<HeadMessage>> Take();
  // Does the same, but the message stays the first one until DropFirst().
  absl::StatusOr<std::optional<HeadMessage>> First();
  void DropFirst() { Consume(std::exchange(first_size_, 0)); }

  // The bytes that haven't been taken, for a caller that takes some of them as
  // they are.
  absl::string_view bytes() const { return bytes_.bytes(); }
  bool empty() const { return bytes_.empty(); }
  void Consume(size_t count) { bytes_.Consume(count); }

 private:
  const size_t longest_;
  ByteQueue bytes_{SIZE_MAX};
  size_t first_size_ = 0;
};

}  // namespace deptyr
