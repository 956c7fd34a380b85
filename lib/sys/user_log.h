// Lines of the log about what users do.  Each user has so many of them in a
// minute; what comes beyond is counted, and told in one line at its end.
//
//   LogOf(Severity::kInfo, owner, "registered", "session=", name, " runs");
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/log.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

// Users who are told apart.
inline constexpr size_t kMostLoggedUsers = 1024;
inline constexpr absl::Duration kLogPause = absl::Minutes(1);

class UserLog {
 public:
  // The line about what wasn't logged is `intro`, the user, `verb`, counts.
  struct Words {
    Severity severity = Severity::kNotice;
    std::string intro = {};
    std::string verb = " did more than the log has lines for: ";
  };
  UserLog(EventLoop& loop, size_t most, absl::Duration pause, Words words)
      : loop_(loop), most_(most), pause_(pause), words_(std::move(words)) {}
  UserLog(UserLog&&) = delete;
  ~UserLog();

  // LogOf() asks this one from now on, as long as it lives.
  void Use() { in_use = this; }
  static bool MayLog(uid_t uid, absl::string_view what) {
    return in_use == nullptr || in_use->Take(uid, what);
  }
  // False if there have been enough lines about this user; it counts `what`.
  bool Take(uid_t uid, absl::string_view what);
  // Users who had a line within the last minute.
  size_t users() const { return users_.size(); }

 private:
  struct User {
    size_t logged = 0;
    std::map<std::string, uint64_t> unlogged;
    Timer pause;
  };
  void OnPauseOver(uid_t uid);

  static inline UserLog* in_use = nullptr;
  EventLoop& loop_;
  const size_t most_;
  const absl::Duration pause_;
  const Words words_;
  std::map<uid_t, User> users_;
};

// Users who aren't known share kUnknownId.
template <typename... Args>
void LogOf(Severity severity, uid_t uid, absl::string_view what,
           const Args&... parts) {
  if (UserLog::MayLog(uid, what)) Log(severity, parts...);
}

}  // namespace deptyr
