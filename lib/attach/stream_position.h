// A client's position in a session's stream.  The client tells it to the next
// head so as to go on there, and it shows the client which of that head's
// notices are old.
//
//   StreamPosition position;
//   const bool is_news = position.Follow(message);  // each message, in order
//   head.Send(position.Return({.session = "mc"}));  // to the next head
//
// Pure.
#pragma once

#include <cstdint>

#include "lib/wire/messages.h"

namespace deptyr {

class StreamPosition {
 public:
  // Returns `wish` with this position, where the next head is to go on.
  Attach Return(Attach wish);
  // Returns false for a notice of something that this client had been told
  // before it came back.
  bool Follow(const HeadMessage& message);

  uint64_t stream() const { return stream_; }  // 0: in none yet
  uint64_t offset() const { return offset_; }  // of the next byte
  // The number of the session's last program, and whether it runs, as far as
  // the client has heard.
  uint64_t number() const { return number_; }
  bool running() const { return running_; }

 private:
  void Enter(const Attached& attached);
  bool Follow(const KeyValues& notice);

  bool returns_ = false;
  uint64_t stream_ = 0;
  uint64_t offset_ = 0;
  uint64_t number_ = 0;
  bool running_ = false;
};

}  // namespace deptyr
