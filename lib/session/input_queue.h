// The keystrokes of clients, on their way to the terminal.
//
//   const size_t taken = input.Take(client, keystrokes);
//   if (input.WriteTo(terminal) == InputQueue::Wrote::kFailed) {
//     input.Pause(loop, [] { ... write again ... });
//   }
//
// It has room for kInputRoom bytes.  When it is full, clients keep what they
// have and read no more; when there is room again, they take turns.  What a
// client that has to leave still had goes into the queue as well, unless that
// of another is over its room already.
//
// ^C, ^\ or ^Z (what the terminal's settings say) of a client doesn't wait
// behind another's paste: the terminal is told to signal at once.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/base/byte_queue.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/shared_fd.h"

namespace deptyr {

inline constexpr size_t kInputRoom = 16 << 10;

class InputQueue {
 public:
  size_t room() const { return keystrokes_.room(); }
  absl::string_view bytes() const { return keystrokes_.bytes(); }
  // Whether to ask the terminal for room.
  bool wants_room() const {
    return !pause_.pending() && (!keystrokes_.empty() || was_full_);
  }

  // Takes what there is room for, and says how much that was.
  size_t Take(const SessionClient& from, absl::string_view keystrokes);
  // The keystrokes that a client leaves behind, which is no more.
  void TakeLeft(const SessionClient& from, absl::string_view keystrokes);
  // The keystrokes that the queue of the head before had.
  void Restore(absl::string_view keystrokes);
  void Clear() { keystrokes_.Clear(); }

  // True if the keystrokes are one interrupt that had another's before it to
  // pass: then the terminal's foreground group was signalled.
  bool PassInterrupt(const SessionClient& from, absl::string_view keystrokes,
                     const SharedFd& terminal) const;

  enum class Wrote {
    kAllItTakes,
    kHeldUp,  // the terminal made us wait
    kFailed,  // the kernel lacked memory: Pause()
  };
  Wrote WriteTo(const SharedFd& terminal);
  // Nothing is written until `over` is called.
  void Pause(EventLoop& loop, absl::AnyInvocable<void()> over);

  // Has the clients type that wait for room, in turns, while there is some. The
  // one that is first to fill the queue is last the next time.
  void OfferRoom(const std::vector<SessionClient*>& clients);
  // Somebody waits for room, though there may be some.
  void ExpectOffer() { was_full_ = true; }

 private:
  ByteQueue keystrokes_{kInputRoom};
  const SessionClient* typist_ = nullptr;  // of all of it, if it was one
  Timer pause_;
  uint32_t next_ = 0;  // whose turn it is, an index of clients
  bool was_full_ = false;
};

}  // namespace deptyr
