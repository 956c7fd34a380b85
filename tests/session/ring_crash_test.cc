// A process that is killed at any step of writing to its ring loses nothing
// that it had read.  Built with lib/session/ring.cc's fault points.
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "lib/session/ring.h"
#include "lib/sys/mirrored_memory.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"

namespace deptyr {

static int steps_left = -1;

void FaultPoint() {
  if (steps_left-- == 0) (void)::raise(SIGKILL);
}

namespace {

// The text that a program wrote: every byte of it differs from the one before.
std::string Text() {
  std::string text;
  for (int i = 0; text.size() < 20'000; ++i) absl::StrAppend(&text, i, " ");
  return text;
}

// As a read(2) does: it has put bytes there before anybody says so.
void ReadInto(Ring& ring, absl::string_view text, uint64_t& read) {
  const auto room = ring.Space(97);
  const size_t count = std::min(room.size(), text.size() - ring.end());
  std::memcpy(room.data(), text.data() + ring.end(), count);
  read = ring.end() + count;
  FaultPoint();
  ring.Commit(count);
}

TEST(RingCrashTest, KilledAtAnyStepItHasAllThatWasRead) {
  const std::string text = Text();
  MirroredMemory shared = Value(MirroredMemory::Create(4096));
  uint64_t& read = *reinterpret_cast<uint64_t*>(shared.data());
  bool ended = false;
  int kills = 0;
  for (; !ended; ++kills) {
    SCOPED_TRACE(absl::StrCat("killed at step ", kills));
    read = 0;
    Ring ring = Value(Ring::Create(4096));
    Program child = Program::Fork([&] {
      steps_left = kills;
      while (ring.end() < text.size()) ReadInto(ring, text, read);
      return 0;
    });
    ended = child.Wait() == ExitStatus{};
    const Ring again = Value(Ring::Adopt(Duplicate(ring.fd())));
    ASSERT_EQ(again.end(), read);
    ASSERT_EQ(
        again.From(again.begin()),
        absl::string_view(text).substr(again.begin(), read - again.begin()));
  }
  EXPECT_GT(kills, 600);
}

// Killed again while it goes on, and again: as heads are.
TEST(RingCrashTest, OneAfterTheOtherTheyLoseNothing) {
  const std::string text = Text();
  MirroredMemory shared = Value(MirroredMemory::Create(4096));
  uint64_t& read = *reinterpret_cast<uint64_t*>(shared.data());
  const Ring first = Value(Ring::Create(4096));
  for (int kills = 0; read < text.size(); ++kills) {
    Program child = Program::Fork(
        [&] {
          Ring ring = Value(Ring::Adopt(Fd(3)));
          steps_left = kills % 23;
          while (ring.end() < text.size()) ReadInto(ring, text, read);
          return 0;
        },
        {.fds = {{first.fd(), 3}}});
    (void)child.Wait();
    const Ring again = Value(Ring::Adopt(Duplicate(first.fd())));
    ASSERT_EQ(again.end(), read);
    ASSERT_EQ(
        again.From(again.begin()),
        absl::string_view(text).substr(again.begin(), read - again.begin()));
  }
}

}  // namespace
}  // namespace deptyr
