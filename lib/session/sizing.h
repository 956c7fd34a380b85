// The size of a session's terminal: whose it is, and how often it may change.
// A program is given no more than a few sizes within 80 ms, and then the last:
// a window that is dragged takes 60 in a second, a malicious client 100,000.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/base/named.h"
#include "lib/base/window_size.h"
#include "lib/session/audience.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

// The client whose size the program has, among those that have one.  Rings
// have these numbers.
enum class SizePolicy : uint8_t {
  kLatest,    // the one that leads
  kSmallest,  // the fewest rows and the fewest columns
  kLargest,
  kFixed,  // nobody's: the one it registered with, or was given
};

inline constexpr Named<SizePolicy> kSizePolicies[] = {
    {"latest", SizePolicy::kLatest},
    {"smallest", SizePolicy::kSmallest},
    {"largest", SizePolicy::kLargest},
    {"fixed", SizePolicy::kFixed}};
absl::string_view NameOf(SizePolicy policy);
// InvalidArgument if it is none of them.
absl::StatusOr<SizePolicy> SizePolicyNamed(absl::string_view name);

class Sizing {
 public:
  Sizing(EventLoop& loop, Ring& ring, const Audience& audience,
         SizePolicy policy)
      : loop_(loop), ring_(ring), audience_(audience), heads_policy_(policy) {}

  WindowSize size() const { return size_; }
  // The session's own policy, which its ring remembers, or else head's.
  SizePolicy policy() const;
  void SetOwnPolicy(std::optional<SizePolicy> policy);
  // The client whose terminal decides now, or one of them; null if none does.
  const SessionClient* Decider() const;
  // The size that it has, or will have in a moment, when a storm is over.
  WindowSize coming() const { return Wanted().value_or(size_); }
  // The terminal has this size.
  void Set(WindowSize size);
  // The terminal has the rows and columns that the ring tells of.  Its pixels,
  // which the ring doesn't remember, are read from the terminal itself, if
  // there is one.
  void Resume(int terminal);

  // Gives the terminal the size that the clients want.  True if that is a new
  // one, and may be applied now.  If it may not yet, `again` is called when it
  // may.  Without a client that has a size, it stays as it is.
  bool Apply(absl::AnyInvocable<void()> again);
  // The next size is applied at once, however many there were before.
  void EndStorm() { storm_.Reset(); }

  // Makes a full-screen program repaint: a size that differs, then the right
  // one 50 ms later (a program that asks for the size only then would see no
  // change, and most repaint only for a change).
  void Repaint(int terminal);
  void StopRepaint() { repaint_.Reset(); }

 private:
  std::optional<WindowSize> Wanted() const;

  EventLoop& loop_;
  Ring& ring_;
  const Audience& audience_;
  const SizePolicy heads_policy_;
  uint8_t changes_ = 0;  // since the storm began
  WindowSize size_;
  Timer storm_;
  Timer repaint_;
};

}  // namespace deptyr
