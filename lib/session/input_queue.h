// The keystrokes of clients, on their way to the terminal.
//
//   InputQueue input(loop, [] { ... write again ... });
//   const size_t taken = input.Take(client, keystrokes);
//   if (!input.WriteTo(terminal)) {
//     ... whoever passed the terminal made us wait ...
//   }
//
// It has room for kInputRoom bytes of clients.  When it is full, clients keep
// what they have and read no more; when there is room again, they take turns.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/base/byte_queue.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/shared_fd.h"

namespace deptyr {

inline constexpr size_t kInputRoom = 16 << 10;
// Head's own keystrokes have this much more, so that a program gets them though
// clients paste.
inline constexpr size_t kHeadRoom = 1 << 10;

class InputQueue {
 public:
  // `write_again` is called some time after the kernel lacked memory.
  InputQueue(EventLoop& loop, absl::AnyInvocable<void()> write_again)
      : loop_(loop), write_again_(std::move(write_again)) {}

  size_t room() const { return keystrokes_.room(); }
  absl::string_view bytes() const { return keystrokes_.bytes(); }
  // Whether to ask the terminal for room.
  bool wants_room() const {
    return !pause_.pending() && (!keystrokes_.empty() || was_full_);
  }

  // Takes what there is room for, and says how much that was.
  size_t Take(const SessionClient& from, absl::string_view keystrokes);
  // Takes the keystrokes that a leaving client still had, unless those of
  // another have exceeded the room already.
  void TakeLeft(const SessionClient& from, absl::string_view keystrokes);
  // Takes what head types in place of a terminal (query_answers.h), if there is
  // room.
  void TakeFromHead(absl::string_view keystrokes);
  bool takes_from_head() const {
    return keystrokes_.bytes().size() < kInputRoom + kHeadRoom;
  }
  // Takes the keystrokes that the queue of the head before had.
  void Restore(absl::string_view keystrokes);
  void Clear() { keystrokes_.Clear(); }

  // A ^C, ^\ or ^Z (whatever the terminal's settings say) doesn't wait behind
  // another client's paste: true if the keystrokes are one such key, and the
  // terminal's foreground group was signalled.
  bool PassInterrupt(const SessionClient& from, absl::string_view keystrokes,
                     const SharedFd& terminal) const;

  // Writes as much as the terminal takes.  False if it made us wait.
  bool WriteTo(const SharedFd& terminal);

  // Lets the clients that wait for room type in turns while there is some.  The
  // one that is first to fill the queue is last the next time.
  void OfferRoom(const std::vector<SessionClient*>& clients);
  // Somebody waits for room, though there may be some.
  void ExpectOffer() { was_full_ = true; }

 private:
  EventLoop& loop_;
  absl::AnyInvocable<void()> write_again_;
  ByteQueue keystrokes_{kInputRoom};
  const SessionClient* typist_ = nullptr;  // null unless one typed it all
  Timer pause_;                            // after a failure
  uint32_t next_ = 0;  // whose turn it is, an index of clients
  bool was_full_ = false;
};

}  // namespace deptyr
