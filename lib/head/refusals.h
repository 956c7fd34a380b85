// What head refused, and to whom: counted by code, and a line in the log for
// each user, once a minute at most.  What comes within that minute is one more
// line at its end: how much it was.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

// Users whose refusals are told apart in the log.
inline constexpr size_t kMostRefusedUsers = 1024;
inline constexpr absl::Duration kRefusalPause = absl::Minutes(1);

class Refusals {
 public:
  using Counts = std::map<std::string, uint64_t>;  // by code

  explicit Refusals(EventLoop& loop, absl::Duration pause = kRefusalPause)
      : loop_(loop), pause_(pause) {}
  Refusals(const Refusals&) = delete;
  Refusals& operator=(const Refusals&) = delete;

  // `who` is nothing where the kernel doesn't know (TCP).  `text` is ours, not
  // the peer's: it goes to the log as it is.
  void Note(const std::optional<PeerIdentity>& who, absl::string_view code,
            absl::string_view text);

  const Counts& counts() const { return counts_; }
  uint64_t total() const;
  // Users of whom nothing more is logged for now.
  size_t pauses() const { return users_.size(); }
  // Those of the program before.
  void Resume(Counts counts) { counts_ = std::move(counts); }

 private:
  struct User {
    Counts unlogged;
    Timer pause;
  };
  void OnPauseOver(uid_t uid);

  EventLoop& loop_;
  const absl::Duration pause_;
  Counts counts_;
  std::map<uid_t, User> users_;
};

}  // namespace deptyr
