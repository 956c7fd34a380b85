// What head refused, and to whom: counted by code, and a line in the log for
// each user, once a minute at most (lib/sys/user_log.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/user_log.h"

namespace deptyr {

class Refusals {
 public:
  using Counts = std::map<std::string, uint64_t>;  // by code

  explicit Refusals(EventLoop& loop, absl::Duration pause = kLogPause)
      : log_(loop, 1, pause, {Severity::kWarning, "refused ", " again: "}) {}

  // `who` is nothing where the kernel doesn't know (TCP).  `text` is a sentence
  // of ours.
  void Note(const std::optional<PeerIdentity>& who, absl::string_view code,
            absl::string_view text);

  const Counts& counts() const { return counts_; }
  uint64_t total() const;
  // Users of whom nothing more is logged for now.
  size_t pauses() const { return log_.users(); }
  // Those of the program before.
  void Resume(Counts counts) { counts_ = std::move(counts); }

 private:
  Counts counts_;
  UserLog log_;
};

}  // namespace deptyr
