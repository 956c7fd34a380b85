// A terminal takes its size from its clients, and changes it only so often.
#include "lib/session/sizing.h"

#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "tests/support/fake_client.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class SizingTest : public testing::Test {
 protected:
  SizingTest() {
    small_.SetSize({10, 100});
    large_.SetSize({50, 60});
    for (FakeClient* client : {&script_, &small_, &large_}) {
      audience_.Add(*client);
    }
  }
  // The size that a terminal of 24x80 gets.
  WindowSize Under(SizePolicy policy, const SessionClient* leader) {
    Sizing sizing(*loop_, ring_, audience_, policy);
    sizing.Set({24, 80});
    if (leader != nullptr) audience_.Lead(*leader);
    (void)sizing.Apply([] {});
    if (leader != nullptr) audience_.StopLeading(*leader);
    return sizing.size();
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Ring ring_ = Value(Ring::Create(64 << 10));
  FakeClient script_{1};  // it has no terminal
  FakeClient small_{2};
  FakeClient large_{3};
  Audience audience_{*loop_, ring_, WhenBehind::kSkip, [] {}};
};

TEST_F(SizingTest, ThePolicySaysWhose) {
  EXPECT_EQ(Under(SizePolicy::kFixed, &small_), (WindowSize{24, 80}));
  EXPECT_EQ(Under(SizePolicy::kLatest, &small_), (WindowSize{10, 100}));
  EXPECT_EQ(Under(SizePolicy::kLatest, &script_), (WindowSize{50, 60}));
  EXPECT_EQ(Under(SizePolicy::kLatest, nullptr), (WindowSize{50, 60}));
  EXPECT_EQ(Under(SizePolicy::kSmallest, nullptr), (WindowSize{10, 60}));
  EXPECT_EQ(Under(SizePolicy::kLargest, nullptr), (WindowSize{50, 100}));
}

TEST_F(SizingTest, ASessionMayHaveAPolicyOfItsOwn) {
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  sizing.SetOwnPolicy(SizePolicy::kSmallest);
  EXPECT_EQ(Under(SizePolicy::kFixed, &small_), (WindowSize{10, 60}));
  sizing.SetOwnPolicy(SizePolicy::kFixed);
  EXPECT_EQ(sizing.policy(), SizePolicy::kFixed);
  EXPECT_EQ(sizing.Decider(), nullptr);
  sizing.SetOwnPolicy(std::nullopt);
  EXPECT_EQ(sizing.policy(), SizePolicy::kLatest);
  EXPECT_EQ(sizing.Decider(), &large_);
  ring_.state().size_policy = 5;
  EXPECT_EQ(sizing.policy(), SizePolicy::kLatest) << "a ring may say anything";
}

TEST_F(SizingTest, WithoutASizeItStaysAsItIs) {
  audience_.Remove(small_);
  audience_.Remove(large_);
  EXPECT_EQ(Under(SizePolicy::kSmallest, &script_), (WindowSize{24, 80}));
  EXPECT_EQ(Under(SizePolicy::kLatest, &script_), (WindowSize{24, 80}));
}

TEST_F(SizingTest, TheRingRemembersIt) {
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  sizing.Set({24, 80});
  ring_.Begin({.rows = 24, .cols = 80});
  EXPECT_TRUE(ring_.history_makes_screen());
  ring_.Commit(ring_.Space(10).size());
  audience_.Lead(small_);
  ASSERT_TRUE(sizing.Apply([] {}));
  EXPECT_FALSE(ring_.history_makes_screen());
  EXPECT_EQ(ring_.latest().rows, 10);
  Sizing next(*loop_, ring_, audience_, SizePolicy::kLatest);
  next.Resume(/*terminal=*/-1);
  EXPECT_EQ(next.size(), (WindowSize{10, 100}));
}

TEST_F(SizingTest, TheTerminalRemembersItsPixels) {
  const Pty pty = Value(OpenPty({25, 80, 800, 600}));
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  sizing.Set({24, 80});
  Sizing next(*loop_, ring_, audience_, SizePolicy::kLatest);
  next.Resume(pty.controller.get());
  EXPECT_EQ(next.size(), (WindowSize{24, 80, 800, 600}));
}

TEST_F(SizingTest, PixelsComeFromWhoseRowsAndColumnsItHas) {
  small_.SetSize({10, 100, 1000, 200});
  large_.SetSize({50, 60, 480, 800});
  EXPECT_EQ(Under(SizePolicy::kLatest, &small_),
            (WindowSize{10, 100, 1000, 200}));
  EXPECT_EQ(Under(SizePolicy::kSmallest, nullptr),
            (WindowSize{10, 60, 480, 200}));
  EXPECT_EQ(Under(SizePolicy::kLargest, nullptr),
            (WindowSize{50, 100, 1000, 800}));
}

TEST_F(SizingTest, OtherPixelsAreAnotherSizeOfTheSameCells) {
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  sizing.Set({10, 100});
  ring_.Begin({.rows = 10, .cols = 100});
  ring_.Commit(ring_.Space(10).size());
  small_.SetSize({10, 100, 1000, 200});
  audience_.Lead(small_);
  EXPECT_TRUE(sizing.Apply([] {}));
  EXPECT_TRUE(ring_.history_makes_screen());
}

TEST_F(SizingTest, OfAStormAFewAreAppliedAndThenTheLast) {
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  int applied = 0;
  const auto apply = [&](auto again) -> void {
    applied += sizing.Apply([again] { again(again); });
  };
  for (uint16_t rows = 100; rows < 200; ++rows) {
    large_.SetSize({rows, 80});
    apply(apply);
  }
  EXPECT_EQ(applied, 4);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return sizing.size().rows == 199; }));
  EXPECT_EQ(applied, 5);
}

TEST_F(SizingTest, AfterAStormThatWasEndedTheNextIsAppliedAtOnce) {
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  for (uint16_t rows = 100; rows < 200; ++rows) {
    large_.SetSize({rows, 80});
    (void)sizing.Apply([] {});
  }
  sizing.EndStorm();
  EXPECT_TRUE(sizing.Apply([] {}));
  EXPECT_EQ(sizing.size().rows, 199);
}

TEST_F(SizingTest, ARepaintIsAnotherSizeAndThenTheRightOne) {
  const Pty pty = Value(OpenPty({24, 80}));
  const auto size = [&] { return Value(GetWindowSize(pty.terminal.get())); };
  Sizing sizing(*loop_, ring_, audience_, SizePolicy::kLatest);
  sizing.Set({24, 80});
  sizing.Repaint(pty.controller.get());
  EXPECT_EQ(size(), (WindowSize{25, 80}));
  EXPECT_TRUE(RunUntil(*loop_, [&] { return size() == WindowSize{24, 80}; }));
}

}  // namespace
}  // namespace deptyr
