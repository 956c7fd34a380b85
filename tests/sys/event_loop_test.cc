#include "lib/sys/event_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventLoopTest : public testing::Test {
 protected:
  void RunOnce() {
    const Timer guard =
        loop_->After(kDeadline, [] { FAIL() << "no event came"; });
    ASSERT_THAT(loop_->RunOnce(), IsOk());
  }

  // Runs one turn that ends at once, whatever else is ready: an event that
  // isn't reported in it isn't reported at all.
  void RunOnceWithAnEvent() {
    const Pipe pipe;
    (void)WriteSome(pipe.write_end.get(), "x");
    bool told = false;
    const Watch watch = loop_->Add(pipe.read_end.get(), Interest::kRead,
                                   [&](Ready) { told = true; });
    RunOnce();
    EXPECT_TRUE(told);
  }

  // Acts again if the machine stood still meanwhile, because the loop goes by
  // the clock.
  static void UnlessItTookLong(absl::FunctionRef<void()> act) {
    Clock::time_point start;
    do {
      start = Clock::now();
      act();
    } while (Clock::now() - start > std::chrono::milliseconds(5));
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
};

void Drain(int fd) {
  std::array<char, 4096> room{};
  (void)ReadSome(fd, room);
}

TEST_F(EventLoopTest, TellsWhatIsReady) {
  const Pipe pipe;
  std::string said;
  const Watch reading =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready ready) {
        absl::StrAppend(&said, "r", ready.readable, ready.writable,
                        ready.hangup);
      });
  const Watch writing =
      loop_->Add(pipe.write_end.get(), Interest::kWrite, [&](Ready ready) {
        absl::StrAppend(&said, "w", ready.readable, ready.writable,
                        ready.hangup);
      });
  RunOnce();
  EXPECT_EQ(said, "w010");
}

// A read would report the end and a write the error, so both are due.
TEST_F(EventLoopTest, AHandlerLearnsWhetherItIsTheOnlyOne) {
  const Pipe first;
  const Pipe second;
  std::vector<bool> alone;
  const auto note = [&](Ready) { alone.push_back(loop_->Alone()); };
  const Watch watch1 = loop_->Add(first.read_end.get(), Interest::kRead, note);
  const Watch watch2 = loop_->Add(second.read_end.get(), Interest::kRead, note);
  (void)WriteSome(first.write_end.get(), "x");
  RunOnce();
  EXPECT_THAT(alone, ElementsAre(true));
  (void)WriteSome(second.write_end.get(), "x");
  RunOnce();
  EXPECT_THAT(alone, ElementsAre(true, false, false));
}

// Other events are served soon, however many floods there are.
TEST_F(EventLoopTest, BetweenTwoFloodsEverythingElseIsServed) {
  const std::array<Pipe, 3> floods;
  const Pipe quiet;
  std::string order;
  std::vector<Watch> watches;
  watches.push_back(
      loop_->Add(quiet.read_end.get(), Interest::kRead, [&](Ready) {
        Drain(quiet.read_end.get());
        order += "quiet ";
      }));
  for (const Pipe& flood : floods) {
    (void)WriteSome(flood.write_end.get(), "x");
    watches.push_back(
        loop_->Add(flood.read_end.get(), Interest::kRead, [&](Ready) {
          const Clock::time_point start = Clock::now();
          while (Clock::now() - start < std::chrono::microseconds(50)) {
          }
          if (order.empty()) (void)WriteSome(quiet.write_end.get(), "x");
          order += "flood ";
        }));
    watches.back().SetFlood(true);
  }
  RunOnce();
  EXPECT_EQ(order, "flood quiet flood flood ");
}

TEST_F(EventLoopTest, AFloodLearnsThatItIsAloneNoLonger) {
  const Pipe flood;
  const Pipe quiet;
  std::vector<bool> alone;
  Watch watch = loop_->Add(flood.read_end.get(), Interest::kRead, [&](Ready) {
    alone.push_back(loop_->Alone());
    (void)WriteSome(quiet.write_end.get(), "x");
    alone.push_back(loop_->Alone());
  });
  watch.SetFlood(true);
  const Watch other = loop_->Add(quiet.read_end.get(), Interest::kRead,
                                 [&](Ready) { Drain(quiet.read_end.get()); });
  (void)WriteSome(flood.write_end.get(), "x");
  RunOnce();
  EXPECT_THAT(alone, ElementsAre(true, false));
}

TEST_F(EventLoopTest, AFloodIsWatchedLikeAnyOther) {
  Pipe pipe;
  int told = 0;
  Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) { ++told; });
  watch.SetFlood(true);
  EXPECT_TRUE(IsQuiet(*loop_));
  (void)WriteSome(pipe.write_end.get(), "x");
  RunOnce();
  EXPECT_EQ(told, 1);
  watch.SetFlood(false);
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 2);
  watch.Set(Interest::kNone);
  watch.SetFlood(true);
  pipe.write_end.Reset();
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 2);
  watch.Set(Interest::kRead);
  RunOnce();
  EXPECT_EQ(told, 3);
  watch.Reset();
  EXPECT_TRUE(IsQuiet(*loop_));
}

TEST_F(EventLoopTest, AHangupIsReadableAndWritable) {
  Pipe pipe;
  pipe.write_end.Reset();
  Ready told;
  const Watch watch = loop_->Add(pipe.read_end.get(), Interest::kRead,
                                 [&](Ready ready) { told = ready; });
  RunOnce();
  EXPECT_TRUE(told.hangup && told.readable && told.writable);
}

TEST_F(EventLoopTest, TellsAgainUntilItWasRead) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  int told = 0;
  const Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) { ++told; });
  RunOnceWithAnEvent();
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 2);
  Drain(pipe.read_end.get());
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 2);
}

TEST_F(EventLoopTest, InterestCanChange) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  int told = 0;
  Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kNone, [&](Ready) { ++told; });
  for (const auto& [interest, tells] :
       std::vector<std::pair<Interest, int>>{{Interest::kNone, 0},
                                             {Interest::kRead, 1},
                                             {Interest::kNone, 1},
                                             {Interest::kHangup, 1},
                                             {Interest::kReadWrite, 2},
                                             {Interest::kWrite, 2},
                                             {Interest::kRead, 3}}) {
    watch.Set(interest);
    RunOnceWithAnEvent();
    EXPECT_EQ(told, tells) << static_cast<int>(interest);
  }
}

TEST_F(EventLoopTest, AMovedWatchGoesOn) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  int told = 0;
  Watch first =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) { ++told; });
  Watch second = std::move(first);
  first.Reset();  // NOLINT(bugprone-use-after-move)
  RunOnce();
  EXPECT_EQ(told, 1);
}

// --- promise 1: a handler may destroy any watch

TEST_F(EventLoopTest, AHandlerMayDestroyItsOwnWatch) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  std::string said;
  Watch watch;
  // This is more than fits into the handler itself, so it is freed with it.
  const std::string captured(1000, 'x');
  watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&, captured](Ready) {
        watch.Reset();
        said = captured;
      });
  RunOnce();
  EXPECT_EQ(said, captured);
  said.clear();
  RunOnceWithAnEvent();
  EXPECT_EQ(said, "");
}

TEST_F(EventLoopTest, AHandlerMayReplaceItsOwnWatch) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  std::string said;
  Watch watch;
  const std::string captured(1000, 'x');
  watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&, captured](Ready) {
        watch = loop_->Add(pipe.read_end.get(), Interest::kRead,
                           [&](Ready) { said += "second"; });
        said += captured.substr(0, 1);
      });
  RunOnce();
  EXPECT_EQ(said, "x") << "it was registered too late for this turn";
  RunOnce();
  EXPECT_EQ(said, "xsecond");
}

TEST_F(EventLoopTest, NoEventReachesAWatchDestroyedInTheSameTurn) {
  const Pipe pipes[2];
  Watch watches[2];
  int told = 0;
  for (size_t i = 0; i < 2; ++i) {
    (void)WriteSome(pipes[i].write_end.get(), "x");
    watches[i] =
        loop_->Add(pipes[i].read_end.get(), Interest::kRead, [&, i](Ready) {
          ++told;
          watches[1 - i].Reset();
        });
  }
  RunOnce();
  EXPECT_EQ(told, 1) << "whichever was first";
}

// The event was fetched for a descriptor that is closed before its turn comes;
// the next one opened has its number.
TEST_F(EventLoopTest, NoEventReachesADescriptorThatGotAClosedOnesNumber) {
  Pipe pipes[2];
  Pipe quiet;
  Watch watches[2];
  Watch heir;
  std::string said;
  for (size_t i = 0; i < 2; ++i) {
    (void)WriteSome(pipes[i].write_end.get(), "x");
    watches[i] =
        loop_->Add(pipes[i].read_end.get(), Interest::kRead, [&, i](Ready) {
          said += "told";
          Fd& other = pipes[1 - i].read_end;
          watches[1 - i].Reset();
          // dup3() closes and takes the number in one step.
          ASSERT_EQ(::dup3(quiet.read_end.get(), other.get(), O_CLOEXEC),
                    other.get());
          heir = loop_->Add(other.get(), Interest::kRead,
                            [&](Ready) { said += " a stranger's event"; });
        });
  }
  RunOnce();
  EXPECT_EQ(said, "told");
  watches[0].Reset();
  watches[1].Reset();
  (void)WriteSome(quiet.write_end.get(), "x");
  RunOnce();
  EXPECT_EQ(said, "told a stranger's event") << "its own, in fact";
}

TEST_F(EventLoopTest, AHandlerMayAddMany) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  std::vector<Watch> watches;
  int told = 0;
  const Watch first =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) {
        Drain(pipe.read_end.get());
        for (int i = 0; i < 1000; ++i) {
          watches.push_back(loop_->Add(pipe.write_end.get(), Interest::kNone,
                                       [&](Ready) { ++told; }));
        }
        watches.back().Set(Interest::kWrite);
      });
  RunOnce();
  RunOnce();
  EXPECT_EQ(told, 1);
}

TEST_F(EventLoopTest, MoreEventsThanOneTurnTakesAllComeInTheEnd) {
  constexpr size_t kMany = 300;
  std::vector<Pipe> pipes(kMany);
  std::vector<Watch> watches;
  size_t told = 0;
  for (const Pipe& pipe : pipes) {
    (void)WriteSome(pipe.write_end.get(), "x");
    watches.push_back(
        loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) {
          Drain(pipe.read_end.get());
          ++told;
        }));
  }
  ASSERT_TRUE(RunUntil(*loop_, [&] { return told == kMany; }));
}

// --- promise 2: Interest::kNone is silent

TEST_F(EventLoopTest, WithoutInterestEvenAHangupIsSilent) {
  Pty pty = Value(OpenPty({}));
  (void)WriteSome(pty.terminal.get(), "last words");
  pty.terminal.Reset();
  int told = 0;
  Watch watch =
      loop_->Add(pty.controller.get(), Interest::kRead, [&](Ready) { ++told; });
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 1);
  watch.Set(Interest::kNone);
  RunOnceWithAnEvent();
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 1);
  watch.Set(Interest::kRead);
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 2);
  std::array<char, 100> room{};
  const IoResult got = ReadSome(pty.controller.get(), room);
  EXPECT_EQ(absl::string_view(room.data(), got.bytes), "last words");
}

TEST_F(EventLoopTest, InterestInAHangupAloneHearsNothingElse) {
  Pipe pipe;
  std::string said;
  const Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kHangup,
                 [&](Ready ready) { said += ready.hangup ? "hangup" : "?"; });
  (void)WriteSome(pipe.write_end.get(), "x");
  RunOnceWithAnEvent();
  EXPECT_EQ(said, "");
  pipe.write_end.Reset();
  RunOnceWithAnEvent();
  EXPECT_EQ(said, "hangup");
}

TEST_F(EventLoopTest, EdgeInterestHearsOfEachChangeOnce) {
  Pty pty = Value(OpenPty({}));
  int told = 0;
  const Watch watch = loop_->Add(pty.controller.get(), Interest::kReadEdge,
                                 [&](Ready) { ++told; });
  std::array<char, 100> name{};
  ASSERT_EQ(::ttyname_r(pty.terminal.get(), name.data(), name.size()), 0);
  pty.terminal.Reset();
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 1);
  RunOnceWithAnEvent();
  RunOnceWithAnEvent();
  EXPECT_EQ(told, 1) << "hung up still, but that is known";
  // Somebody opens the terminal again, by its name, and writes.
  const Fd again(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(again.valid());
  (void)WriteSome(again.get(), "x");
  EXPECT_TRUE(RunUntil(*loop_, [&] { return told > 1; }));
}

TEST_F(EventLoopTest, EdgeInterestCanAskForRoomToo) {
  Pty pty = Value(OpenPty({}));
  pty.terminal.Reset();
  std::string said;
  Watch watch =
      loop_->Add(pty.controller.get(), Interest::kReadEdge,
                 [&](Ready ready) { said += ready.writable ? "w" : "r"; });
  RunOnceWithAnEvent();
  said.clear();
  watch.Set(Interest::kReadWriteEdge);  // asking anew tells anew
  RunOnceWithAnEvent();
  EXPECT_EQ(said, "w");
}

// --- promise 3: no ticks

// How often a process has waited so far.
long TimesWaited(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "voluntary_ctxt_switches:")) {
      return std::stol(line.substr(line.find(':') + 1));
    }
  }
  return -1;
}

TEST_F(EventLoopTest, WithoutEventsAndDeadlinesItSleeps) {
  Pty pty = Value(OpenPty({}));
  pty.terminal.Reset();
  Program child = Program::Fork(
      [&]() -> int {
        const auto loop = Value(EventLoop::Create());
        // These could keep it busy: a hang-up told once, one not asked for, and
        // timers that are no more.
        const Watch edge =
            loop->Add(pty.controller.get(), Interest::kReadEdge, [](Ready) {});
        Timer timer = loop->After(absl::Hours(1), [] {});
        timer.Reset();
        for (;;) (void)loop->RunOnce();
      },
      {.keep = {pty.controller.get()}});
  ASSERT_TRUE(WaitFor([&] { return child.Sleeps(); }));
  const long before = TimesWaited(child.pid());
  // Nothing should happen, so all we can do is wait for a while.
  EXPECT_EQ(WaitForEvents(child.pidfd(), POLLIN, absl::Milliseconds(300)), 0);
  EXPECT_LE(TimesWaited(child.pid()), before + 1);
}

TEST_F(EventLoopTest, TheWatchdogLetsItSleepToo) {
  const Pipe work;
  const Pipe done;
  Program child = Program::Fork(
      [&]() -> int {
        const auto loop = Value(EventLoop::Create());
        if (!loop->StartWatchdog().ok()) return 1;
        const Watch watch =
            loop->Add(work.read_end.get(), Interest::kRead, [&](Ready) {
              Drain(work.read_end.get());
              (void)WriteSome(done.write_end.get(), "x");
            });
        for (;;) (void)loop->RunOnce();
      },
      {.keep = {work.read_end.get(), done.write_end.get()}});
  (void)WriteSome(work.write_end.get(), "x");  // this arms it
  ASSERT_NE(WaitForEvents(done.read_end.get(), POLLIN), 0);
  const long before = TimesWaited(child.pid());
  // Nothing should happen except that it is disarmed, so wait for a while.
  EXPECT_EQ(WaitForEvents(child.pidfd(), POLLIN, absl::Milliseconds(300)), 0);
  EXPECT_LE(TimesWaited(child.pid()), before + 3);
}

TEST_F(EventLoopTest, AHandlerThatWaitsIsBrokenOff) {
  ASSERT_THAT(loop_->StartWatchdog(), IsOk());
  const Pipe silent;
  ssize_t got = 0;
  int error = 0;
  const Timer timer = loop_->After(absl::ZeroDuration(), [&] {
    char byte = 0;
    got = ::read(silent.read_end.get(), &byte, 1);
    error = errno;
  });
  RunOnce();
  EXPECT_EQ(got, -1);
  EXPECT_EQ(error, EINTR);
}

// --- timers

TEST_F(EventLoopTest, TimersFireInTheOrderOfTheirDeadlines) {
  std::string said;
  Timer a, b, c;
  UnlessItTookLong([&] {
    c = loop_->After(absl::Milliseconds(20), [&] { said += "c"; });
    a = loop_->After(absl::Milliseconds(1), [&] { said += "a"; });
    b = loop_->After(absl::Milliseconds(10), [&] { said += "b"; });
  });
  ASSERT_TRUE(RunUntil(*loop_, [&] { return said.size() == 3; }));
  EXPECT_EQ(said, "abc");
}

TEST_F(EventLoopTest, ATimerNeverFiresEarlyAndOnlyOnce) {
  int fired = 0;
  const auto start = Clock::now();
  const Timer timer = loop_->After(absl::Milliseconds(5), [&] {
    ++fired;
    EXPECT_GE(Clock::now() - start, std::chrono::milliseconds(5));
  });
  EXPECT_TRUE(timer.pending());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return fired > 0; }));
  EXPECT_FALSE(timer.pending());
  RunOnceWithAnEvent();
  EXPECT_EQ(fired, 1);
}

TEST_F(EventLoopTest, AResetTimerNeverFires) {
  bool fired = false;
  Timer timer = loop_->After(absl::ZeroDuration(), [&] { fired = true; });
  timer.Reset();
  EXPECT_FALSE(timer.pending());
  {
    const Timer gone =
        loop_->After(absl::ZeroDuration(), [&] { fired = true; });
  }
  RunOnceWithAnEvent();
  EXPECT_FALSE(fired);
}

TEST_F(EventLoopTest, ATimerMayCancelAnotherThatIsDueWithIt) {
  Timer timers[2];
  int fired = 0;
  for (size_t i = 0; i < 2; ++i) {
    timers[i] = loop_->After(absl::ZeroDuration(), [&, i] {
      ++fired;
      timers[1 - i].Reset();
    });
  }
  RunOnceWithAnEvent();
  EXPECT_EQ(fired, 1);
}

TEST_F(EventLoopTest, ATimerMayDestroyOrReplaceItself) {
  std::string said;
  const std::string captured(1000, 'x');
  Timer timer;
  timer = loop_->After(absl::ZeroDuration(), [&, captured] {
    timer = loop_->After(absl::ZeroDuration(), [&] { said += "b"; });
    said += captured.substr(0, 1);
  });
  ASSERT_TRUE(RunUntil(*loop_, [&] { return said.size() == 2; }));
  EXPECT_EQ(said, "xb");
}

TEST_F(EventLoopTest, AHandlerMayCancelATimerThatIsDue) {
  bool fired = false;
  Timer timer = loop_->After(absl::ZeroDuration(), [&] { fired = true; });
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  const Watch watch = loop_->Add(pipe.read_end.get(), Interest::kRead,
                                 [&](Ready) { timer.Reset(); });
  RunOnce();
  EXPECT_FALSE(fired);
}

TEST_F(EventLoopTest, ALongTurnLeavesTimersToTheNext) {
  const Pipe pipe;
  std::string said;
  const Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) {
        Drain(pipe.read_end.get());
        said += 'r';
      });
  const Timer slow = loop_->After(absl::ZeroDuration(), [&] {
    said += 's';
    while (!loop_->TurnIsLong()) {
    }
    (void)WriteSome(pipe.write_end.get(), "x");
  });
  const Timer late = loop_->After(absl::ZeroDuration(), [&] { said += 'l'; });
  while (said.size() < 3) RunOnce();
  EXPECT_EQ(said, "srl");
}

TEST_F(EventLoopTest, WhatALongTurnPutsOffMayBeDoneByATimer) {
  const Pipe pipe;
  bool was_long = false;
  std::optional<bool> is_long;
  const Watch watch =
      loop_->Add(pipe.read_end.get(), Interest::kRead, [&](Ready) {
        while (!loop_->TurnIsLong()) {
        }
        was_long = true;
      });
  const Timer put_off = loop_->After(absl::ZeroDuration(),
                                     [&] { is_long = loop_->TurnIsLong(); });
  (void)WriteSome(pipe.write_end.get(), "x");
  RunOnce();
  EXPECT_TRUE(was_long);
  EXPECT_THAT(is_long, testing::Optional(false));
}

TEST_F(EventLoopTest, AMovedTimerGoesOn) {
  bool fired = false;
  Timer first = loop_->After(absl::ZeroDuration(), [&] { fired = true; });
  const Timer second = std::move(first);
  first.Reset();  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(second.pending());
  ASSERT_TRUE(RunUntil(*loop_, [&] { return fired; }));
  EXPECT_FALSE(second.pending());
}

TEST_F(EventLoopTest, ATimerFarAwayDoesNotOverflow) {
  const Timer timer = loop_->After(absl::Hours(24 * 365), [] { FAIL(); });
  RunOnceWithAnEvent();
  EXPECT_TRUE(timer.pending());
}

// --- a kernel without memory

// A registration that the kernel refuses now is made later, by itself.
TEST_F(EventLoopTest, IdleWorkIsDoneAPieceATurnOldestFirst) {
  std::vector<int> done;
  const Timer first = loop_->WhenIdle([&] { done.push_back(1); });
  const Timer second = loop_->WhenIdle([&] { done.push_back(2); });
  ASSERT_THAT(loop_->RunOnce(), IsOk());
  EXPECT_THAT(done, ElementsAre(1));
  ASSERT_THAT(loop_->RunOnce(), IsOk());
  EXPECT_THAT(done, ElementsAre(1, 2));
  EXPECT_FALSE(second.pending());
}

TEST_F(EventLoopTest, IdleWorkNeverComesBeforeIO) {
  bool done = false;
  bool before_event = false;
  bool before_timer = false;
  Timer work;
  UnlessItTookLong([&] {
    done = false;
    work = loop_->WhenIdle([&] { done = true; });
    RunOnceWithAnEvent();
    before_event = done;
    const Timer due = loop_->After(absl::ZeroDuration(), [] {});
    ASSERT_THAT(loop_->RunOnce(), IsOk());
    before_timer = done;
  });
  EXPECT_FALSE(before_event);
  EXPECT_FALSE(before_timer);
  ASSERT_THAT(loop_->RunOnce(), IsOk());
  EXPECT_TRUE(done);
}

TEST_F(EventLoopTest, ALoopThatIsNeverIdleDoesSomeOfItAllTheSame) {
  const Pipe pipe;
  (void)WriteSome(pipe.write_end.get(), "x");
  const Watch busy = loop_->Add(pipe.read_end.get(), Interest::kRead,
                                [](Ready) {});  // always ready
  bool done = false;
  const Timer work = loop_->WhenIdle([&] { done = true; });
  EXPECT_TRUE(RunUntil(*loop_, [&] { return done; }));
}

TEST_F(EventLoopTest, IdleWorkMayBeCancelled) {
  bool done = false;
  {
    const Timer work = loop_->WhenIdle([&] { done = true; });
  }
  RunOnceWithAnEvent();
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_FALSE(done);
}

TEST_F(EventLoopTest, WhatIsDestroyedLaterLivesToTheEndOfTheTurn) {
  struct Tells {
    ~Tells() { *told = true; }
    bool* told;
  };
  bool told = false;
  const Timer timer = loop_->After(absl::ZeroDuration(), [&] {
    loop_->DestroyLater(std::unique_ptr<Tells>(new Tells{&told}));
    EXPECT_FALSE(told);
  });
  RunOnce();
  EXPECT_TRUE(told);
}

// The objects watch and wait themselves, and there is no next turn.
TEST_F(EventLoopTest, WhatIsDestroyedLaterGoesWithTheLoopAtLast) {
  const Pipe pipe;
  struct Waits {
    Watch watch;
    Timer timer;
  };
  auto loop = Value(EventLoop::Create());
  loop->DestroyLater(std::make_unique<Waits>(
      Waits{loop->Add(pipe.read_end.get(), Interest::kRead, [](Ready) {}),
            loop->After(absl::Seconds(100), [] {})}));
  loop.reset();
}

TEST_F(EventLoopTest, ARefusedRegistrationIsTriedAgain) {
  Pipe pipe;
  constexpr int kNumber = 700;  // not open yet
  bool told = false;
  const Watch watch =
      loop_->Add(kNumber, Interest::kRead, [&](Ready) { told = true; });
  (void)WriteSome(pipe.write_end.get(), "x");
  RunOnceWithAnEvent();
  EXPECT_FALSE(told);
  const Fd late(::fcntl(pipe.read_end.get(), F_DUPFD_CLOEXEC, kNumber));
  ASSERT_EQ(late.get(), kNumber);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return told; }));
}

TEST_F(EventLoopTest, ARefusedRegistrationMayBeGivenUp) {
  {
    const Watch watch = loop_->Add(-1, Interest::kRead, [](Ready) { FAIL(); });
    RunOnceWithAnEvent();
  }
  RunOnceWithAnEvent();
}

}  // namespace
}  // namespace deptyr
