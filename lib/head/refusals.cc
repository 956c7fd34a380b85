#include "lib/head/refusals.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"

namespace deptyr {

void Refusals::Note(const std::optional<PeerIdentity>& who,
                    absl::string_view code, absl::string_view text) {
  ++counts_[std::string(code)];
  uid_t uid = who ? who->uid : kUnknownId;
  if (users_.size() >= kMostRefusedUsers && !users_.contains(uid)) {
    uid = kUnknownId;
  }
  User& user = users_[uid];
  if (user.pause.pending()) {
    ++user.unlogged[std::string(code)];
    return;
  }
  Log(Severity::kWarning, "refused ",
      who ? absl::StrCat("pid=", who->pid, " uid=", UidText(who->uid))
          : "a client over TCP",
      ": ", code, ": ", text);
  user.pause = loop_.After(pause_, [this, uid] { OnPauseOver(uid); });
}

void Refusals::OnPauseOver(uid_t uid) {
  const auto found = users_.find(uid);
  const Counts unlogged = std::exchange(found->second.unlogged, {});
  if (unlogged.empty()) {
    users_.erase(found);
    return;
  }
  Log(Severity::kWarning, "refused uid=", UidText(uid),
      " again: ", absl::StrJoin(unlogged, ", ", absl::PairFormatter(" ")));
  found->second.pause = loop_.After(pause_, [this, uid] { OnPauseOver(uid); });
}

}  // namespace deptyr
