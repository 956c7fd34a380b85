// The screen of a session, fed by a ring: exact while the model keeps up,
// approximate after a flood, parked when nobody needs it.
#include "lib/session/live_screen.h"

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/render/render.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr size_t kRing = 64 << 10;
constexpr WindowSize kSize{24, 80};

class LiveScreenTest : public testing::Test {
 protected:
  LiveScreenTest() { screen_.OnStart(kSize); }

  // As head reads: a part at a time.
  void Write(absl::string_view bytes) {
    while (!bytes.empty()) {
      const std::span<char> room = ring_.Space(4096);
      const size_t count = bytes.copy(room.data(), room.size());
      ring_.Commit(count);
      screen_.OnOutput();
      bytes.remove_prefix(count);
    }
  }
  // The screen of a terminal that attaches then.
  std::string Shown(WindowSize size = kSize) {
    const LiveScreen::Picture picture = screen_.Take(size);
    Screen terminal(size);
    terminal.Write(picture.paint);
    terminal.Write(ring_.From(picture.from));
    return Text(terminal);
  }
  // Some pieces of it.
  void RunIdleWork() {
    for (int piece = 0; piece < 3; ++piece) {
      bool idle = false;
      const Timer probe = loop_->WhenIdle([&] { idle = true; });
      ASSERT_TRUE(RunUntil(*loop_, [&] { return idle; }));
    }
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(kRing));
  LiveScreen screen_{*loop_, ring_};
};

TEST_F(LiveScreenTest, IsWhatWasWrittenWhoeverWatched) {
  Write("\033[2J\033[1;1Hfirst\033[24;70Hlast");
  EXPECT_TRUE(screen_.exact());
  EXPECT_THAT(Shown(), AllOf(HasSubstr("first"), HasSubstr("last")));
}

// A cell that was painted long before the ring's begin.
TEST_F(LiveScreenTest, KeepsWhatTheRingHasLost) {
  Write("\033[2J\033[1;1Hpainted once");
  for (int i = 0; i < 20; ++i) {
    for (int j = 0; j < 400; ++j) Write(absl::StrCat("\033[12;1H", i, "    "));
    RunIdleWork();
  }
  ASSERT_GT(ring_.begin(), 100U);
  EXPECT_TRUE(screen_.exact());
  EXPECT_THAT(Shown(), AllOf(HasSubstr("painted once"), HasSubstr("19")));
}

TEST_F(LiveScreenTest, AFloodMakesItApproximateUntilAllIsCleared) {
  Write("\033[2J\033[1;1Hpainted once\033[?1h\033[?2004h\033]0;the title\007");
  Write(std::string(3 * kRing, 'x'));
  EXPECT_FALSE(screen_.exact());
  const LiveScreen::Picture picture = screen_.Take(kSize);
  EXPECT_FALSE(picture.exact);
  // The modes are exact all the same.
  EXPECT_THAT(picture.paint,
              AllOf(HasSubstr("\033[?1h"), HasSubstr("\033[?2004h")));
  EXPECT_EQ(screen_.title(), "the title");
  EXPECT_THAT(Shown(), Not(HasSubstr("painted once")));
  Write("\033[2J\033[1;1Hnew");
  EXPECT_TRUE(screen_.exact());
  EXPECT_EQ(Shown(), "new\n");
}

// The picture isn't kept, but the text is.
TEST_F(LiveScreenTest, APictureMakesItApproximateUntilItIsGone) {
  Write("text\033Pq#0~\033\\");
  EXPECT_FALSE(screen_.exact());
  EXPECT_FALSE(screen_.Take(kSize).exact);
  EXPECT_EQ(Shown(), "text\n");
  for (int i = 0; i < 60; ++i) Write(absl::StrCat("\r\nline ", i));
  EXPECT_TRUE(screen_.Take(kSize).exact) << "it has left the top";
  Write("\033_Ga=T,f=100;AAAA\033\\");
  EXPECT_FALSE(screen_.exact()) << "though the model hasn't seen it";
  Write("\033[2J\033[H");
  EXPECT_TRUE(screen_.exact());
}

TEST_F(LiveScreenTest, AFloodThatEndsInAClearIsExact) {
  Write(std::string(3 * kRing, 'x'));
  Write("\033[2J\033[1;1Hall there is");
  EXPECT_TRUE(screen_.Take(kSize).exact);
  EXPECT_EQ(Shown(), "all there is\n");
}

// The lines that are shown have all been written since.
TEST_F(LiveScreenTest, AFloodOfLinesIsExactWhenItPauses) {
  for (int i = 0; i < 20'000; ++i) Write(absl::StrCat("line ", i, "\r\n"));
  ASSERT_GT(ring_.begin(), 0U);
  EXPECT_TRUE(screen_.Take(kSize).exact);
  EXPECT_TRUE(screen_.exact());
  EXPECT_THAT(Shown(), AllOf(testing::StartsWith("line 19977\n"),
                             testing::EndsWith("line 19999\n")));
}

TEST_F(LiveScreenTest, AFloodOfColouredLinesIsExactOnceAPenIsKnown) {
  for (int i = 0; i < 20'000; ++i) {
    Write(absl::StrCat("\033[1;32mline ", i, "\033[m\r\n"));
  }
  ASSERT_GT(ring_.begin(), 0U);
  EXPECT_TRUE(screen_.Take(kSize).exact);
}

// Where its first rows are, and in which colour, nobody knows.
TEST_F(LiveScreenTest, AFloodThatLeavesSomethingUnknownIsApproximate) {
  for (const std::string& row :
       {std::string("\033[3;1Hdrawn over and over"), std::string("no end. "),
        std::string("\033[31mred \r\n")}) {
    screen_.OnStart(kSize);
    for (size_t size = 0; size < 3 * kRing; size += row.size()) Write(row);
    EXPECT_FALSE(screen_.Take(kSize).exact) << testing::PrintToString(row);
  }
}

// In the alternate screen since before the flood.
TEST_F(LiveScreenTest, TheAlternateScreenIsRememberedThroughAFlood) {
  Write("\033[?1049h");
  Write(std::string(3 * kRing, 'x'));
  EXPECT_THAT(screen_.Take(kSize).paint, HasSubstr("\033[?1049h"));
}

TEST_F(LiveScreenTest, AfterAFloodItStartsAgainByItself) {
  Write(std::string(3 * kRing, 'x'));
  EXPECT_TRUE(screen_.parked());
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !screen_.parked(); }));
}

TEST_F(LiveScreenTest, AfterAFloodItStartsAgainThoughTheProgramGoesOn) {
  Write(std::string(3 * kRing, 'x'));
  EXPECT_TRUE(RunUntil(*loop_, [&] {
    Write(".");
    return !screen_.parked();
  }));
}

TEST_F(LiveScreenTest, AProgramThatStartsHasACleanScreen) {
  Write("\033[?1049hold");
  screen_.OnStart(kSize);
  EXPECT_EQ(Shown(), "");
  EXPECT_THAT(screen_.Take(kSize).paint, Not(HasSubstr("\033[?1049h")));
  Write("new");
  EXPECT_EQ(Shown(), "new\n");
}

TEST_F(LiveScreenTest, ASequenceThatIsntWholeIsLeftToTheStream) {
  Write("text\033[3");
  EXPECT_EQ(screen_.Take(kSize).from, 4U);
  Write("1mred");
  EXPECT_EQ(screen_.Take(kSize).from, ring_.end());
  EXPECT_EQ(Shown(), "textred\n");
}

TEST_F(LiveScreenTest, WhatWasWrittenBeforeAResizeIsOfTheOldSize) {
  Write("\033[999;999Ha");
  screen_.OnResize({30, 100});
  Write("\r\nb");
  EXPECT_EQ(Shown({30, 100}), absl::StrCat(std::string(23, '\n'),
                                           std::string(79, ' '), "a\nb\n"));
}

TEST_F(LiveScreenTest, ASizeBeforeTheFirstOutputCounts) {
  (void)screen_.Take({10, 40});
  screen_.OnResize({50, 100});
  Write("\033[40;1Hrow 40");
  EXPECT_EQ(Shown({50, 100}), std::string(39, '\n') + "row 40\n");
}

// Somebody's word is not worth all memory.
TEST_F(LiveScreenTest, OfATerminalLargerThanAnyItHasAPart) {
  screen_.OnResize({65535, 65535});
  Write("\033[2J\033[1;1Hhere");
  EXPECT_FALSE(screen_.exact());
  EXPECT_LT(screen_.Take({65535, 65535}).paint.size(), 10000U);
  screen_.OnStart({65535, 1});
  Write("here");
  EXPECT_THAT(screen_.Take({24, 80}).paint, HasSubstr("h"));
}

TEST_F(LiveScreenTest, ASmallerTerminalGetsWhatFits) {
  Write("\033[24;70Hfar\033[2;2Hnear");
  EXPECT_EQ(Shown({10, 40}), "\n near\n");
}

TEST_F(LiveScreenTest, ParkedItIsTheSameAndCostsLittle) {
  Write("\033[2J\033[5;5Hparked\033[1;31m");
  EXPECT_TRUE(screen_.parked());
  EXPECT_TRUE(IsQuiet(*loop_)) << "nobody has asked";
  const std::string before = screen_.Take(kSize).paint;
  EXPECT_FALSE(screen_.parked());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return screen_.parked(); }));
  EXPECT_EQ(screen_.Take(kSize).paint, before);
  EXPECT_TRUE(screen_.parked()) << "taking it didn't need the model";
  EXPECT_TRUE(IsQuiet(*loop_));
  Write("\033[6;5Hmore");
  EXPECT_THAT(Shown(), AllOf(HasSubstr("parked"), HasSubstr("more")));
}

TEST_F(LiveScreenTest, WhoWritesMuchHasAModelBeforeSomebodyAsks) {
  for (int i = 0; i < 500; ++i) Write(absl::StrCat("line ", i, "\r\n"));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_TRUE(screen_.parked());
  for (int i = 0; i < 2500; ++i) Write(absl::StrCat("line ", i, "\r\n"));
  EXPECT_TRUE(RunUntil(*loop_, [&] { return !screen_.parked(); }));
  EXPECT_THAT(Shown(), HasSubstr("line 2499"));
  EXPECT_TRUE(screen_.exact());
}

// --- no turn is long

constexpr WindowSize kLarge{135, 480};
// Each fills all cells.
std::string Acts(int count) {
  std::string acts;
  for (int i = 0; i < count; ++i) acts += "\033#8";
  return acts;
}
// The longest that anybody waits, in the model's units: some milliseconds.
constexpr uint64_t kMostWaited = 500'000;

class CostlyTest : public LiveScreenTest {
 protected:
  CostlyTest() { screen_.OnStart(kLarge); }
};

// The stream goes on from where the model is, with the modes of there.
TEST_F(CostlyTest, APictureIsOfWhatTheModelHasByThen) {
  Write(absl::StrCat("\033[?1h", Acts(200), "\033[?2004h\033[2J\033[Hdone"));
  const LiveScreen::Picture picture = screen_.Take(kLarge);
  EXPECT_LT(screen_.work(), kMostWaited);
  EXPECT_FALSE(picture.exact);
  EXPECT_LT(picture.from, ring_.end());
  EXPECT_THAT(picture.paint, AllOf(HasSubstr("\033[?1h"), HasSubstr("EEEE"),
                                   Not(HasSubstr("\033[?2004h"))));
  EXPECT_EQ(Shown(kLarge), "done\n");
}

TEST_F(CostlyTest, WhoAsksAgainGetsMoreAndInTheEndAll) {
  Write(Acts(50));
  const uint64_t first = screen_.Take(kLarge).from;
  EXPECT_TRUE(
      RunUntil(*loop_, [&] { return screen_.Take(kLarge).from > first; }));
  EXPECT_TRUE(RunUntil(*loop_, [&] { return screen_.Take(kLarge).exact; }));
  EXPECT_EQ(screen_.Take(kLarge).from, ring_.end());
}

TEST_F(CostlyTest, ManyThatAskAtOnceCostLittleMoreThanOne) {
  Write(Acts(2000));
  (void)screen_.Take(kLarge);
  const Clock::time_point start = Clock::now();
  const uint64_t before = screen_.work();
  constexpr int kTimes = 10;
  for (int i = 0; i < kTimes; ++i) {
    EXPECT_FALSE(screen_.Take(kLarge).paint.empty());
    (void)screen_.Take({134, 480});
  }
  // A slice ends with an act on all cells; and in every moment one is hurried.
  const auto moments = static_cast<uint64_t>((Clock::now() - start) /
                                             std::chrono::milliseconds(20));
  EXPECT_LT(screen_.work() - before,
            (moments + 1) * kMostWaited + kTimes * uint64_t{100'000});
}

TEST_F(CostlyTest, ItCatchesUpInIdleTimeOnceSomebodyAsked) {
  Write(Acts(50));
  EXPECT_TRUE(IsQuiet(*loop_)) << "nobody has asked";
  (void)screen_.Take(kLarge);
  const uint64_t before = screen_.work();
  EXPECT_TRUE(
      RunUntil(*loop_, [&] { return screen_.work() > before + 1'000'000; }));
}

TEST_F(CostlyTest, ASizeDoesNotWaitForWhatWasWritten) {
  Write(Acts(200));
  screen_.OnResize({134, 480});
  EXPECT_LT(screen_.work(), kMostWaited);
  EXPECT_FALSE(screen_.exact());
  Write("\033[2J\033[Hdone");
  EXPECT_TRUE(screen_.exact());
  EXPECT_EQ(Shown({134, 480}), "done\n");
}

// Three bytes in a sequence that never ends.
TEST_F(CostlyTest, ASequenceThatNeverEndsIsNotWaitedFor) {
  Write("\033[135;1H\033[" + std::string(10'000, '\n'));
  EXPECT_EQ(screen_.Take(kLarge).from, 8U) << "the stream has it";
  EXPECT_LT(screen_.work(), kMostWaited);
  Write(std::string(60'000, '\n') + "H\033[2J\033[Hdone");
  EXPECT_LT(screen_.work(), kMostWaited);
  EXPECT_EQ(Shown(kLarge), "done\n");
}

TEST_F(CostlyTest, APictureOfABygoneProgramIsOfItsEnd) {
  const std::string painted =
      PaintingOf(Acts(50'000) + "\033[2J\033[Hend", kLarge);
  EXPECT_THAT(painted, HasSubstr("end"));
  EXPECT_THAT(PaintingOf(Acts(50'000), kLarge), HasSubstr("EEEE"));
}

// The screen of another head, which wrote the same ring.
class ResumeTest : public LiveScreenTest {
 protected:
  ResumeTest() {
    ring_.Begin({});
    RingState& state = ring_.state();
    state.rows = kSize.rows;
    state.cols = kSize.cols;
  }
  std::string ShownBy(LiveScreen& screen) {
    const LiveScreen::Picture picture = screen.Take(kSize);
    Screen terminal(kSize);
    terminal.Write(picture.paint);
    terminal.Write(ring_.From(picture.from));
    return Text(terminal);
  }
  // Longer than the ring, and only in one row.
  void Lap() {
    for (int i = 0; i < 2000; ++i) {
      Write(absl::StrCat("\033[20;1Hline ", i, std::string(60, '.')));
    }
    ring_.RecordModes(screen_.modes_offset(), screen_.Modes());
  }
  // The same, but the model keeps up and is parked with its picture.
  void ResumeParkedPastTheRing() {
    for (int i = 0; i < 1000; ++i) {
      Write(absl::StrCat("\033[20;1Hline ", i, std::string(90, '.')));
      (void)screen_.Take(kSize);
    }
    ASSERT_GT(ring_.begin(), 1000u);
    const auto parked = screen_.Park();
    ASSERT_TRUE(parked);
    ASSERT_TRUE(parked->paint);
    next_.Resume(kSize, *parked);
  }

  void ClearAndSayNew() {
    const std::span<char> room = ring_.Space(100);
    ring_.Commit(absl::string_view(".\033[2J\033[Hnew").copy(room.data(), 100));
    next_.OnOutput();
  }

  LiveScreen next_{*loop_, ring_};
};

TEST_F(ResumeTest, FromTheRingItIsTheSame) {
  Write("hello\033[5;5H\033[1mworld\033[?1h\033]2;title\007\xc3");
  EXPECT_FALSE(screen_.Park()) << "the ring has it";
  next_.Resume(kSize);
  EXPECT_EQ(next_.Take(kSize).paint, screen_.Take(kSize).paint);
  EXPECT_TRUE(next_.exact());
  EXPECT_EQ(next_.title(), "title");
  EXPECT_EQ(next_.Modes(), screen_.Modes());
  EXPECT_EQ(next_.modes_offset(), screen_.modes_offset());
}

TEST_F(ResumeTest, LappedItKnowsTheModesAndIsInexactUntilAllIsCleared) {
  Write("old\033[?1h\033[?2004h\033]2;title\007\033[?1049h");
  Lap();
  next_.Resume(kSize);
  EXPECT_FALSE(next_.exact());
  EXPECT_EQ(next_.Modes(), screen_.Modes());
  EXPECT_THAT(ShownBy(next_), HasSubstr("line 1999"));
  ClearAndSayNew();
  EXPECT_TRUE(next_.exact());
  EXPECT_THAT(ShownBy(next_), testing::StartsWith("new"));
}

TEST_F(ResumeTest, ParkedWithoutItsPictureItHasTheText) {
  Write("\033[7;7Hpaint\033Pq~\033\\");
  ASSERT_NO_FATAL_FAILURE(ResumeParkedPastTheRing());
  EXPECT_FALSE(next_.exact());
  EXPECT_THAT(ShownBy(next_), HasSubstr("paint"));
  ClearAndSayNew();
  EXPECT_TRUE(next_.exact());
}

TEST_F(ResumeTest, LappedAndParkedItIsTheSame) {
  Write("old\033[?1h\033[?2004h\033]2;title\007\033[?1049h");
  Lap();
  const auto parked = screen_.Park();
  ASSERT_TRUE(parked);
  EXPECT_FALSE(parked->paint);
  next_.Resume(kSize, *parked);
  EXPECT_FALSE(next_.exact());
  EXPECT_EQ(next_.Modes(), screen_.Modes());
  EXPECT_THAT(ShownBy(next_), HasSubstr("line 1999"));
  EXPECT_FALSE(next_.exact());
  ClearAndSayNew();
  EXPECT_TRUE(next_.exact());
  EXPECT_THAT(ShownBy(next_), testing::StartsWith("new"));
}

TEST_F(ResumeTest, ParkedItIsExactThoughTheRingHasOnlyTheEnd) {
  Write("old\033[?1h\033]2;title\007\033[7;7H\033[31mpaint");
  RunIdleWork();
  ASSERT_NO_FATAL_FAILURE(ResumeParkedPastTheRing());
  EXPECT_TRUE(next_.exact());
  EXPECT_EQ(ShownBy(next_), Shown());
  EXPECT_THAT(ShownBy(next_), HasSubstr("paint"));
  EXPECT_EQ(next_.Modes(), screen_.Modes());
  EXPECT_EQ(next_.title(), "title");
}

// Asked for in the middle of a flood, it began anew, though the ring has all;
// and the ring has another program's output, too.
TEST_F(ResumeTest, AParkedApproximationIsOfThisProgramOnly) {
  Write("the one before");
  ring_.Begin({});
  screen_.OnStart(kSize);
  Write("\r\n");
  screen_.OnResize({2000, 2000});  // more than is modelled: never exact
  Write(std::string(20000, '\r'));
  const auto parked = screen_.Park();
  ASSERT_TRUE(parked);
  ASSERT_FALSE(parked->paint);
  ASSERT_EQ(ring_.begin(), 0U);
  next_.Resume(kSize, *parked);
  EXPECT_THAT(ShownBy(next_), Not(HasSubstr("before")));
}

// To write what was parked to a model may take long, too.
TEST_F(ResumeTest, AParkedScreenIsShownBeforeThereIsAModel) {
  screen_.OnResize(kLarge);
  const auto shown = [&] {
    return RunUntil(*loop_, [&] {
      const LiveScreen::Picture picture = screen_.Take(kLarge);
      return picture.exact && picture.from == ring_.end();
    });
  };
  std::string rich;
  for (int i = 0; i < kLarge.rows * kLarge.cols; ++i) {
    absl::StrAppend(&rich, "\033[38;2;", i % 200, ";1;2mx");
    if (i % 1000 == 0) {
      Write(rich);
      rich.clear();
      ASSERT_TRUE(shown());
    }
  }
  Write(rich + "\033[m\033[Hparked");
  ASSERT_TRUE(shown());
  ring_.state().resized = 1;
  const auto parked = screen_.Park();
  ASSERT_TRUE(parked && parked->paint);
  ASSERT_GT(parked->paint->size(), 1'000'000U);
  next_.Resume(kLarge, *parked);
  ring_.Commit(
      absl::string_view("\033[2;2Hmore").copy(ring_.Space(9).data(), 10));
  next_.OnOutput();
  const LiveScreen::Picture picture = next_.Take(kLarge);
  EXPECT_LT(next_.work(), 500'000U);
  Screen terminal(kLarge);
  terminal.Write(picture.paint);
  terminal.Write(ring_.From(picture.from));
  EXPECT_THAT(Text(terminal),
              AllOf(testing::StartsWith("parked"), HasSubstr("xmorex")));
  EXPECT_TRUE(RunUntil(*loop_, [&] { return next_.Take(kLarge).exact; }));
}

TEST_F(ResumeTest, ASizeThatChangedIsParked) {
  Write("wide text");
  screen_.OnResize({24, 40});
  ring_.state().resized = ring_.end();
  Write("\033[3;3Hmore");
  const auto parked = screen_.Park();
  ASSERT_TRUE(parked);
  next_.Resume({24, 40}, *parked);
  EXPECT_EQ(next_.Take({24, 40}).paint, screen_.Take({24, 40}).paint);
  EXPECT_TRUE(next_.exact());
}

}  // namespace
}  // namespace deptyr
