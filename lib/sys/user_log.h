// Lines of the log about what users do.  Each user has so many of them in a
// minute; what comes beyond is counted, and told in one line at its end.  So
// nobody fills a disk, and ordinary use loses no line.
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
  UserLog(const UserLog&) = delete;
  UserLog& operator=(const UserLog&) = delete;
  ~UserLog();

  // LogOf() asks this one from now on, as long as it lives.
  void Use();
  // False if there have been enough lines about this user: then it is counted
  // as `what`.
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

  EventLoop& loop_;
  const size_t most_;
  const absl::Duration pause_;
  const Words words_;
  std::map<uid_t, User> users_;
};

// True where nothing limits it (UserLog::Use()).
bool MayLogOf(uid_t uid, absl::string_view what);

// `uid`: kUnknownId for all who aren't known.
template <typename... Args>
void LogOf(Severity severity, uid_t uid, absl::string_view what,
           const Args&... parts) {
  if (MayLogOf(uid, what)) Log(severity, parts...);
}

}  // namespace deptyr
