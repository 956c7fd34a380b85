#include "lib/sys/user_log.h"

#include "absl/strings/str_join.h"

#include "lib/sys/peer_identity.h"

namespace deptyr {

UserLog::~UserLog() {
  if (in_use == this) in_use = nullptr;
}

bool UserLog::Take(uid_t uid, absl::string_view what) {
  if (users_.size() >= kMostLoggedUsers && !users_.contains(uid)) {
    uid = kUnknownId;
  }
  User& user = users_[uid];
  if (!user.pause.pending()) {
    user.pause = loop_.After(pause_, [this, uid] { OnPauseOver(uid); });
  }
  if (user.logged < most_) {
    ++user.logged;
    return true;
  }
  ++user.unlogged[std::string(what)];
  return false;
}

void UserLog::OnPauseOver(uid_t uid) {
  const auto found = users_.find(uid);
  const auto unlogged = std::exchange(found->second.unlogged, {});
  if (unlogged.empty()) {
    users_.erase(found);
    return;
  }
  Log(words_.severity, words_.intro, "uid=", UidText(uid), words_.verb,
      absl::StrJoin(unlogged, ", ", absl::PairFormatter(" ")));
  found->second.logged = 1;  // this line
  found->second.pause = loop_.After(pause_, [this, uid] { OnPauseOver(uid); });
}

}  // namespace deptyr
