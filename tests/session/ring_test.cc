#include "lib/session/ring.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/program.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

// A ring of 4096 bytes keeps all but the next read's room.
constexpr size_t kKept = 4096 - 256;

class RingTest : public testing::Test {
 protected:
  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const auto space = ring_.Space(bytes.size());
      ASSERT_FALSE(space.empty());
      std::memcpy(space.data(), bytes.data(), space.size());
      ring_.Commit(space.size());
      bytes.remove_prefix(space.size());
    }
  }

  Ring ring_ = Value(Ring::Create(4096));
};

TEST_F(RingTest, StartsEmptyAtOffsetZero) {
  EXPECT_EQ(ring_.capacity(), 4096u);
  EXPECT_EQ(ring_.begin(), 0u);
  EXPECT_EQ(ring_.end(), 0u);
  EXPECT_EQ(ring_.From(0), "");
}

TEST_F(RingTest, GivesTheBytesFromAnOffsetOn) {
  Write("hello");
  EXPECT_EQ(ring_.end(), 5u);
  EXPECT_EQ(ring_.From(0), "hello");
  EXPECT_EQ(ring_.From(3), "lo");
  EXPECT_EQ(ring_.From(5), "");
}

TEST_F(RingTest, OnlyWhatIsCommittedCounts) {
  ring_.Space(100)[0] = 'x';
  EXPECT_EQ(ring_.end(), 0u);
  ring_.Commit(1);
  EXPECT_EQ(ring_.From(0), "x");
}

TEST_F(RingTest, SpaceIsASixteenthOfTheCapacityAtMost) {
  EXPECT_EQ(ring_.Space(10).size(), 10u);
  Write(std::string(200, 'x'));
  EXPECT_EQ(ring_.Space(1 << 20).size(), 256u);
  Write(std::string(3900, 'x'));
  EXPECT_EQ(ring_.Space(1 << 20).size(), 256u) << "contiguous past the end";
}

// A session that says a few words has one page of them, not sixteen.
TEST_F(RingTest, SpaceGrowsWithWhatIsWritten) {
  Ring ring = Value(Ring::Create(1 << 20));
  EXPECT_EQ(ring.Space(1 << 20).size(), 4096u);
  ring.Commit(1000);
  EXPECT_EQ(ring.Space(1 << 20).size(), 3096u);
  for (int i = 0; i < 10; ++i) ring.Commit(ring.Space(1 << 20).size());
  EXPECT_EQ(ring.Space(1 << 20).size(), 65536u);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_FALSE(ring.Space(1 << 20).empty());
    ring.Commit(10);
  }
  EXPECT_LE(ring.Space(1 << 20).size(), 4096u);
}

// In a flood a PTY gives 4,095 bytes at once (Linux), whatever the room.
TEST_F(RingTest, SpaceGrowsWithReadsOfAPty) {
  Ring ring = Value(Ring::Create(1 << 20));
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(ring.Space(1 << 20).size(), 1024u);
    ring.Commit(std::min<size_t>(ring.Space(1 << 20).size(), 4095));
  }
  EXPECT_GE(ring.Space(1 << 20).size(), 16384u);
}

// Offsets go on for ever; what was displaced is not there any more.
TEST_F(RingTest, HoldsTheLastBytesWhateverCameBefore) {
  std::string all;
  for (int i = 0; all.size() < 50'000; ++i) {
    const std::string piece(static_cast<size_t>(i % 977), "abcdefg"[i % 7]);
    Write(piece);
    all += piece;
    ASSERT_EQ(ring_.end(), all.size());
    const uint64_t begin = ring_.begin();
    ASSERT_LE(begin, all.size() - std::min(all.size(), kKept));
    ASSERT_EQ(ring_.From(begin), all.substr(begin));
    const uint64_t middle = (begin + ring_.end()) / 2;
    ASSERT_EQ(ring_.From(middle), all.substr(middle));
  }
}

TEST_F(RingTest, AReaderCanStartAtTheVeryBeginning) {
  Write("no newline");
  EXPECT_EQ(ring_.SafeStart(0), 0u);
}

TEST_F(RingTest, ASafeStartIsAfterTheNextNewline) {
  Write("first\nsecond\nthird");
  EXPECT_EQ(ring_.From(ring_.SafeStart(1)), "second\nthird");
  EXPECT_EQ(ring_.From(ring_.SafeStart(6)), "third");
}

TEST_F(RingTest, WithoutANewlineASafeStartIsACharactersFirstByte) {
  Write("x\xf0\x9f\x98\x80\xc3\xa4y");  // 😀 ä
  EXPECT_EQ(ring_.SafeStart(1), 1u);
  for (const uint64_t inside : {2, 3, 4, 5}) {
    EXPECT_EQ(ring_.SafeStart(inside), 5u);
  }
  EXPECT_EQ(ring_.SafeStart(6), 7u);
  EXPECT_EQ(ring_.SafeStart(8), 8u);
}

TEST_F(RingTest, ASafeStartIsNeverBeforeWhatIsThere) {
  Write(std::string(10'000, 'x'));
  EXPECT_EQ(ring_.SafeStart(0), ring_.begin());
  EXPECT_EQ(ring_.SafeStart(1), ring_.begin());
}

TEST_F(RingTest, GarbageHasASafeStartToo) {
  Write(std::string(10'000, '\x80'));  // the inside of characters, all of it
  const uint64_t start = ring_.SafeStart(7'000);
  EXPECT_GE(start, 7'000u);
  EXPECT_LE(start, ring_.end());
  EXPECT_EQ(ring_.SafeStart(ring_.end()), ring_.end());
}

// --- another process's

TEST_F(RingTest, WhoGetsTheMemfdHasAllOfIt) {
  Write(std::string(10'000, 'x') + "the end");
  ring_.Begin({.pid = 42});
  const Ring again = Value(Ring::Adopt(Duplicate(ring_.fd())));
  EXPECT_EQ(again.capacity(), ring_.capacity());
  EXPECT_EQ(again.begin(), ring_.begin());
  EXPECT_EQ(again.From(again.begin()), ring_.From(ring_.begin()));
  EXPECT_EQ(again.latest().pid, 42);
  EXPECT_EQ(again.state().stream, ring_.state().stream);
}

TEST_F(RingTest, WhatWasReadButNotSaidToBeIsFound) {
  Write("said");
  const std::span<char> room = ring_.Space(100);
  std::memcpy(room.data(), " and read", 9);
  const Ring again = Value(Ring::Adopt(Duplicate(ring_.fd())));
  EXPECT_EQ(again.From(0), "said and read");
}

TEST_F(RingTest, NothingIsFoundWhereNothingWasRead) {
  Write(std::string(10'000, 'x'));  // and around
  (void)ring_.Space(100);
  const uint64_t end = ring_.end();
  EXPECT_EQ(Value(Ring::Adopt(Duplicate(ring_.fd()))).end(), end);
}

TEST_F(RingTest, ANewerFormatIsNotTouched) {
  Write("said");
  ring_.state().version = kRingVersion + 1;
  ring_.state().end = 1'000'000;
  const auto newer = Ring::Adopt(Duplicate(ring_.fd()));
  EXPECT_THAT(newer, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(newer.status().message(), testing::HasSubstr("format is 2"));
  EXPECT_EQ(ring_.end(), 1'000'000u);
}

TEST_F(RingTest, WhatContradictsItselfIsNoRing) {
  Write(std::string(10'000, 'x'));
  const RingState good = ring_.state();
  const auto refused = [&](auto change) {
    ring_.state() = good;
    change(ring_.state());
    const auto ring = Ring::Adopt(Duplicate(ring_.fd()));
    ring_.state() = good;
    return absl::IsInvalidArgument(ring.status());
  };
  EXPECT_FALSE(refused([](RingState&) {}));
  EXPECT_TRUE(refused([](RingState& state) { state.magic[0] = 'D'; }));
  EXPECT_TRUE(refused([](RingState& state) { state.capacity *= 2; }));
  EXPECT_TRUE(refused([](RingState& state) { state.end = 1; }));
  EXPECT_TRUE(refused([](RingState& state) { state.end += 5'000; }));
  EXPECT_TRUE(refused([](RingState& state) { state.cleared += 5'000; }));
  EXPECT_TRUE(refused([](RingState& state) { state.displaced = 0; }));
}

// Whoever had it may have changed it: offsets and sizes beyond the ring would
// be believed, and what lies there read.
TEST_F(RingTest, WhatIsSaidOfOtherPlacesIsNoRing) {
  Write(std::string(10'000, 'x'));
  ring_.Begin({.pid = 42});
  ring_.RecordModes(ring_.end(), "modes");
  const RingState good = ring_.state();
  const auto refused = [&](auto change) {
    ring_.state() = good;
    change(ring_.state());
    const auto ring = Ring::Adopt(Duplicate(ring_.fd()));
    ring_.state() = good;
    return absl::IsInvalidArgument(ring.status());
  };
  constexpr uint64_t kFar = 1'000'000;
  EXPECT_FALSE(refused([](RingState&) {}));
  EXPECT_TRUE(refused([](RingState& state) { state.resized = kFar; }));
  EXPECT_TRUE(refused([](RingState& state) { state.incarnations = 2; }));
  EXPECT_TRUE(refused([](RingState& state) { state.records[1].begin = kFar; }));
  EXPECT_TRUE(refused([](RingState& state) { state.modes[1].offset = kFar; }));
  EXPECT_TRUE(refused([](RingState& state) { state.modes[1].size = 785; }));
  EXPECT_TRUE(refused([](RingState& state) { state.name.fill('x'); }));
  EXPECT_TRUE(refused([](RingState& state) { state.command.fill('x'); }));
  EXPECT_TRUE(refused([](RingState& state) { state.exec_failure.fill('x'); }));
  // So near the end of all numbers that the next would be 0.
  EXPECT_TRUE(refused([](RingState& state) {
    const uint64_t ahead = UINT64_MAX - state.cleared;
    state.displaced += ahead;
    state.end += ahead;
    state.cleared += ahead;
  }));
  // Any modes but the last may be half written.
  EXPECT_FALSE(refused([](RingState& state) { state.modes[0].size = 785; }));
}

TEST_F(RingTest, OtherDescriptorsAreNoRing) {
  const Pipe pipe;
  EXPECT_THAT(Ring::Adopt(Duplicate(pipe.read_end.get())),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const Fd small(::memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_THAT(Ring::Adopt(Duplicate(small.get())),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const Fd loose(::memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(loose.get(), 8192), 0);  // could shrink again
  EXPECT_THAT(Ring::Adopt(Duplicate(loose.get())),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(RingTest, RemembersTheLastModes) {
  EXPECT_EQ(ring_.modes().size, 0u);
  Write("text");
  const auto text = [this] {
    return std::string(ring_.modes().text.data(), ring_.modes().size);
  };
  for (uint64_t i = 1; i < 4; ++i) {
    const std::string said(i * 100, 'm');
    ring_.RecordModes(i, said);
    EXPECT_EQ(ring_.modes().offset, i);
    EXPECT_EQ(text(), said);
  }
  // Until the next are there, they are.
  const ModesRecord* const before = &ring_.modes();
  ring_.RecordModes(3, "next");
  EXPECT_EQ(before->size, 300u);
  ring_.RecordModes(3, std::string(300, 'm'));
  ring_.RecordModes(9, std::string(5'000, 'x'));  // more than there is room for
  EXPECT_EQ(ring_.modes().offset, 3u);
  // A write that was cut short doesn't count.
  RingState& state = ring_.state();
  state.modes[(state.modes_written + 1) % 2].size = 7;
  EXPECT_EQ(text().size(), 300u);
  EXPECT_EQ(Value(Ring::Adopt(Duplicate(ring_.fd()))).modes().offset, 3u);
}

}  // namespace
}  // namespace deptyr
