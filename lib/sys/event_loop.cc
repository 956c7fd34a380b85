#include "lib/sys/event_loop.h"

#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "lib/base/status.h"

namespace deptyr {
namespace {

constexpr int kRetryMilliseconds = 100;
constexpr auto kIdle = Clock::time_point::max();
// Everything else that is ready waits for floods no longer than this.
constexpr auto kLongestAmongFloods = std::chrono::microseconds(50);
constexpr auto kLongestWithoutIdleWork = std::chrono::milliseconds(50);

uint32_t EpollEvents(Interest interest) {
  const auto bits = static_cast<uint8_t>(interest);
  uint32_t events = 0;
  if ((bits & 1) != 0) events |= EPOLLIN;
  if ((bits & 2) != 0) events |= EPOLLOUT;
  if ((bits & 8) != 0) events |= EPOLLET;
  return events;
}

Ready FromEpoll(uint32_t events) {
  const bool hangup = (events & (EPOLLHUP | EPOLLERR)) != 0;
  return {.readable = hangup || (events & EPOLLIN) != 0,
          .writable = hangup || (events & EPOLLOUT) != 0,
          .hangup = hangup};
}

}  // namespace

void Watch::Set(Interest interest) {
  if (registration_ == nullptr || registration_->wanted == interest) return;
  registration_->wanted = interest;
  registration_->loop->Apply(*registration_);
}

void Watch::SetFlood(bool floods) {
  if (registration_ == nullptr || registration_->floods == floods) return;
  registration_->floods = floods;
  registration_->loop->Apply(*registration_);
}

void Watch::Remover::operator()(Registration* registration) const {
  EventLoop& loop = *registration->loop;
  registration->wanted = Interest::kNone;
  loop.Apply(*registration);
  auto node = loop.registrations_.extract(registration->id);
  loop.retired_.push_back(std::move(node.mapped()));
}

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    Reset();
    due_ = std::exchange(other.due_, nullptr);
    if (due_ != nullptr) due_->owner = this;
  }
  return *this;
}

bool CanBeWatched(int fd) {
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0 ||
         errno != EPERM;
}

void Timer::Reset() {
  if (due_ == nullptr) return;
  const Due& due = *std::exchange(due_, nullptr);
  // Destroying the action may destroy other timers.
  (void)due.loop->timers_.extract(due.key);
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Fd floods(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid() || !floods.valid()) return Errno("make an epoll set");
  return std::unique_ptr<EventLoop>(
      new EventLoop(std::move(epoll), std::move(floods)));
}

Watch EventLoop::Add(int fd, Interest interest, Handler handler) {
  const uint64_t id = next_id_++;
  auto& registration = registrations_[id];
  registration.reset(
      new Registration{this, id, fd, std::move(handler), interest});
  Apply(*registration);
  return Watch(registration.get());
}

Timer EventLoop::After(absl::Duration delay,
                       absl::AnyInvocable<void()> action) {
  return DueAt(Clock::now() + absl::ToChronoNanoseconds(delay),
               std::move(action));
}

Timer EventLoop::WhenIdle(absl::AnyInvocable<void()> piece) {
  if (!HasIdleWork()) idle_work_done_ = Clock::now();
  return DueAt(kIdle, std::move(piece));
}

Timer EventLoop::DueAt(Clock::time_point time,
                       absl::AnyInvocable<void()> action) {
  const Timer::Key key{time, next_id_++};
  return Timer(timers_.emplace(key, Timer::Due{this, key, std::move(action)})
                   .first->second);
}

// The action may make timers, or destroy this one, so it leaves the map first.
void EventLoop::Fire(std::map<Timer::Key, Timer::Due>::iterator due) {
  watchdog_.Arm();
  auto node = timers_.extract(due);
  node.mapped().owner->due_ = nullptr;
  node.mapped().action();
}

bool EventLoop::HasIdleWork() const {
  return !timers_.empty() && timers_.rbegin()->first.first == kIdle;
}

void EventLoop::Apply(Registration& registration) {
  const bool moves = registration.floods != registration.known_to_flood;
  if (registration.known != Interest::kNone &&
      (moves || registration.wanted == Interest::kNone)) {
    Control(EPOLL_CTL_DEL, registration);
  }
  registration.known_to_flood = registration.floods;
  if (registration.known == registration.wanted) return;
  Control(registration.known == Interest::kNone ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
          registration);
}

void EventLoop::Control(int operation, Registration& registration) {
  const bool in_floods = registration.known_to_flood;
  const Interest interest =
      operation == EPOLL_CTL_DEL ? Interest::kNone : registration.wanted;
  epoll_event event{.events = EpollEvents(interest),
                    .data = {.u64 = registration.id}};
  if (::epoll_ctl((in_floods ? floods_ : epoll_).get(), operation,
                  registration.fd, &event) != 0) {
    failed_.push_back(registration.id);
    return;
  }
  if (in_floods && operation == EPOLL_CTL_ADD) ++watched_floods_;
  if (in_floods && operation == EPOLL_CTL_DEL) --watched_floods_;
  registration.known = interest;
}

int EventLoop::MillisecondsToWait() const {
  if (HasIdleWork()) return 0;
  const int retry = failed_.empty() ? -1 : kRetryMilliseconds;
  if (timers_.empty()) return retry;
  // Rounded up, because waking too early would mean waking twice.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      timers_.begin()->first.first - Clock::now());
  const int64_t most = retry < 0 ? 1 << 30 : retry;
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, most));
}

void EventLoop::WaitForEither() {
  std::array<pollfd, 2> sets = {
      {{epoll_.get(), POLLIN, 0}, {floods_.get(), POLLIN, 0}}};
  const int ready = ::poll(sets.data(), sets.size(), MillisecondsToWait());
  if (ready < 0 && errno == EINTR) watchdog_.Disarm();
}

bool EventLoop::Alone() const {
  if (!alone_ || watched_floods_ == 0) return alone_;
  pollfd others = {epoll_.get(), POLLIN, 0};
  return ::poll(&others, 1, 0) == 0;
}

// Calls the handlers of those in the set that are ready; returns their number.
absl::StatusOr<int> EventLoop::Serve(const Fd& set, int wait) {
  std::array<epoll_event, 128> events;
  const int count = ::epoll_wait(set.get(), events.data(),
                                 static_cast<int>(events.size()), wait);
  if (count < 0 && errno != EINTR) return Errno("wait for events");
  if (count < 0) watchdog_.Disarm();  // we were asleep
  if (count > 0) watchdog_.Arm();
  turn_began_ = Clock::now();
  const bool floods = &set == &floods_;
  for (int i = 0; i < count; ++i) {
    alone_ = count == 1 && (floods || watched_floods_ == 0);
    const epoll_event& event = events[static_cast<size_t>(i)];
    const uint64_t id = event.data.u64;  // the struct is packed
    const auto found = registrations_.find(id);
    if (found == registrations_.end()) continue;  // gone since, promise 1
    found->second->handler(FromEpoll(event.events));
    if (floods && Clock::now() >= others_due_) {
      RETURN_IF_ERROR(ServeOthers().status());
    }
  }
  return std::max(count, 0);
}

absl::StatusOr<int> EventLoop::ServeOthers() {
  ASSIGN_OR_RETURN(const int count, Serve(epoll_, 0));
  others_due_ = Clock::now() + kLongestAmongFloods;
  return count;
}

absl::Status EventLoop::RunOnce() {
  int count = 0;
  if (watched_floods_ == 0) {
    ASSIGN_OR_RETURN(count, Serve(epoll_, MillisecondsToWait()));
  } else {
    // Don't wait for floods: asking whether one is ready takes long
    // (lib/sys/busy_poll.h).
    ASSIGN_OR_RETURN(const int others, ServeOthers());
    ASSIGN_OR_RETURN(const int floods, Serve(floods_, 0));
    count = others + floods;
    if (count == 0) WaitForEither();
  }
  const bool ran = RunTimers();
  RunIdleWork(count == 0 && !ran);
  turn_began_ = Clock::time_point::max();
  for (const uint64_t id : std::exchange(failed_, {})) {
    const auto found = registrations_.find(id);
    if (found != registrations_.end()) Apply(*found->second);
  }
  retired_.clear();
  DestroyDoomed();
  return absl::OkStatus();
}

// Objects that are destroyed may doom others.
void EventLoop::DestroyDoomed() {
  while (!doomed_.empty()) (void)std::exchange(doomed_, {});
}

bool EventLoop::RunTimers() {
  if (timers_.empty()) return false;
  bool ran = false;
  const Clock::time_point now = Clock::now();
  turn_began_ = now;  // the timers' part
  while (!timers_.empty() && timers_.begin()->first.first <= now &&
         !(ran && TurnIsLong())) {
    Fire(timers_.begin());
    ran = true;
  }
  return ran;
}

void EventLoop::RunIdleWork(bool idle) {
  if (!HasIdleWork()) return;
  const Clock::time_point now = Clock::now();
  if (!idle && now - idle_work_done_ < kLongestWithoutIdleWork) return;
  idle_work_done_ = now;
  Fire(timers_.lower_bound({kIdle, 0}));
}

}  // namespace deptyr
