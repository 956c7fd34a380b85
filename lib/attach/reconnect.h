// The patience of a client whose head has gone: it tries to reach the next one,
// with growing pauses, until its time is up.
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
    // Begins an attempt, which ends in Done() or Lost(); an error is a loss.
    virtual absl::Status TryAgain() = 0;
    // Head has been away for so long that a person wonders.
    virtual void OnHeadMissed() = 0;
    virtual void OnGivenUp(const absl::Status& why) = 0;
  };

  // Without patience the first loss is the end.
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
