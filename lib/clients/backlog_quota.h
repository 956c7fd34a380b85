// Limits how much a user may leave untaken of what head made for it: pictures
// of screens, and answers that may be long.  Head makes these as a whole, and a
// picture of a hostile screen takes megabytes.
//
//   if (quota.HasRoom(uid)) {
//     // Makes it, and returns the part that the connection didn't take.
//     const std::string left = WriteAnswer();
//     held = std::make_unique<BacklogQuota::Held>(quota, uid, left.size(), fd,
//                                                 [] { Close(); });
//   } else {
//     in_line = quota.Queue(uid, [] { AnswerAgain(); });
//   }
//
// Another picture or answer is made for a user while fewer than `most` bytes
// are untaken.  So head never holds more for a user than that and one picture,
// and a connection that doesn't read keeps only others of the same user
// waiting, in a line.  All users whom the kernel doesn't name count as one,
// kUnknownId.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

#include "lib/clients/limits.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class BacklogQuota {
 public:
  // Bytes that are held for the connection at `fd`, as long as this lives.
  class Held {
   public:
    // `stuck` is called, once, when the connection has taken nothing for long.
    Held(BacklogQuota& quota, uid_t uid, size_t bytes, int fd,
         absl::AnyInvocable<void()> stuck);
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { quota_.ServeLineSoon(); }
    // The connection took this many of them.
    void Wrote(size_t bytes) { written_ += bytes; }

   private:
    void Watch();

    BacklogQuota& quota_;
    const UserCounts::Place bytes_;
    const int fd_;
    absl::AnyInvocable<void()> stuck_;
    size_t written_ = 0;
    Timer patience_;
  };

  // A connection may take nothing of what is held for it for `patience`.
  BacklogQuota(EventLoop& loop, size_t most,
               absl::Duration patience = absl::Seconds(20))
      : loop_(loop), most_(most), patience_(patience) {}
  BacklogQuota(const BacklogQuota&) = delete;
  BacklogQuota& operator=(const BacklogQuota&) = delete;

  bool HasRoom(uid_t uid) const { return held_.of(uid) < most_; }
  // Whether a picture may be made now: as that takes milliseconds, one is made
  // in a turn of the loop.
  bool TakeTurn(uid_t uid);
  // A place in the line, as long as it lives.  `turn` is called once, when
  // there is room.
  using Place = std::shared_ptr<void>;
  Place Queue(uid_t uid, absl::AnyInvocable<void()> turn);

 private:
  struct Waiting {
    uid_t uid;
    absl::AnyInvocable<void()> turn;
  };
  void ServeLineSoon();
  void ServeLine();

  EventLoop& loop_;
  const size_t most_;
  const absl::Duration patience_;
  UserCounts held_;                   // bytes
  std::map<uint64_t, Waiting> line_;  // in the order they came
  uint64_t last_number_ = 0;
  Timer serve_;
  Timer turn_;  // pending: a picture was made in this one
};

}  // namespace deptyr
