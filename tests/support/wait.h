// The one place where tests wait: always for an event, never for a time.  The
// deadline only ends a test that has failed, so it is generous, and longer on a
// machine that has other things to do.
//
//   ASSERT_TRUE(WaitFor([&] { return std::filesystem::exists(path); }));
//   ASSERT_TRUE(RunUntil(loop, [&] { return session.running(); }));
//   OutputReader output(fd);
//   ASSERT_TRUE(output.Until(HasSubstr("ready")));
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <gmock/gmock.h>

#include "lib/sys/event_loop.h"

namespace deptyr {

inline constexpr absl::Duration kDeadline = absl::Seconds(60);

// Counts the time that a machine would have taken on which nothing else runs:
// while two processes want each processor, a second counts for half.
class Deadline {
 public:
  explicit Deadline(absl::Duration left) : left_(left) {}

  bool Passed();
  absl::Duration left() const { return left_; }

 private:
  absl::Duration left_;
  absl::Time last_ = absl::Now();
};

// Waits for something that no descriptor reports.
bool WaitFor(absl::FunctionRef<bool()> predicate,
             absl::Duration deadline = kDeadline);

// Waits until poll(2) reports one of `events` (or a hang-up) on fd.  Returns
// what it reported, 0 if nothing in time.
short WaitForEvents(int fd, short events, absl::Duration deadline = kDeadline);

// Runs the loop until `predicate` holds, which may be about the world outside.
bool RunUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate,
              absl::Duration deadline = kDeadline);

// Whether the loop sleeps while nothing happens.  This takes a moment, because
// there is no event to wait for; a few turns for timers under way are allowed,
// while a spin makes thousands.
bool IsQuiet(EventLoop& loop);

// Collects everything that can be read from a descriptor (a pipe, a terminal, a
// socket).
class OutputReader {
 public:
  // The descriptor stays the caller's.
  explicit OutputReader(int fd) : fd_(fd) {}

  // Reads until the text since the last Forget() matches.
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher,
      absl::Duration deadline = kDeadline);
  // Reads everything up to the end: end of file, or EIO of a terminal.
  testing::AssertionResult UntilEnd(absl::Duration deadline = kDeadline);

  const std::string& text() const { return text_; }
  void Forget() { text_.clear(); }

 private:
  bool ReadOnce(Deadline& until);
  const int fd_;
  bool ended_ = false;
  std::string text_;
};

}  // namespace deptyr
