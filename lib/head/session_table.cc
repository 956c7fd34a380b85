#include "lib/head/session_table.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/retry.h"

namespace deptyr {

Session* SessionTable::Find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

Session* SessionTable::NewestOf(uid_t owner) const {
  const auto found = std::ranges::find(by_start_.rbegin(), by_start_.rend(),
                                       owner, &Session::owner);
  return found == by_start_.rend() ? nullptr : *found;
}

Session& SessionTable::Add(const std::string& name, uid_t owner, Ring ring) {
  auto session = std::make_unique<Session>(
      loop_, name, owner, std::move(ring), options_,
      [this](Session& changed, Change change) { OnChanged(changed, change); });
  Session& result = *session;
  by_name_[name] = std::move(session);
  ++counts_[owner];
  by_start_.push_back(&result);
  idle_.push_back(&result);
  owner_.OnSessionAdded(result);
  return result;
}

void SessionTable::OnChanged(Session& session, Change change) {
  if (change.kind == Change::kStarted || change.kind == Change::kEnded) {
    std::erase(idle_, &session);
  }
  if (change.kind == Change::kEnded) idle_.push_back(&session);
  owner_.OnSessionChanged(session, change);
}

size_t SessionTable::CountOf(uid_t owner) const {
  const auto found = counts_.find(owner);
  return found == counts_.end() ? 0 : found->second;
}

void SessionTable::MakeNewest(Session& session) {
  std::erase(by_start_, &session);
  by_start_.push_back(&session);
}

void SessionTable::Forget(Session& session) {
  owner_.OnSessionForgotten(session);
  std::erase(by_start_, &session);
  std::erase(idle_, &session);
  const auto count = counts_.find(session.owner());
  if (--count->second == 0) counts_.erase(count);
  by_name_.erase(by_name_.find(session.name()));
}

absl::Status SessionTable::ForgetEnded(Session& session) {
  const std::string& name = session.name();
  if (session.running()) {
    return absl::NotFoundError(absl::StrCat(
        name, " ", session.State(), "; only what has ended can be forgotten"));
  }
  if (!session.clients().empty() || owner_.IsShown(session)) {
    return absl::NotFoundError(absl::StrCat("somebody watches ", name,
                                            "; make them leave first: deptyr "
                                            "kick ",
                                            name));
  }
  Forget(session);
  return absl::OkStatus();
}

absl::Status SessionTable::MakeRoom(uid_t owner) {
  while (CountOf(owner) >= limits_.user_sessions) {
    if (ForgetOneIdle(owner)) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("uid ", owner, " has ", limits_.user_sessions,
                     " sessions already; end some, or start head with a larger "
                     "--max-user-sessions"));
  }
  while (size() >= limits_.sessions) {
    if (ForgetOneIdle(owner) || ForgetOneOfMoreThan(owner)) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        "head has ", size(),
        " sessions already; start it with a larger --max-sessions"));
  }
  return absl::OkStatus();
}

bool SessionTable::ForgetOneIdle(uid_t owner) {
  const auto oldest = std::ranges::find_if(idle_, [&](const Session* session) {
    return session->owner() == owner && session->clients().empty() &&
           !owner_.IsShown(*session);
  });
  if (oldest == idle_.end()) return false;
  Forget(**oldest);
  return true;
}

bool SessionTable::ForgetOneOfMoreThan(uid_t owner) {
  std::vector<std::pair<size_t, uid_t>> others;
  for (const auto& [uid, count] : counts_) {
    if (count > CountOf(owner)) others.emplace_back(count, uid);
  }
  std::sort(others.rbegin(), others.rend());
  return std::ranges::any_of(
      others, [this](uid_t other) { return ForgetOneIdle(other); },
      &std::pair<size_t, uid_t>::second);
}

void SessionTable::ForgetExcess() {
  if (idle_.size() <= kMostEnded) return;
  std::map<uid_t, size_t> counts;
  for (const Session* session : idle_) ++counts[session->owner()];
  for (auto& [owner, count] : counts) {
    while (count > kMostEnded && ForgetOneIdle(owner)) --count;
  }
}

void SessionTable::DropBlockingTerminals(const Session& held_up) {
  for (const auto& [name, session] : by_name_) {
    const bool blocks =
        session.get() == &held_up || session->terminal().MadeToBlock();
    if (session->owner() == held_up.owner() && blocks) session->LoseTerminal();
  }
}

absl::StatusOr<Session*> SessionTable::Adopt(const std::string& name,
                                             int ring_fd) {
  ASSIGN_OR_RETURN(Ring ring, RetryForFiveSeconds([ring_fd] {
                     return Ring::Adopt(Duplicate(ring_fd));
                   }));
  const uid_t owner = ring.state().owner;
  return &Add(name, owner, std::move(ring));
}

void SessionTable::SortRestored(const HeadState* before) {
  // Earlier programs didn't tell the order.
  const bool ordered = before != nullptr && before->held.empty() &&
                       !before->sessions.empty() &&
                       before->sessions.front().order > 0;
  if (!ordered) {
    std::ranges::stable_sort(by_start_, {}, [](const Session* session) {
      return session->ring().latest().started;
    });
  }
  Session* const newest = before == nullptr ? nullptr : Find(before->newest);
  if (newest != nullptr) MakeNewest(*newest);
  std::erase_if(idle_, std::mem_fn(&Session::running));
  std::ranges::stable_sort(idle_, {}, [](const Session* session) {
    return session->ring().latest().ended;
  });
}

void SessionTable::Save(HeadState& state) const {
  for (Session* session : by_start_) {
    state.sessions.push_back(session->Save());
    state.sessions.back().order = state.sessions.size();
  }
  if (!by_start_.empty()) state.newest = by_start_.back()->name();
  for (const Session* session : idle_) state.ended.push_back(session->name());
}

void SessionTable::Resume(HeadState& before) {
  std::ranges::stable_sort(before.sessions, {}, &SessionState::order);
  for (const SessionState& state : before.sessions) {
    const Fd ring = TakeOffered(state.ring);
    Fd controller = TakeOffered(state.controller);
    Fd pidfd = TakeOffered(state.pidfd);
    KeptLogs logs{TakeOffered(state.log), TakeOffered(state.log_spool),
                  TakeOffered(state.file_spool)};
    const auto session = Adopt(state.name, ring.get());
    if (session.ok()) {
      (*session)->Resume(std::move(controller), std::move(pidfd), state,
                         std::move(logs));
      continue;
    }
    // The trial found it fine a moment ago.
    Log(Severity::kError, "session=", state.name,
        " is lost: ", session.status().message());
  }
}

}  // namespace deptyr
