// The size of a session's terminal: whose it is, and how often it may change.
//
//   Sizing sizing(loop, ring, SizePolicy::kLatest);
//   sizing.Begin({.rows = 24, .cols = 80});
//   if (sizing.Apply(audience.clients(), audience.leader(),
//                    [] { ... apply again ... })) {
//     ... give the terminal sizing.size() ...
//   }
//
// A program is given no more than a few sizes within 80 ms, and then the last:
// a window that is dragged takes 60 in a second, a malicious client 100,000.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"

#include "lib/base/window_size.h"
#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

// The client whose size the program has, among those that have one.
enum class SizePolicy : uint8_t {
  kLatest,    // the one that leads
  kSmallest,  // the fewest rows and the fewest columns
  kLargest,
  kFixed,  // nobody's: the one it registered with
};

class Sizing {
 public:
  using Clients = std::vector<SessionClient*>;  // in the order they came
  Sizing(EventLoop& loop, Ring& ring, SizePolicy policy)
      : loop_(loop), ring_(ring), policy_(policy) {}

  WindowSize size() const { return size_; }
  // The terminal of a new program has this size.
  void Begin(WindowSize size);
  // The terminal has the size that the ring tells of.
  void Resume() { size_ = {ring_.state().rows, ring_.state().cols}; }

  // Gives the terminal the size that the clients want; `leader` may be null.
  // True if that is a new one, and may be applied now.  If it may not yet,
  // `again` is called when it may.  Without a client that has a size, it stays
  // as it is.
  bool Apply(const Clients& clients, const SessionClient* leader,
             absl::AnyInvocable<void()> again);
  // The next size is applied at once, however many there were before.
  void EndStorm() { storm_.Reset(); }

  // Makes a full-screen program repaint: a size that differs, then the right
  // one 50 ms later (a program that asks for the size only then would see no
  // change, and most repaint only for a change).
  void Repaint(int terminal);
  void StopRepaint() { repaint_.Reset(); }

 private:
  std::optional<WindowSize> Wanted(const Clients& clients,
                                   const SessionClient* leader) const;
  void Record();

  EventLoop& loop_;
  Ring& ring_;
  const SizePolicy policy_;
  uint8_t changes_ = 0;  // since the storm began
  WindowSize size_;
  Timer storm_;
  Timer repaint_;
};

}  // namespace deptyr
