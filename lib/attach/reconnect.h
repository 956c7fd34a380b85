// Tries to reach the next head when a client's head has gone, with growing
// pauses, until the client's patience is at an end.
//
//   Reconnect reconnect(loop, absl::Seconds(30), listener);
//   reconnect.Lost(why);   // head has gone, or an attempt has failed
//   reconnect.Done();      // head is back
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/base/backoff.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class Reconnect {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // Begins an attempt.  Call Done() or Lost() when it ends; returning an
    // error is the same as Lost().
    virtual absl::Status TryAgain() = 0;
    // Head has been away for long enough that a person may wonder.
    virtual void OnHeadMissed() = 0;
    virtual void OnGivenUp(const absl::Status& why) = 0;
  };

  // With a patience of zero, the first loss is final.
  Reconnect(EventLoop& loop, absl::Duration patience, Listener& listener)
      : loop_(loop), patience_(patience), listener_(listener) {}

  void Lost(const absl::Status& why);
  void Done();
  bool under_way() const { return under_way_; }

 private:
  void Try();
  void GiveUp();

  EventLoop& loop_;
  const absl::Duration patience_;
  Listener& listener_;
  bool under_way_ = false;
  Backoff backoff_ = kHeadBackoff;
  absl::Status last_;  // why head isn't reached
  Timer attempt_;
  Timer missed_;
  Timer time_is_up_;
};

}  // namespace deptyr
