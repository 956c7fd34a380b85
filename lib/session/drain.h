// Reads a session's terminal into the ring.
//
//   drain.Begin();
//   if (!drain.Turn(terminal, watch, /*program_ended=*/false)) {
//     ... whoever passed the terminal made us wait ...
//   }
//
// One turn.  When the PTY is readable it is read once (docs/dev/architecture.md
// says why not until EAGAIN), then every client that isn't blocked gets its
// writes. While nothing else is ready, or there are many clients to write to,
// the turn stays with a flood for 100 us (lib/sys/busy_poll.h), and clients get
// all of it in one write.  Between two sessions that flood, the loop serves
// everybody else (Watch::SetFlood()).
//
// The end.  EIO says only that nobody holds the client end now.  Once the
// program has ended, all that it wrote is readable (n_tty flushes before it
// says EAGAIN or EIO): the ring has all of it when a read finds nothing.
#pragma once

#include <cstdint>

#include "absl/container/inlined_vector.h"

#include "lib/session/audience.h"
#include "lib/session/observer.h"
#include "lib/session/ring.h"
#include "lib/sys/busy_poll.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/shared_fd.h"

namespace deptyr {

class Drain {
 public:
  Drain(EventLoop& loop, Ring& ring, Audience& audience)
      : loop_(loop), ring_(ring), audience_(audience) {}
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // From now on the observer sees every byte; it must outlive this object.
  void Add(Observer& observer) { observers_.push_back(&observer); }
  using Observers = absl::InlinedVector<Observer*, 2>;
  const Observers& observers() const { return observers_; }

  // A new program, on a new terminal.
  void Begin();
  // Reads what there is now, and has the clients write it at once or, while
  // several floods are served, a little later.  False if a read had to wait.
  bool Turn(const SharedFd& terminal, Watch& watch, bool program_ended);
  // Reads all that the PTY holds, even past a client that is waited for: its
  // program has ended or is replaced, and this is the last chance.  If a
  // program still writes, this stops after a while.
  bool ReadAll(const SharedFd& terminal);

  // The last read said that nobody holds the client end.
  bool closed() const { return closed_; }
  // All that the program wrote before its end is in the ring.
  bool drained() const { return drained_; }
  // Nothing more will be read.
  void SetDrained() { drained_ = true; }

 private:
  size_t Read(const SharedFd& terminal, size_t room, bool program_ended);

  EventLoop& loop_;
  Ring& ring_;
  Audience& audience_;
  Observers observers_;
  BusyPoll busy_poll_;
  uint32_t read_since_end_ = 0;  // a leftover child may write for ever
  int flood_turns_ = 0;          // large ones in a row, up to a few
  bool closed_ = false;
  bool drained_ = false;
  bool held_up_ = false;
};

}  // namespace deptyr
