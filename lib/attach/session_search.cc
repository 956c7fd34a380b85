#include "lib/attach/session_search.h"

#include <optional>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/waiting.h"
#include "lib/base/status.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"

namespace deptyr {

void SessionSearch::Start(std::string session, absl::Duration limit,
                          Found found) {
  session_ = std::move(session);
  found_ = std::move(found);
  waiting_ = SayWaiting(loop_, What(), limit);
  Look();
}

void SessionSearch::Look() {
  inquiry_.Ask({.what = "sessions", .fields = {}},
               [this](const auto& sessions) { Take(sessions); });
}

void SessionSearch::Take(const absl::StatusOr<Inquiry::Answer>& sessions) {
  away_ = sessions.status();
  const auto is_meant = [this](const KeyValues& session) {
    return session_.empty() ? ValueOf(session, "uid") == UidText(OwnUid())
                            : ValueOf(session, "name") == session_;
  };
  const bool is_there =
      sessions.ok() && absl::c_any_of(sessions->items, is_meant);
  if (is_there || (!away_.ok() && !absl::IsUnavailable(away_))) {
    waiting_.Reset();
    return std::exchange(found_, nullptr)(away_);
  }
  next_ = loop_.After(pauses_.Next(), [this] { Look(); });
}

std::string SessionSearch::What() const {
  return session_.empty() ? "a session of yours"
                          : absl::StrCat("a session called ", session_);
}

absl::Status SessionSearch::NotThere(absl::Duration waited) const {
  RETURN_IF_ERROR(inquiry_.NoAnswer(waited));
  const std::string why =
      away_.ok() ? absl::StrCat("; the head at ", path_, " was asked")
                 : absl::StrCat(": ", away_.message());
  return absl::DeadlineExceededError(absl::StrCat(
      "there was no session ",
      session_.empty() ? "of yours" : absl::StrCat("called ", session_),
      " within ", absl::FormatDuration(waited), why));
}

absl::Status AwaitSession(EventLoop& loop, const SessionAddress& where,
                          absl::Duration patience) {
  ASSIGN_OR_RETURN(std::string path, FindHead(where.head));
  SessionSearch search(loop, std::move(path));
  std::optional<absl::Status> end;
  const Timer timeout =
      loop.After(patience, [&] { end = search.NotThere(patience); });
  search.Start(where.session, patience,
               [&end](const absl::Status& found) { end = found; });
  while (!end) RETURN_IF_ERROR(loop.RunOnce());
  return *end;
}

}  // namespace deptyr
