// A loop around epoll that watches descriptors and keeps deadlines.  Handlers
// run one after the other.
//
//   Watch watch = loop.Add(fd, Interest::kRead, [&](Ready) { ... });
//   watch.Set(Interest::kNone);            // when there is no room, don't ask
//   Timer timer = loop.After(absl::Seconds(5), [&] { ... });
//   while (!done) RETURN_IF_ERROR(loop.RunOnce());
//
// Promises:
//   1. A handler may destroy any Watch or Timer, its own included.  No event
//      already fetched from the kernel reaches a Watch that has gone, even when
//      a new descriptor has taken the old one's number: registrations are keyed
//      by an id that is never used again.
//   2. Interest::kNone is truly silent.  epoll reports EPOLLHUP and EPOLLERR
//      whatever was asked for, so such a descriptor is taken out of the set;
//      otherwise a hung-up PTY that nobody reads would spin the loop.
//   3. Without events, deadlines and idle work RunOnce() sleeps; there are no
//      ticks.  The watchdog is armed while there is work; it wakes a loop that
//      has gone to sleep once, and is disarmed then.
//   4. Idle work never comes before I/O, but a loop that is never idle does a
//      piece of it every 50 ms.
//   5. Timers have 2 ms of each turn to themselves, after its I/O; those due
//      then wait for the next turn.  One timer always runs.  Timers may do what
//      a long turn puts off: where each turn's I/O is long, nothing else would.
//   6. Between two handlers of watches that flood, everything else that is
//      ready is served, at the first chance after 50 us.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/sys/fd.h"
#include "lib/sys/watchdog.h"

namespace deptyr {

// These are bits; each combination that is used has a name.
enum class Interest : uint8_t {
  kNone = 0,
  kRead = 1,
  kWrite = 2,
  kReadWrite = 3,
  kHangup = 4,  // only whether the other side went away
  // Edge-triggered: the handler is called once per change.  A PTY whose client
  // end nobody holds needs this, because level-triggered it would report its
  // hang-up for ever.
  kReadEdge = 8 | 1,
  kWriteEdge = 8 | 2,
  kReadWriteEdge = 8 | 3,
};

// The interest of a handler that reads, writes, both or neither.  It hears of a
// hang-up in any case.
constexpr Interest InterestIn(bool read, bool write) {
  if (read) return write ? Interest::kReadWrite : Interest::kRead;
  return write ? Interest::kWrite : Interest::kHangup;
}

struct Ready {
  bool readable = false;  // also if a read would report an end or an error
  bool writable = false;
  bool hangup = false;
};

using Handler = absl::AnyInvocable<void(Ready)>;
using Clock = std::chrono::steady_clock;  // clock jumps don't move deadlines

class EventLoop;

// Whether a loop can watch fd.  It can't watch regular files, folders and
// /dev/null, which are always ready.
bool CanBeWatched(int fd);

// A registration; destroying it ends it.  The descriptor stays the caller's and
// must stay open for as long.
class [[nodiscard]] Watch {
 public:
  Watch() = default;

  void Set(Interest interest);
  // Says that the handler takes long and soon has to be called again (promise
  // 6).
  void SetFlood(bool floods);
  void Reset() { registration_.reset(); }

 private:
  friend class EventLoop;
  struct Registration {
    EventLoop* loop;
    uint64_t id;
    int fd;
    Handler handler;
    Interest wanted;
    bool floods = false;
    // The kernel knows of this interest, in this set.
    Interest known = Interest::kNone;
    bool known_to_flood = false;
  };
  struct Remover {
    void operator()(Registration* registration) const;
  };
  explicit Watch(Registration* registration) : registration_(registration) {}
  std::unique_ptr<Registration, Remover> registration_;  // the loop owns it
};

// Fires once; destroying it cancels.  It is only as large as a pointer, because
// sessions have many that seldom wait.
class [[nodiscard]] Timer {
 public:
  Timer() = default;
  Timer(Timer&& other) noexcept { *this = std::move(other); }
  Timer& operator=(Timer&& other) noexcept;
  ~Timer() { Reset(); }

  // True from After() until it fires or is reset.
  bool pending() const { return due_ != nullptr; }
  void Reset();

 private:
  friend class EventLoop;
  using Key = std::pair<Clock::time_point, uint64_t>;
  struct Due {
    EventLoop* loop;
    Key key;
    absl::AnyInvocable<void()> action;
    Timer* owner = nullptr;
  };
  explicit Timer(Due& due) : due_(&due) { due.owner = this; }
  Due* due_ = nullptr;  // in its loop's timers_
};

class EventLoop {
 public:
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create();
  EventLoop(EventLoop&&) = delete;
  ~EventLoop() { DestroyDoomed(); }

  // Each descriptor number can be watched once at a time; to read and write
  // separately, duplicate it (dup(2)).  If the kernel has no memory for a
  // registration, the loop tries again every 100 ms.
  Watch Add(int fd, Interest interest, Handler handler);
  Timer After(absl::Duration delay, absl::AnyInvocable<void()> action);

  // Runs `piece` once, when there is nothing else to do.  Each turn runs one
  // piece, the oldest first.
  Timer WhenIdle(absl::AnyInvocable<void()> piece);
  // Destroys the object at the end of this turn, because it may be on the stack
  // now.
  template <typename T>
  void DestroyLater(std::unique_ptr<T> object) {
    doomed_.push_back([object = std::move(object)] {});
  }

  // For handlers: whether nothing else was ready when this turn began, and, in
  // the handler of a flood, whether nothing else is ready now.
  bool Alone() const;

  // Whether this turn has taken so long that everything that can wait for the
  // next turn should wait: 2 ms of I/O, or of timers.  False between two turns.
  bool TurnIsLong() const { return Clock::now() - turn_began_ > kLongTurn; }

  // Breaks off system calls that wait in a handler from now on
  // (lib/sys/watchdog.h).
  absl::Status StartWatchdog() { return watchdog_.Start(); }

  // Waits for events or the next deadline, and runs everything that is due.
  absl::Status RunOnce();

 private:
  friend class Watch;
  friend class Timer;
  using Registration = Watch::Registration;
  static constexpr auto kLongTurn = std::chrono::milliseconds(2);

  EventLoop(Fd epoll, Fd floods)
      : epoll_(std::move(epoll)), floods_(std::move(floods)) {}
  void Apply(Registration& registration);
  void Control(int operation, Registration& registration);
  int MillisecondsToWait() const;
  absl::StatusOr<int> Serve(const Fd& set, int wait);
  absl::StatusOr<int> ServeOthers();
  void WaitForEither();
  void DestroyDoomed();
  bool HasIdleWork() const;
  Timer DueAt(Clock::time_point time, absl::AnyInvocable<void()> action);
  void Fire(std::map<Timer::Key, Timer::Due>::iterator due);
  bool RunTimers();
  void RunIdleWork(bool idle);

  Fd epoll_;
  Fd floods_;
  size_t watched_floods_ = 0;
  Clock::time_point others_due_;
  Clock::time_point turn_began_ = Clock::time_point::max();  // max: no turn
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Registration>> registrations_;
  // These were removed during this turn; their handlers may be on the stack.
  std::vector<std::unique_ptr<Registration>> retired_;
  std::vector<uint64_t> failed_;
  bool alone_ = false;
  std::vector<absl::AnyInvocable<void()>> doomed_;  // never called
  // Idle work is due at the end of time.
  std::map<Timer::Key, Timer::Due> timers_;
  Clock::time_point idle_work_done_;  // the last piece
  Watchdog watchdog_;
};

}  // namespace deptyr
