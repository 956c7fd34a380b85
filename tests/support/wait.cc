#include "tests/support/wait.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr absl::Duration kFirstPause = absl::Microseconds(200);
constexpr absl::Duration kLongestPause = absl::Milliseconds(10);

absl::Time Until(absl::Duration deadline) {
  return absl::Now() + deadline;
}

// Returns poll(2)'s report on `fd`, or 0 if there is none by `until`.
short Poll(int fd, short events, absl::Time until) {
  pollfd question{fd, events, 0};
  for (;;) {
    const timespec left =
        absl::ToTimespec(std::max(until - absl::Now(), absl::ZeroDuration()));
    const int count = ::ppoll(&question, 1, &left, nullptr);
    if (count >= 0 || errno != EINTR) return question.revents;
  }
}

}  // namespace

bool WaitFor(absl::FunctionRef<bool()> predicate, absl::Duration deadline) {
  const absl::Time until = Until(deadline);
  for (absl::Duration pause = kFirstPause;;
       pause = std::min(pause * 2, kLongestPause)) {
    if (predicate()) return true;
    if (absl::Now() > until) return false;
    const timespec time = absl::ToTimespec(pause);
    (void)::ppoll(nullptr, 0, &time, nullptr);
  }
}

short WaitForEvents(int fd, short events, absl::Duration deadline) {
  return Poll(fd, events, Until(deadline));
}

bool RunUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate,
              absl::Duration deadline) {
  const absl::Time until = Until(deadline);
  while (!predicate()) {
    if (absl::Now() > until) return false;
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

bool OutputReader::ReadOnce(absl::Time until) {
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
  const absl::Time until = deptyr::Until(deadline);
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
  const absl::Time until = deptyr::Until(deadline);
  while (!ended_) {
    if (!ReadOnce(until)) {
      return testing::AssertionFailure()
             << "no end came; got: \"" << absl::CHexEscape(text_) << '"';
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace deptyr
