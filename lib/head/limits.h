// How much of head anybody may take: deptyr head --max-...
//
// Over a limit somebody is refused ("limit"), and told which option raises it;
// nobody else notices.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "lib/sys/event_loop.h"

namespace deptyr {

struct Limits {
  size_t sessions = 4096;           // that are there, or remembered
  size_t user_sessions = SIZE_MAX;  // of one user
  size_t clients = SIZE_MAX;
  size_t session_clients = 1024;
  size_t user_clients = SIZE_MAX;  // of one user
  size_t pending = 512;          // connections that haven't said what they are
  size_t buffered = 1 << 20;     // bytes that one connection hasn't taken
  size_t registrations = 10000;  // of one user, in kRegistrationTime
};

inline constexpr Clock::duration kRegistrationTime = std::chrono::seconds(10);
// How often terminals of a user may make head wait, in that time.
inline constexpr size_t kMostHeldUp = 2;

// Registrations of each user, in the present stretch of kRegistrationTime.
class RegistrationRate {
 public:
  // One more; false if that is more than `most`.
  bool Take(uid_t uid, size_t most, Clock::time_point now) {
    ForgetOld(now);
    return ++counts_[uid] <= most;
  }
  size_t Count(uid_t uid, Clock::time_point now) {
    ForgetOld(now);
    const auto found = counts_.find(uid);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  void ForgetOld(Clock::time_point now) {
    if (now - begin_ < kRegistrationTime) return;
    begin_ = now;
    counts_.clear();
  }

  Clock::time_point begin_;
  std::map<uid_t, size_t> counts_;
};

}  // namespace deptyr
