#include "lib/head/backlog_quota.h"

#include <algorithm>
#include <utility>

#include "lib/sys/io.h"

namespace deptyr {
namespace {

template <typename Key>
size_t In(const std::map<Key, size_t>& held, const Key& key) {
  const auto found = held.find(key);
  return found == held.end() ? 0 : found->second;
}

template <typename Key>
void TakeFrom(std::map<Key, size_t>& held, const Key& key, size_t bytes) {
  const auto found = held.find(key);
  found->second -= bytes;
  if (found->second == 0) held.erase(found);
}

}  // namespace

BacklogQuota::Held::Held(BacklogQuota& quota, Account account, size_t bytes,
                         int fd, absl::AnyInvocable<void()> stuck)
    : quota_(quota),
      account_(std::move(account)),
      bytes_(bytes),
      fd_(fd),
      stuck_(std::move(stuck)) {
  Watch();
}

BacklogQuota::Held::~Held() {
  quota_.Release(account_, bytes_);
}

// What the socket holds counts, too: it says that it has room only when much
// of that is taken.
void BacklogQuota::Held::Watch() {
  patience_ = quota_.loop_.After(
      quota_.patience_, [this, written = written_, queued = BytesQueued(fd_)] {
        if (written_ != written || BytesQueued(fd_) != queued) return Watch();
        auto stuck = std::move(stuck_);
        stuck();  // may destroy this
      });
}

bool BacklogQuota::HasRoom(const Account& account) const {
  return In(users_, account.uid) < most_ &&
         (!account.guest || In(guests_, account.session) < kGuests * most_);
}

std::unique_ptr<BacklogQuota::Place> BacklogQuota::Queue(
    Account account, absl::AnyInvocable<void()> turn) {
  const uint64_t number = ++last_number_;
  line_.emplace(number, Waiting{std::move(account), std::move(turn)});
  ServeLineSoon();
  return std::unique_ptr<Place>(new Place(*this, number));
}

std::unique_ptr<BacklogQuota::Held> BacklogQuota::Hold(
    Account account, size_t bytes, int fd, absl::AnyInvocable<void()> stuck) {
  users_[account.uid] += bytes;
  if (account.guest) guests_[account.session] += bytes;
  return std::unique_ptr<Held>(
      new Held(*this, std::move(account), bytes, fd, std::move(stuck)));
}

void BacklogQuota::Release(const Account& account, size_t bytes) {
  TakeFrom(users_, account.uid, bytes);
  if (account.guest) TakeFrom(guests_, account.session, bytes);
  ServeLineSoon();
}

void BacklogQuota::ServeLineSoon() {
  if (line_.empty() || serve_.pending()) return;
  serve_ = loop_.After(absl::ZeroDuration(), [this] { ServeLine(); });
}

// One in a turn of the loop: to make a picture takes milliseconds.
void BacklogQuota::ServeLine() {
  const auto next = std::find_if(
      line_.begin(), line_.end(),
      [this](const auto& waiting) { return HasRoom(waiting.second.account); });
  if (next == line_.end()) return;
  auto turn = line_.extract(next);
  ServeLineSoon();
  turn.mapped().turn();
}

}  // namespace deptyr
