// Counts by code what head refused, and logs it with a line for each user, once
// a minute at most (lib/sys/user_log.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/user_log.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// "pid=12 uid=1000", "over TCP".
std::string DescribePeer(const std::optional<PeerIdentity>& who);

// The message that tells it where head's own protocol is spoken.
std::string EncodeRefusal(absl::string_view code, absl::string_view text);

// The code by which a refusal with this status is told (kRefused... of
// lib/wire/messages.h): "limit", unless the status has one of a few codes.
absl::string_view RefusalCode(const absl::Status& why);

class Refusals {
 public:
  using Counts = std::map<std::string, uint64_t>;  // by code

  explicit Refusals(EventLoop& loop, absl::Duration pause = kLogPause)
      : log_(loop, 1, pause, {Severity::kWarning, "refused ", " again: "}) {}

  // `who` is nothing over TCP; `text` is a sentence of ours.
  void Note(const std::optional<PeerIdentity>& who, absl::string_view code,
            absl::string_view text);
  void Note(const std::optional<PeerIdentity>& who, const absl::Status& why) {
    Note(who, RefusalCode(why), why.message());
  }

  // "refused", and "refused-CODE" for each code there was.
  KeyValues Report() const;
  const Counts& counts() const { return counts_; }
  uint64_t total() const;
  // The number of users about whom nothing more is logged for now.
  size_t pauses() const { return log_.users(); }
  // Goes on with the counts of the program before.
  void Resume(Counts counts) { counts_ = std::move(counts); }

 private:
  Counts counts_;
  UserLog log_;
};

}  // namespace deptyr
