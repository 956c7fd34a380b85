// Where a client is in a session's stream: what it has to say to go on there
// with the next head, and what of that head's news it has heard before.
//
//   StreamPosition place;
//   const bool new_to_us = place.Follow(message);   // every message, in order
//   head.Send(place.Return(wish));
//
// Pure.
#pragma once

#include <cstdint>

#include "lib/wire/messages.h"

namespace deptyr {

class StreamPosition {
 public:
  // `wish` as it goes on here.
  Attach Return(Attach wish);
  // Follows an Attached, Output or Notice.  False for a notice of what this
  // client had been told of before it came back.
  bool Follow(const HeadMessage& message);

  uint64_t stream() const { return stream_; }  // 0: in none yet
  uint64_t offset() const { return offset_; }  // it has all before this
  // The session's last program, as far as the client has heard.
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
