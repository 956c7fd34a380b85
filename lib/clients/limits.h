// Limits how much of head anybody may take: deptyr head --max-...
//
// Whoever exceeds a limit is refused ("limit") and told which option raises it;
// nobody else notices.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>

#include "lib/sys/event_loop.h"

namespace deptyr {

struct Limits {
  size_t sessions = 4096;           // with a program or remembered
  size_t user_sessions = SIZE_MAX;  // of one user
  size_t descriptors = SIZE_MAX;    // that head may have open
  size_t clients = SIZE_MAX;
  size_t session_clients = 1024;
  size_t user_clients = SIZE_MAX;  // of one user
  size_t pending = 512;          // connections that haven't said what they are
  size_t buffered = 1 << 20;     // bytes made for a user that aren't taken
  size_t registrations = 10000;  // of one user, in kRegistrationTime
};

// This many of the last descriptors and clients, or a quarter if there are few,
// are reserved for root and head's own user.
inline constexpr size_t kReservedDescriptors = 32;
inline constexpr size_t kReservedClients = 16;

// The latest sessions without a program that are remembered for each user.
inline constexpr size_t kMostEnded = 64;

inline constexpr Clock::duration kRegistrationTime = std::chrono::seconds(10);
// How often a user's terminals may make head wait in that time.
inline constexpr size_t kMostHeldUp = 2;

// How many descriptors of a user may be in closing (lib/sys/slow_closer.h)
// before head takes no more from that user.
inline constexpr size_t kMostSlowCloses = 64;

// Counts how often something happened for each user, in the present stretch of
// kRegistrationTime.
class RegistrationRate {
 public:
  // Counts one more; false if that makes more than `most`.
  bool Take(uid_t uid, size_t most, Clock::time_point now) {
    return Count(uid, now, 1) <= most;
  }
  size_t Count(uid_t uid, Clock::time_point now, size_t more = 0) {
    if (now - begin_ >= kRegistrationTime) {
      begin_ = now;
      counts_.clear();
    }
    return counts_[uid] += more;
  }

 private:
  Clock::time_point begin_;
  std::map<uid_t, size_t> counts_;
};

// Counts how many of something each user has.
class UserCounts {
  using Counts = std::map<uid_t, size_t>;

 public:
  // Counts as `many` while it lives.  It may outlive the counts.
  using Place = std::shared_ptr<void>;
  Place Take(uid_t uid, size_t many = 1) {
    (*counts_)[uid] += many;
    return {nullptr, [counts = counts_, uid, many](void*) {
              if (((*counts)[uid] -= many) == 0) counts->erase(uid);
            }};
  }
  size_t of(uid_t uid) const {
    const auto found = counts_->find(uid);
    return found == counts_->end() ? 0 : found->second;
  }
  size_t total() const {
    size_t total = 0;
    for (const auto& [uid, count] : *counts_) total += count;
    return total;
  }
  const Counts& all() const { return *counts_; }

 private:
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace deptyr
