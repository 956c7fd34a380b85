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
#include "lib/wire/uwsgi.h"

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

  // Returns the first message, or nothing until it is there whole.  Fails with
  // InvalidArgument if it is no message, or too long; don't use the inbox after
  // that.
  absl::StatusOr<std::optional<HeadMessage>> First() const {
    absl::string_view rest = bytes();
    return TakeMessage(rest, longest_);
  }
  // Drops the message that First() has returned.
  void DropFirst() { bytes_.Consume(PacketSize(bytes())); }
  // Does both.
  absl::StatusOr<std::optional<HeadMessage>> Take() {
    auto message = First();
    if (message.ok() && message->has_value()) DropFirst();
    return message;
  }

  // The bytes that haven't been taken.
  absl::string_view bytes() const { return bytes_.bytes(); }
  bool empty() const { return bytes_.empty(); }

 private:
  const size_t longest_;
  ByteQueue bytes_{SIZE_MAX};
};

}  // namespace deptyr
