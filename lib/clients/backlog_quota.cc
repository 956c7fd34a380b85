#include "lib/clients/backlog_quota.h"

#include <algorithm>
#include <utility>

#include "lib/sys/io.h"

namespace deptyr {

BacklogQuota::Held::Held(BacklogQuota& quota, uid_t uid, size_t bytes, int fd,
                         absl::AnyInvocable<void()> stuck)
    : quota_(quota),
      bytes_(quota.held_.Take(uid, bytes)),
      fd_(fd),
      stuck_(std::move(stuck)) {
  Watch();
}

// Bytes that leave the socket are progress, too: a socket says that it has room
// only when much of what it holds is taken.
void BacklogQuota::Held::Watch() {
  patience_ = quota_.loop_.After(
      quota_.patience_, [this, written = written_, queued = BytesQueued(fd_)] {
        if (written_ != written || BytesQueued(fd_) != queued) return Watch();
        auto stuck = std::move(stuck_);
        stuck();  // may destroy this
      });
}

bool BacklogQuota::TakeTurn(uid_t uid) {
  if (!HasRoom(uid) || turn_.pending()) return false;
  turn_ = loop_.After(absl::ZeroDuration(), [] {});
  return true;
}

BacklogQuota::Place BacklogQuota::Queue(uid_t uid,
                                        absl::AnyInvocable<void()> turn) {
  const uint64_t number = ++last_number_;
  line_.emplace(number, Waiting{uid, std::move(turn)});
  ServeLineSoon();
  return {this, [this, number](void*) { line_.erase(number); }};
}

void BacklogQuota::ServeLineSoon() {
  if (line_.empty() || serve_.pending()) return;
  serve_ = loop_.After(absl::ZeroDuration(), [this] { ServeLine(); });
}

// One in a turn of the loop, whatever it makes.
void BacklogQuota::ServeLine() {
  const auto next = std::find_if(
      line_.begin(), line_.end(),
      [this](const auto& waiting) { return HasRoom(waiting.second.uid); });
  if (next == line_.end()) return;
  auto turn = line_.extract(next);
  ServeLineSoon();
  turn_.Reset();
  turn.mapped().turn();
}

}  // namespace deptyr
