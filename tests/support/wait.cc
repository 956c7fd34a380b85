#include "tests/support/wait.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr absl::Duration kFirstPause = absl::Microseconds(200);
constexpr absl::Duration kLongestPause = absl::Milliseconds(10);
constexpr absl::Duration kLookAtLoad = absl::Milliseconds(100);

// How many processes want each processor, at least 1: those of this moment and
// of the last minute (proc_loadavg(5)).
double Crowding() {
  static const double processors =
      std::max(1U, std::thread::hardware_concurrency());
  double of_minute = 0;
  double ignored = 0;
  double running = 0;
  std::ifstream("/proc/loadavg") >> of_minute >> ignored >> ignored >> running;
  return std::max({1.0, of_minute / processors, running / processors});
}

// Returns poll(2)'s report on `fd`, or 0 if there is none in time.
short Poll(int fd, short events, Deadline& deadline) {
  pollfd question{fd, events, 0};
  for (;;) {
    const timespec pause = absl::ToTimespec(
        std::min(deadline.left(), absl::Duration{kLookAtLoad}));
    const int count = ::ppoll(&question, 1, &pause, nullptr);
    if (count > 0 || (count < 0 && errno != EINTR) || deadline.Passed()) {
      return question.revents;
    }
  }
}

}  // namespace

bool Deadline::Passed() {
  const absl::Time now = absl::Now();
  left_ -= (now - std::exchange(last_, now)) / Crowding();
  return left_ < absl::ZeroDuration();
}

bool WaitFor(absl::FunctionRef<bool()> predicate, absl::Duration deadline) {
  Deadline until(deadline);
  for (absl::Duration pause = kFirstPause;;
       pause = std::min(pause * 2, kLongestPause)) {
    if (predicate()) return true;
    if (until.Passed()) return false;
    const timespec time = absl::ToTimespec(pause);
    (void)::ppoll(nullptr, 0, &time, nullptr);
  }
}

short WaitForEvents(int fd, short events, absl::Duration deadline) {
  Deadline until(deadline);
  return Poll(fd, events, until);
}

bool RunUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate,
              absl::Duration deadline) {
  Deadline until(deadline);
  while (!predicate()) {
    if (until.Passed()) return false;
    const Timer look_again = loop.After(kLongestPause, [] {});
    if (!loop.RunOnce().ok()) return false;
  }
  return true;
}

bool IsQuiet(EventLoop& loop) {
  constexpr absl::Duration kMoment = absl::Milliseconds(300);
  constexpr int kFewTurns = 20;
  bool over = false;
  const Timer moment = loop.After(kMoment, [&] { over = true; });
  int turns = 0;
  while (!over && loop.RunOnce().ok()) ++turns;
  return turns <= kFewTurns;
}

bool OutputReader::ReadOnce(Deadline& until) {
  if (ended_ || Poll(fd_, POLLIN, until) == 0) return false;
  std::array<char, 65536> room;
  const IoResult got = ReadSome(fd_, room);
  text_.append(room.data(), got.bytes);
  ended_ = got.state == IoState::kEnd || got.state == IoState::kError;
  return true;
}

testing::AssertionResult OutputReader::Until(
    const testing::Matcher<const std::string&>& matcher,
    absl::Duration deadline) {
  Deadline until(deadline);
  while (!matcher.Matches(text_)) {
    if (!ReadOnce(until)) {
      return testing::AssertionFailure()
             << (ended_ ? "it ended" : "no more came") << "; wanted: "
             << testing::DescribeMatcher<const std::string&>(matcher)
             << "; got: \"" << absl::CHexEscape(text_) << '"';
    }
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult OutputReader::UntilEnd(absl::Duration deadline) {
  Deadline until(deadline);
  while (!ended_) {
    if (!ReadOnce(until)) {
      return testing::AssertionFailure()
             << "no end came; got: \"" << absl::CHexEscape(text_) << '"';
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace deptyr
