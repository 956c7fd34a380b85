#include "lib/session/session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <list>
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
#include "tests/support/kernel.h"
#include "tests/support/program.h"
#include "tests/support/session_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tests/support/watcher.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kRing = 64 << 10;

// How an end reads, on a kernel that tells and on one that doesn't.
std::string Ended(const std::string& how) {
  return KernelTellsExitStatus() ? absl::StrCat("ended: ", how)
                                 : "ended (its supervisor knows how)";
}

std::string Numbers(int last) {
  std::string text;
  for (int i = 1; i <= last; ++i) absl::StrAppend(&text, i, "\n");
  return text;
}

std::vector<std::string> Shell(const std::string& script) {
  return {"sh", "-c", script};
}

void Say(int fd, absl::string_view text) {
  (void)!::write(fd, text.data(), text.size());
}

// Waits for a byte, or the end.
void Await(const Pipe& pipe) {
  char byte = 0;
  (void)!::read(pipe.read_end.get(), &byte, 1);
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() { (void)::signal(SIGPIPE, SIG_IGN); }

  bool Until(absl::FunctionRef<bool()> predicate) {
    return RunUntil(*loop_, predicate);
  }
  bool UntilEnd() {
    return Until([&] { return !session_.running(); });
  }
  bool UntilShown(absl::string_view text) {
    return Until([&] { return absl::StrContains(Shown(), text); });
  }

  // All that the ring has.
  absl::string_view Shown() const {
    return session_.ring().From(session_.ring().begin());
  }
  std::string State() const { return session_.State(); }

  SessionProgram& Run(const std::vector<std::string>& argv) {
    return Start(std::make_unique<SessionProgram>(*loop_, argv));
  }
  SessionProgram& Run(absl::FunctionRef<int()> main,
                      const std::vector<int>& keep = {}) {
    return Start(std::make_unique<SessionProgram>(*loop_, main, keep));
  }
  SessionProgram& Start(std::unique_ptr<SessionProgram> program) {
    programs_.push_back(std::move(program));
    session_.Start(programs_.back()->Registration());
    return *programs_.back();
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  int changes_ = 0;
  int resizes_ = 0;
  std::vector<std::unique_ptr<SessionProgram>> programs_;
  Session session_{*loop_,
                   "name",
                   ::getuid(),
                   Value(Ring::Create(kRing)),
                   SessionOptions{},
                   [this](Session&, Change change) {
                     changes_ += change.kind == Change::kStarted ||
                                 change.kind == Change::kEnded;
                     resizes_ += change.kind == Change::kResized;
                   }};
};

// --- a program's run

TEST_F(SessionTest, WithoutAProgramItSaysSo) {
  EXPECT_FALSE(session_.running());
  EXPECT_FALSE(session_.program().IsAlive());
  EXPECT_EQ(State(), "never started");
  EXPECT_EQ(session_.program().number(), 0u);
}

TEST_F(SessionTest, WhatAProgramWritesIsInTheRingAndThenItsEndIsTold) {
  const SessionProgram& program = Run(Shell("echo hello; exit 3"));
  EXPECT_TRUE(session_.running());
  EXPECT_EQ(State(), absl::StrCat("runs, pid ", program.pid()));
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Shown(), "hello\n");
  EXPECT_EQ(State(), Ended("exit status 3"));
  EXPECT_EQ(changes_, 2);
}

TEST_F(SessionTest, TheSignalThatKilledItIsTold) {
  Run(Shell("kill -KILL $$"));
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), Ended("signal 9 (Killed)"));
}

TEST_F(SessionTest, ProgramsComeAndGoAndTheStreamGoesOn) {
  for (uint64_t i = 1; i <= 20; ++i) {
    Run(Shell(absl::StrCat("echo ", i)));
    EXPECT_EQ(session_.program().number(), i);
    EXPECT_EQ(session_.ring().history_start(), session_.ring().end());
    ASSERT_TRUE(UntilEnd());
  }
  EXPECT_EQ(Shown(), Numbers(20));
}

TEST_F(SessionTest, ItIsAliveUntilItsEndEvenIfThatIsNotProcessedYet) {
  SessionProgram& program = Run(Shell("read line"));
  EXPECT_TRUE(session_.program().IsAlive());
  program.process().Signal(SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return program.process().HasEnded(); }));
  EXPECT_TRUE(session_.running());
  EXPECT_FALSE(session_.program().IsAlive());
}

TEST_F(SessionTest, AProgramThatCouldNotBeExecutedSaysWhy) {
  Run([] { return 127; });
  session_.program().ExecFailed("execute nope: No such file or directory");
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(),
            "could not be executed: execute nope: No such file or directory");
  Run(Shell("exit 0"));
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), Ended("exit status 0")) << "that was the one before";
}

// A supervisor that is stopped, or slow.  Nobody else can know how it ended.
TEST_F(SessionTest, AProgramNobodyReapsHasEndedAfterAWhile) {
  SessionProgram& program = Run(Shell("echo last; exit 3"));
  program.LeaveZombie();
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Shown(), "last\n");
  EXPECT_EQ(State(), "ended (its supervisor knows how)");
}

TEST_F(SessionTest, WhoKnowsHowAProgramEndedMayTellItOnce) {
  EXPECT_THAT(session_.TellStatus({.code = 3}),
              StatusIs(absl::StatusCode::kUnavailable, "no program has run"));
  SessionProgram& program = Run(Shell("read line; exit 3"));
  program.LeaveZombie();
  EXPECT_THAT(session_.TellStatus({.code = 3}),
              StatusIs(absl::StatusCode::kUnavailable, "its program runs"));
  program.process().Signal(SIGKILL);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), "ended (its supervisor knows how)");
  EXPECT_THAT(session_.TellStatus({.signal = 9}), IsOk());
  EXPECT_EQ(State(), "ended: signal 9 (Killed)");
  EXPECT_THAT(session_.TellStatus({.code = 4}), IsOk());
  EXPECT_EQ(State(), "ended: signal 9 (Killed)");
}

// Its supervisor was told before head was.
TEST_F(SessionTest, WhatIsToldBeforeTheEndIsProcessedCountsOnce) {
  SessionProgram& program = Run(Shell("read line"));
  program.LeaveZombie();
  program.process().Signal(SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return program.process().HasEnded(); }));
  EXPECT_THAT(session_.TellStatus({.code = 3}), IsOk());
  EXPECT_THAT(session_.TellStatus({.code = 4}), IsOk());
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), "ended: exit status 3");
}

TEST_F(SessionTest, AProgramWithoutItsTerminalIsToldOfToTheEnd) {
  Run(Shell("trap '' HUP; echo hello; while read line; do :; done; exit 3"));
  ASSERT_TRUE(UntilShown("hello"));
  Watcher watcher(*loop_);
  watcher.Join(session_);
  session_.LoseTerminal();
  EXPECT_THAT(State(), StartsWith("runs without its terminal, pid "));
  watcher.Type("lost\n");
  EXPECT_TRUE(watcher.typed_all());
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), Ended("exit status 3"));
  EXPECT_TRUE(Until([&] { return watcher.Heard(State()); }));
  EXPECT_EQ(watcher.text(), "hello\n");
}

// Nobody would ever take them: to write them would fail again and again.
TEST_F(SessionTest, KeysForATerminalThatIsLostAreDropped) {
  Run(Shell("trap '' HUP; echo runs; sleep 1000"));
  ASSERT_TRUE(UntilShown("runs"));
  Watcher leaves(*loop_);
  leaves.JoinNow(session_);
  leaves.Type(std::string(64 << 10, 'x'));
  EXPECT_FALSE(leaves.typed_all());
  session_.LoseTerminal();
  session_.Detach(leaves);
  EXPECT_EQ(session_.Save().keystrokes, "");
  EXPECT_TRUE(Until([&] { return IsQuiet(*loop_); }));
  EXPECT_TRUE(session_.running());
}

// A router's programs are its own children.
TEST_F(SessionTest, OurOwnChildIsReapedHere) {
  Pty pty = Value(OpenPty({}));
  ASSERT_THAT(SetNonBlocking(pty.controller.get()), IsOk());
  Child child = Value(
      SpawnOnTerminal(pty.terminal.get(), "sh", Shell("echo hello; exit 3")));
  pty.terminal.Reset();
  session_.Start({.pid = child.pid,
                  .is_child = true,
                  .pidfd = std::move(child.pidfd),
                  .controller = std::move(pty.controller),
                  .size = {},
                  .argv = {"sh"}});
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), "ended: exit status 3");
  EXPECT_EQ(Shown(), "hello\r\n");
  EXPECT_EQ(::kill(child.pid, 0), -1) << "it is no zombie";
}

// --- output

TEST_F(SessionTest, IsDrainedWithNobodyAttached) {
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(session_.ring().end(), Numbers(300'000).size());
  EXPECT_THAT(std::string(Shown()), EndsWith("\n299999\n300000\n"));
  EXPECT_GE(Shown().size(), kRing - kRing / 16);
}

TEST_F(SessionTest, EveryByteOfAFloodReachesEveryReader) {
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 10; ++i) {
    watchers.push_back(std::make_unique<Watcher>(*loop_));
    watchers.back()->Join(session_);
  }
  Run(Shell("seq 1 300000"));
  const std::string all = Numbers(300'000);
  ASSERT_TRUE(UntilEnd());
  for (const auto& watcher : watchers) {
    ASSERT_TRUE(Until([&] { return watcher->bytes() >= all.size(); }));
    EXPECT_EQ(watcher->missed(), 0u);
    EXPECT_TRUE(watcher->text() == all) << "other bytes";
  }
}

// The bytes a client got, from the first and up to the last, are those written,
// except those that it was told it missed.
void ExpectAllButMissed(const Watcher& watcher, const std::string& all) {
  EXPECT_EQ(watcher.bytes() + watcher.missed(), all.size());
  const auto [differs, ignored] =
      std::mismatch(watcher.text().begin(), watcher.text().end(), all.begin());
  const auto before = static_cast<size_t>(differs - watcher.text().begin());
  const std::string after = watcher.text().substr(before);
  EXPECT_THAT(all, EndsWith(after)) << "a gap in one place only";
}

TEST_F(SessionTest, AClientThatStopsReadingStopsNeitherProgramNorOthers) {
  Watcher stuck(*loop_);
  stuck.Read(false);
  stuck.Join(session_);
  Watcher eager(*loop_);
  eager.Join(session_);
  Run(Shell("seq 1 300000"));
  const std::string all = Numbers(300'000);
  ASSERT_TRUE(UntilEnd());
  ASSERT_TRUE(Until([&] { return eager.bytes() == all.size(); }));
  EXPECT_TRUE(eager.text() == all);
  EXPECT_EQ(stuck.bytes(), 0u);

  stuck.Read(true);
  ASSERT_TRUE(Until([&] { return !stuck.OwedAnything(); }));
  ASSERT_TRUE(
      Until([&] { return stuck.bytes() + stuck.missed() >= all.size(); }));
  EXPECT_GT(stuck.missed(), 0u);
  EXPECT_TRUE(stuck.Heard("missed"));
  ExpectAllButMissed(stuck, all);
}

// Moved forward, it is a client like others again.
TEST_F(SessionTest, AClientThatCaughtUpIsWaitedForAgain) {
  Watcher watcher(*loop_);
  watcher.Read(false);
  watcher.Join(session_);
  Run(Shell("seq 1 200000; read line; seq 1 200000"));
  const uint64_t first = Numbers(200'000).size();
  ASSERT_TRUE(Until([&] { return session_.ring().end() == first; }));
  watcher.Read(true);
  ASSERT_TRUE(Until([&] { return watcher.cursor() == first; }));
  const uint64_t missed = watcher.missed();
  EXPECT_GT(missed, 0u);
  watcher.Type("\n");
  ASSERT_TRUE(UntilEnd());
  ASSERT_TRUE(Until([&] { return !watcher.OwedAnything(); }));
  EXPECT_EQ(watcher.missed(), missed) << "this time it kept up";
}

// Head, or the whole machine, stood still: what a client could not take in that
// time costs it one piece of its patience.
TEST_F(SessionTest, AMachineThatStandsStillCostsAClientLittleOfItsPatience) {
  Watcher slow(*loop_);
  slow.Read(false);
  slow.Join(session_);
  Run({"yes"});
  const Ring& ring = session_.ring();
  ASSERT_TRUE(Until(
      [&] { return ring.end() - slow.cursor() + 4096 > ring.capacity(); }));
  const uint64_t full = ring.end();
  for (int piece = 1; piece <= 3; ++piece) {
    const auto later = Clock::now() + absl::ToChronoNanoseconds(kPatience);
    ASSERT_TRUE(WaitFor([&] { return Clock::now() > later; }));
    ASSERT_THAT(loop_->RunOnce(), IsOk());
    EXPECT_EQ(ring.end(), full) << "the program waits for it";
  }
  EXPECT_TRUE(Until([&] { return ring.end() > full; })) << "but not for ever";
}

// A client that has enough room doesn't have to read to hear of the rest.
TEST_F(SessionTest, AStuckClientHoldsAProgramBackOnlyOnce) {
  Watcher stuck(*loop_);
  stuck.Read(false);
  stuck.Join(session_);
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  const auto start = Clock::now();
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  // Nothing is waited for now; if every 64 KiB were, it would take seconds.
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
}

TEST_F(SessionTest, WhoComesLateSeesWhatThePresentProgramWrote) {
  Run(Shell("echo before"));
  ASSERT_TRUE(UntilEnd());
  Run(Shell("echo now; read line"));
  ASSERT_TRUE(UntilShown("now"));
  Watcher late(*loop_);
  late.Join(session_);
  ASSERT_TRUE(Until([&] { return late.text() == "now\n"; }));
  Watcher later(*loop_);
  later.JoinNow(session_);
  later.Type("\n");
  ASSERT_TRUE(UntilEnd());
  // The echo of what it typed.
  EXPECT_TRUE(Until([&] { return later.text() == "\n"; }));
}

TEST_F(SessionTest, AfterAFloodTheHistoryStartsAtALine) {
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  EXPECT_FALSE(session_.ring().history_makes_screen());
  const absl::string_view history =
      session_.ring().From(session_.ring().history_start());
  EXPECT_GT(history.size(), kRing / 2);
  EXPECT_THAT(Numbers(300'000), EndsWith(absl::StrCat("\n", history)));
}

TEST_F(SessionTest, AClientThatGoesAwayIsTheirLossAlone) {
  auto leaving = std::make_unique<Watcher>(*loop_);
  leaving->Join(session_);
  Watcher gone(*loop_);
  gone.Join(session_);
  Watcher staying(*loop_);
  staying.Join(session_);
  Run(Shell("echo one; read line; echo two"));
  ASSERT_TRUE(Until([&] { return staying.text() == "one\n"; }));
  EXPECT_EQ(session_.clients().size(), 3u);
  leaving.reset();
  EXPECT_EQ(session_.clients().size(), 2u);
  gone.HangUp();
  staying.Type("\n");
  ASSERT_TRUE(UntilEnd());
  EXPECT_TRUE(gone.Heard("gone"));
  ASSERT_TRUE(Until([&] { return staying.text() == "one\n\ntwo\n"; }));
}

TEST_F(SessionTest, AClientOutlivesItsSession) {
  Watcher watcher(*loop_);
  {
    Session other(*loop_, "other", 0, Value(Ring::Create(kRing)),
                  SessionOptions{}, [](Session&, Change) {});
    watcher.Join(other);
    EXPECT_EQ(watcher.session(), &other);
  }
  EXPECT_EQ(watcher.session(), nullptr);
  watcher.Type("to nobody");
}

// --- inserts

TEST_F(SessionTest, InsertsStandWhereTheyWerePut) {
  Run(Shell("printf abcdef"));
  ASSERT_TRUE(UntilEnd());
  Watcher watcher(*loop_);
  watcher.InsertAt(0, "[start]");
  watcher.InsertAt(3, "[middle]");
  watcher.InsertAt(3, "[again]");
  watcher.InsertAt(6, "[end]");
  watcher.Join(session_);
  const std::string all = "[start]abc[middle][again]def[end]";
  ASSERT_TRUE(Until([&] { return watcher.bytes() >= all.size(); }));
  EXPECT_EQ(watcher.text(), all);
}

TEST_F(SessionTest, AnInsertWhoseTimeIsStillToComeWaits) {
  Watcher watcher(*loop_);
  watcher.InsertAt(3, "[middle]");
  watcher.Join(session_);
  Run(Shell("printf abcdef"));
  ASSERT_TRUE(UntilEnd());
  ASSERT_TRUE(Until([&] { return watcher.text() == "abc[middle]def"; }));
}

TEST_F(SessionTest, AnInsertArrivesEvenIfWhatWasAroundItIsGone) {
  Watcher stuck(*loop_);
  stuck.Read(false);
  stuck.Join(session_);
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  stuck.InsertAt(session_.ring().begin() - 1, "[insert]");
  stuck.Read(true);
  const std::string all = Numbers(300'000);
  ASSERT_TRUE(
      Until([&] { return stuck.bytes() + stuck.missed() >= all.size() + 8; }));
  EXPECT_THAT(stuck.text(), HasSubstr("[insert]"));
  EXPECT_THAT(stuck.text(), EndsWith("\n300000\n"));
}

TEST_F(SessionTest, InsertsOfAClientThatNeverReadsAreLimited) {
  Watcher stuck(*loop_);
  stuck.Read(false);
  stuck.Join(session_);
  Run(Shell("seq 1 300000"));
  ASSERT_TRUE(UntilEnd());
  for (int i = 0; i < 1000; ++i) {
    stuck.InsertAt(session_.ring().end(), absl::StrCat("[", i, "]"));
  }
  stuck.Read(true);
  ASSERT_TRUE(Until([&] { return absl::EndsWith(stuck.text(), "[999]"); }));
  EXPECT_LT(std::count(stuck.text().begin(), stuck.text().end(), '['), 50);
}

TEST_F(SessionTest, AnInsertLargerThanAllRoomArrivesWhole) {
  Watcher watcher(*loop_);
  const std::string paint = Numbers(300'000);
  watcher.InsertAt(0, paint);
  watcher.Join(session_);
  ASSERT_TRUE(Until([&] { return watcher.bytes() >= paint.size(); }));
  EXPECT_TRUE(watcher.text() == paint);
}

// --- the end

// The kernel's buffers hold what the program wrote last when it is no more.
TEST_F(SessionTest, AllOutputIsThereBeforeTheEndIsTold) {
  for (size_t size = 1; size <= 64 << 10; size += 1499) {
    Watcher watcher(*loop_);
    watcher.JoinNow(session_);
    const uint64_t before = session_.ring().end();
    Run([&] {
      const std::string words(size, 'x');
      Say(1, words);
      return 0;
    });
    ASSERT_TRUE(UntilEnd());
    EXPECT_EQ(watcher.ring_end_at_end() - before, size);
    EXPECT_THAT(watcher.events(),
                ElementsAre("started", Ended("exit status 0")));
    ASSERT_TRUE(Until([&] { return watcher.bytes() == size; }));
  }
}

// A client that stopped reading delays the end by its share of patience only.
TEST_F(SessionTest, TheEndIsToldEvenWithTheRingHeldByAStuckClient) {
  Watcher stuck(*loop_);
  stuck.Read(false);
  stuck.Join(session_);
  Watcher eager(*loop_);
  eager.Join(session_);
  const size_t size = 500'000;
  Run([&] {
    const std::string words(size, 'x');
    Say(1, words);
    return 0;
  });
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(eager.ring_end_at_end(), size);
}

// Once it is known for one: in a turn of the loop, what is ready is told before
// the flood and after it.  (For that many clients it gathers for long.)
TEST_F(SessionTest, AFloodIsReadBetweenTwoLooksAtAllOthers) {
  const Pipe ready;
  Say(ready.write_end.get(), "x");
  int told = 0;
  const Watch other =
      loop_->Add(ready.read_end.get(), Interest::kRead, [&](Ready) { ++told; });
  std::list<Watcher> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(*loop_).Join(session_);
  Run(Shell("exec yes"));
  EXPECT_TRUE(Until([&] { return std::exchange(told, 0) > 1; }));
}

// Beside another flood it is gathered, which may not keep the last of it.
TEST_F(SessionTest, AFloodThatPausesIsWrittenToItsEnd) {
  const auto size = [](size_t burst) { return 60'000 + 1'777 * burst; };
  Session other{*loop_,           "other",
                ::getuid(),       Value(Ring::Create(kRing)),
                SessionOptions{}, [](Session&, Change) {}};
  SessionProgram flood(*loop_, {"yes"});
  other.Start(flood.Registration());
  Watcher client(*loop_);
  client.Join(session_);
  const Pipe go;
  Run(
      [&] {
        char byte = 0;
        size_t burst = 0;
        while (::read(go.read_end.get(), &byte, 1) == 1) {
          Say(1, std::string(size(++burst), 'x'));
        }
        return 0;
      },
      {go.read_end.get()});
  for (size_t burst = 1, all = 0; burst <= 20; ++burst) {
    Say(go.write_end.get(), "x");
    all += size(burst);
    ASSERT_TRUE(Until([&] { return client.bytes() == all; }))
        << client.bytes() << " of " << all << " bytes";
  }
}

TEST_F(SessionTest, AProgramMayCloseItsTerminalAndOpenItAgain) {
  const Pipe go;
  Run(
      [&] {
        Say(1, "before ");
        for (const int fd : {0, 1, 2}) (void)::close(fd);
        Await(go);
        Say(::open("/dev/tty", O_RDWR | O_CLOEXEC), "after");
        return 3;
      },
      {go.read_end.get()});
  ASSERT_TRUE(UntilShown("before "));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_TRUE(session_.running());
  Say(go.write_end.get(), "x");
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Shown(), "before after");
  EXPECT_EQ(State(), Ended("exit status 3"));
}

TEST_F(SessionTest, AProgramWithoutATerminalMakesNoWork) {
  const Pipe go;
  Watcher watcher(*loop_);
  watcher.Join(session_);
  Run(
      [&] {
        for (const int fd : {0, 1, 2}) (void)::close(fd);
        Await(go);
        return 0;
      },
      {go.read_end.get()});
  ASSERT_TRUE(Until([&] { return programs_[0]->process().Sleeps(); }));
  watcher.Type("typed into the void");
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_TRUE(session_.running());
}

// A program leaves a child that holds its terminal: deaf to SIGHUP, and in a
// group of its own.  The child acts when `go` says so.
class LeftoverTest : public SessionTest {
 protected:
  void RunWithLeftover(absl::FunctionRef<void()> act) {
    Run(
        [&] {
          (void)::signal(SIGHUP, SIG_IGN);
          const pid_t child = ::fork();
          if (child == 0) {
            Await(go_);
            act();
            ::_exit(0);
          }
          (void)::setpgid(child, child);
          Say(1, last_words_);
          return 3;
        },
        {go_.read_end.get(), leftover_.write_end.get()});
    leftover_.write_end.Reset();
  }
  void Go() const { Say(go_.write_end.get(), "x"); }
  // Whether the last holder of the pipe has gone.
  static bool HasEnded(const Pipe& pipe) {
    pollfd question{pipe.read_end.get(), POLLIN, 0};
    return ::poll(&question, 1, 0) == 1;
  }

  std::string last_words_ = "last words ";
  const Pipe go_;
  Pipe leftover_;
};

TEST_F(LeftoverTest, TheEndDoesNotWaitForIt) {
  RunWithLeftover([] {});
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Shown(), last_words_);
  EXPECT_EQ(State(), Ended("exit status 3"));
}

// The last read of the program's words came after its end was known, and the
// child that holds the terminal is silent: no event comes any more.
TEST_F(LeftoverTest, TheEndDoesNotWaitForAnotherEvent) {
  last_words_ = std::string(10'000, 'x');  // three reads
  RunWithLeftover([] {});
  ASSERT_TRUE(WaitFor([&] { return programs_[0]->process().HasEnded(); }));
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Shown(), last_words_);
}

TEST_F(LeftoverTest, WhatItWritesLaterIsOutputToo) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  RunWithLeftover([] { Say(1, "late"); });
  ASSERT_TRUE(UntilEnd());
  Go();
  ASSERT_TRUE(Until([&] { return watcher.text() == "last words late"; }));
}

TEST_F(LeftoverTest, WhatIsTypedNowIsNotForIt) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  RunWithLeftover([] {
    int waiting = 0;
    (void)::ioctl(0, FIONREAD, &waiting);
    Say(1, waiting == 0 ? "nothing" : "something");
  });
  ASSERT_TRUE(UntilEnd());
  watcher.Type("typed\n");
  Go();
  ASSERT_TRUE(Until([&] { return absl::EndsWith(watcher.text(), "thing"); }));
  EXPECT_EQ(watcher.text(), "last words nothing");
}

TEST_F(LeftoverTest, WhenItEndsTheTerminalIsLetGo) {
  RunWithLeftover([] {});
  ASSERT_TRUE(UntilEnd());
  const size_t with_terminal = CountOpenFds();
  Go();
  EXPECT_TRUE(Until([&] { return CountOpenFds() == with_terminal - 1; }));
  EXPECT_TRUE(IsQuiet(*loop_));
}

// It writes for ever: the program's end is told all the same.
TEST_F(LeftoverTest, EndlessOutputOfItDelaysNobody) {
  RunWithLeftover([] {
    const std::string line(1000, 'x');
    while (::write(1, line.data(), line.size()) > 0) {
    }
  });
  Go();
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(State(), Ended("exit status 3"));
}

// Its old terminal goes on taking what the leftover writes, for a while, and
// drops it: a shutdown that says "bye" isn't killed for that.
TEST_F(LeftoverTest, TheNextProgramTakesTheSessionOverAtOnce) {
  RunWithLeftover([] {
    const std::string much(200'000, 'x');
    Say(1, much);
  });
  ASSERT_TRUE(UntilEnd());
  Run(Shell("echo next"));
  ASSERT_TRUE(UntilEnd());
  const size_t with_leftover = CountOpenFds();
  Go();
  EXPECT_TRUE(Until([&] { return HasEnded(leftover_); })) << "it isn't stuck";
  EXPECT_EQ(Shown(), "last words next\n");
  EXPECT_TRUE(Until([&] { return CountOpenFds() < with_leftover; }))
      << "its terminal is let go";
  EXPECT_TRUE(IsQuiet(*loop_));
}

// But not for ever.
TEST_F(LeftoverTest, InTheEndItIsHungUp) {
  RunWithLeftover([] {
    const std::string line(1000, 'x');
    while (::write(1, line.data(), line.size()) > 0) {
    }
  });
  ASSERT_TRUE(UntilEnd());
  Run(Shell("echo next; read line"));
  Go();
  EXPECT_TRUE(Until([&] { return HasEnded(leftover_); }));
  EXPECT_TRUE(session_.running()) << "the next one goes on";
  EXPECT_EQ(Shown(), "last words next\n");
}

// --- taking over

TEST_F(SessionTest, AProgramThatIsReplacedIsHungUpAndTold) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  SessionProgram& first = Run(Shell("echo first; read line"));
  ASSERT_TRUE(UntilShown("first"));
  SessionProgram& second = Run(Shell("echo second; read line"));
  EXPECT_EQ(session_.program().pid(), second.pid());
  ASSERT_TRUE(Until([&] { return first.status().has_value(); }));
  EXPECT_EQ(first.status(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(session_.running()) << "that end wasn't the second's";
  EXPECT_THAT(watcher.events(),
              ElementsAre("started", "was replaced", "started"));
  ASSERT_TRUE(Until([&] { return watcher.text() == "first\nsecond\n"; }));
}

// Its supervisor restarts it faster than head hears of the end.
TEST_F(SessionTest, AnEndNotProcessedYetIsToldBeforeTheNextStart) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  SessionProgram& first = Run([] {
    Say(1, "last words ");
    return 3;
  });
  ASSERT_TRUE(WaitFor([&] { return first.process().HasEnded(); }));
  Run(Shell("echo next"));
  ASSERT_TRUE(UntilEnd());
  ASSERT_TRUE(Until([&] { return watcher.bytes() == 16; }));
  EXPECT_EQ(watcher.text(), "last words next\n");
  ASSERT_EQ(watcher.events().size(), 4u);
  EXPECT_THAT(watcher.events()[1], StartsWith("ended"));
}

TEST_F(SessionTest, ManyRestartsLeaveNothingBehind) {
  Run(Shell("exit 0"));
  ASSERT_TRUE(UntilEnd());
  programs_.clear();
  const size_t before = CountOpenFds();
  for (int i = 0; i < 200; ++i) {
    Run([] { return 0; });
    ASSERT_TRUE(UntilEnd());
    programs_.clear();
  }
  EXPECT_TRUE(Until([&] { return CountOpenFds() <= before; }));
}

// --- input

// Reads `size` bytes from its terminal, as they are, into a file.
int ReadRaw(size_t size, const std::string& path, const Pipe& go) {
  termios settings{};
  (void)::tcgetattr(0, &settings);
  ::cfmakeraw(&settings);
  (void)::tcsetattr(0, TCSANOW, &settings);
  Say(1, "ready");
  Await(go);
  std::ofstream file(path, std::ios::binary);
  std::array<char, 4096> room{};
  while (size > 0) {
    const IoResult got = ReadSome(0, room);
    if (got.state != IoState::kDone) return 1;
    file.write(room.data(), static_cast<std::streamsize>(got.bytes));
    size -= got.bytes;
  }
  return 0;
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The terminal holds 4 KiB of it, the session 16, the rest stays where it is.
TEST_F(SessionTest, APasteLargerThanAllRoomArrivesWhole) {
  const TempDir dir;
  const Pipe go;
  const std::string paste = Numbers(100'000);
  Run([&] { return ReadRaw(paste.size(), dir / "got", go); },
      {go.read_end.get()});
  ASSERT_TRUE(UntilShown("ready"));
  Watcher watcher(*loop_);
  watcher.JoinNow(session_);
  watcher.Type(paste);
  EXPECT_TRUE(watcher.input_blocked());
  EXPECT_TRUE(IsQuiet(*loop_));
  Say(go.write_end.get(), "x");
  ASSERT_TRUE(UntilEnd());
  EXPECT_TRUE(Contents(dir / "got") == paste) << "other bytes";
  EXPECT_FALSE(watcher.input_blocked());
  EXPECT_TRUE(watcher.Heard("room"));
}

TEST_F(SessionTest, KeysOfThoseWhoHaveToLeaveAreKeptOnce) {
  Run(Shell("echo runs; sleep 1000"));
  ASSERT_TRUE(UntilShown("runs"));
  constexpr size_t kPaste = 64 << 10;
  for (int i = 0; i < 10; ++i) {
    Watcher leaves(*loop_);
    leaves.JoinNow(session_);
    leaves.Type(std::string(kPaste, 'x'));
    session_.Detach(leaves);
  }
  EXPECT_GT(session_.Save().keystrokes.size(), kInputRoom);
  EXPECT_LE(session_.Save().keystrokes.size(), kInputRoom + kPaste);
}

TEST_F(SessionTest, EveryByteCanBeTyped) {
  const TempDir dir;
  const Pipe go;
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  Run([&] { return ReadRaw(all.size(), dir / "got", go); },
      {go.read_end.get()});
  ASSERT_TRUE(UntilShown("ready"));
  Watcher watcher(*loop_);
  watcher.JoinNow(session_);
  watcher.Type(all);
  Say(go.write_end.get(), "x");
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(Contents(dir / "got"), all);
}

TEST_F(SessionTest, WhatIsTypedWhileNoProgramRunsIsDropped) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  watcher.Type("before the first\n");
  Run(Shell("read line; echo got:$line"));
  watcher.Type("one\n");
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(std::string(Shown()), HasSubstr("got:one\n"));
  watcher.Type("between\n");
  Run(Shell("read line; echo got:$line"));
  watcher.Type("two\n");
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(std::string(Shown()), HasSubstr("got:two\n"));
  EXPECT_FALSE(watcher.input_blocked());
}

// A paste into a program that ends before it has read it isn't for the next.
TEST_F(SessionTest, WhatAProgramDidNotReadIsNotTheNextOnes) {
  Watcher watcher(*loop_);
  watcher.Join(session_);
  const Pipe go;
  Run(
      [&] {
        Await(go);
        return 0;
      },
      {go.read_end.get()});
  watcher.Type(Numbers(100'000));
  EXPECT_TRUE(watcher.input_blocked());
  Say(go.write_end.get(), "x");
  ASSERT_TRUE(UntilEnd());
  EXPECT_FALSE(watcher.input_blocked());
  Run(Shell("read line; echo got:$line"));
  watcher.Type("mine\n");
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(std::string(Shown()), HasSubstr("got:mine\n"));
}

// --- ^S

class FlowTest : public SessionTest {
 protected:
  // A program on a terminal with flow control, which writes "more" when it is
  // told to go on.
  FlowTest() {
    (void)Run(
        [&] {
          termios settings{};
          (void)::tcgetattr(0, &settings);
          settings.c_iflag |= IXON;
          (void)::tcsetattr(0, TCSANOW, &settings);
          Say(1, "ready");
          Await(go_);
          Say(1, "more");
          Await(never_);
          return 0;
        },
        {go_.read_end.get(), never_.read_end.get()});
    EXPECT_TRUE(UntilShown("ready"));
    stopper_.JoinNow(session_);
    other_.JoinNow(session_);
  }
  void GoOn() { Say(go_.write_end.get(), "x"); }

  const Pipe go_;
  const Pipe never_;
  Watcher stopper_{*loop_};
  Watcher other_{*loop_};
};

TEST_F(FlowTest, WhoStoppedTheOutputIsKnown) {
  stopper_.Type("\x13");
  EXPECT_EQ(session_.stopped_by(), stopper_.id());
  EXPECT_THAT(State(), EndsWith(", stopped by ^S"));
  other_.Type("\x11");
  EXPECT_EQ(session_.stopped_by(), 0u);
  EXPECT_THAT(State(), testing::Not(HasSubstr("^S")));
  GoOn();
  EXPECT_TRUE(UntilShown("more"));
}

TEST_F(FlowTest, TheOutputGoesOnWhenTheOneWhoStoppedItLeaves) {
  stopper_.Type("\x13");
  session_.Detach(other_);
  EXPECT_EQ(session_.stopped_by(), stopper_.id());
  GoOn();
  session_.Detach(stopper_);
  EXPECT_EQ(session_.stopped_by(), 0u);
  EXPECT_TRUE(UntilShown("more"));
}

TEST_F(FlowTest, ANewTerminalIsNotStopped) {
  stopper_.Type("\x13");
  (void)Run({"cat"});
  EXPECT_EQ(session_.stopped_by(), 0u);
}

// --- size and signals

TEST_F(SessionTest, AChangeOfSizeReachesTheProgram) {
  const Pipe go;
  Run(
      [&] {
        (void)::signal(SIGWINCH, [](int) {
          winsize size{};
          (void)::ioctl(0, TIOCGWINSZ, &size);
          Say(1, absl::StrCat("[", size.ws_row, "x", size.ws_col, "]"));
        });
        Say(1, "ready");
        for (;;) (void)::pause();
        return 0;
      },
      {});
  ASSERT_TRUE(UntilShown("ready"));
  EXPECT_EQ(session_.size(), (WindowSize{24, 80}));
  Watcher watcher(*loop_);
  watcher.JoinNow(session_);
  session_.SetClientSize(watcher, {.rows = 50, .cols = 132});
  EXPECT_TRUE(UntilShown("[50x132]"));
  EXPECT_EQ(session_.size(), (WindowSize{50, 132}));
}

// Some repaint only when the size differs, and all must have the right one in
// the end.
TEST_F(SessionTest, ARepaintChangesTheSizeAndThenChangesItBack) {
  Pty pty = Value(OpenPty({.rows = 24, .cols = 80}));
  ASSERT_THAT(SetNonBlocking(pty.controller.get()), IsOk());
  Program process = Program::Fork([] {
    for (;;) (void)::pause();
    return 0;
  });
  session_.Start({.pid = process.pid(),
                  .pidfd = Fd(::fcntl(process.pidfd(), F_DUPFD_CLOEXEC, 0)),
                  .controller = std::move(pty.controller),
                  .size = {.rows = 24, .cols = 80},
                  .argv = {}});
  const auto size = [&] { return Value(GetWindowSize(pty.terminal.get())); };
  session_.Repaint();
  EXPECT_EQ(size(), (WindowSize{25, 80}));
  EXPECT_EQ(session_.size(), (WindowSize{24, 80}));
  EXPECT_TRUE(Until([&] { return size() == WindowSize{24, 80}; }));
}

TEST_F(SessionTest, ARepaintOfNothingIsNothing) {
  session_.Repaint();
  Run(Shell("exit 0"));
  ASSERT_TRUE(UntilEnd());
  session_.Repaint();
  EXPECT_TRUE(IsQuiet(*loop_));
}

TEST_F(SessionTest, ARepaintUnderWayIsEnough) {
  Run({"cat"});
  const auto size = [&] {
    return Value(GetWindowSize(session_.terminal().get()));
  };
  Watcher tallest(*loop_);
  tallest.JoinNow(session_);
  session_.SetClientSize(tallest, {.rows = UINT16_MAX, .cols = 80});
  session_.Repaint();
  EXPECT_EQ(size(), (WindowSize{UINT16_MAX - 1, 80})) << "there is no larger";
  ASSERT_THAT(SetWindowSize(session_.terminal().get(), {7, 80}), IsOk());
  session_.Repaint();
  EXPECT_EQ(size(), (WindowSize{7, 80}));
  EXPECT_TRUE(Until([&] { return size() == WindowSize{UINT16_MAX, 80}; }));
}

TEST_F(SessionTest, ASignalIsForTheProgram) {
  Run(Shell(
      "trap 'echo usr1; exit 0' USR1; echo ready; while :; do read x; done"));
  EXPECT_TRUE(UntilShown("ready"));
  EXPECT_THAT(session_.Signal(SIGUSR1, /*sender=*/0), IsOk());
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(std::string(Shown()), EndsWith("usr1\n"));
  EXPECT_THAT(session_.Signal(SIGUSR1, /*sender=*/0),
              StatusIs(absl::StatusCode::kUnavailable, "no program runs"));
}

// --- sizes

TEST_F(SessionTest, OfAStormOfSizesAFewAreAppliedAndTheLast) {
  Run(Shell("read line"));
  Watcher watcher(*loop_);
  watcher.Join(session_);
  const int before = resizes_;
  for (uint16_t i = 1; i <= 10'000; ++i) {
    session_.SetClientSize(watcher, {i, 80});
  }
  EXPECT_THAT(resizes_ - before, testing::AllOf(testing::Ge(1), testing::Le(4)))
      << "at once, but not all";
  const WindowSize last{10'000, 80};
  ASSERT_TRUE(Until([&] { return session_.size() == last; }));
  EXPECT_EQ(Value(GetWindowSize(session_.terminal().get())), last);
  EXPECT_LE(resizes_ - before, 5);
  EXPECT_TRUE(IsQuiet(*loop_));
}

// --- the end of head

TEST_F(SessionTest, AfterStopReadingClientsGetWhatIsThereAndNoMore) {
  Watcher watcher(*loop_);
  watcher.Read(false);
  watcher.Join(session_);
  Run(Shell("seq 1 10000; read line; echo more; exec sleep 1000"));
  const std::string numbers = Numbers(10'000);
  ASSERT_TRUE(Until([&] { return session_.ring().end() == numbers.size(); }));
  session_.StopReading();
  watcher.Type("\n");
  watcher.Read(true);
  ASSERT_TRUE(Until([&] { return watcher.bytes() >= numbers.size(); }));
  EXPECT_TRUE(Until([&] { return IsQuiet(*loop_); }));
  EXPECT_TRUE(watcher.text() == numbers);
}

// No output is lost: either this head has read it before it tells the end, or
// it leaves both to the next one.
TEST_F(SessionTest, AProgramThatEndsAfterStopReadingIsReadToItsEnd) {
  Run(Shell("read line; echo last words"));
  Watcher watcher(*loop_);
  watcher.JoinNow(session_);
  session_.StopReading();
  watcher.Type("\n");
  ASSERT_TRUE(Until([&] { return !session_.running(); }));
  EXPECT_THAT(std::string(session_.ring().From(0)), HasSubstr("last words"));
}

// Goes on with what this one has, as another program does.
class SessionHandoverTest : public SessionTest {
 protected:
  // Neither reads what is the other's.
  SessionState HandOver() {
    SessionState state = session_.Save();
    session_.StopReading();
    for (OfferedFd* fd : {&state.ring, &state.controller}) {
      if (*fd >= 0) *fd = Duplicate(*fd).Release();
    }
    state.pidfd = session_.program().Release().Release();
    return state;
  }
  void Resume(const SessionState& state, SessionOptions options = {}) {
    next_ = std::make_unique<Session>(*loop_, "name", ::getuid(),
                                      Value(Ring::Adopt(Fd(state.ring))),
                                      options, [](Session&, Change) {});
    next_->Resume(Fd(state.controller), Fd(state.pidfd), state);
  }
  // The picture that the next head finds without what this one had in its
  // memory.
  std::optional<PostMortem> LeftBefore() {
    const SessionState state = HandOver();
    Session next(*loop_, "name", ::getuid(), Value(Ring::Adopt(Fd(state.ring))),
                 {}, [](Session&, Change) {});
    next.Resume(Fd(state.controller), Fd(state.pidfd), {});
    return next.TakePostMortem();
  }
  static SessionState LedBy(const SessionClient& client) {
    SessionState state;
    state.leader = client.id();
    return state;
  }
  std::string ShownByNext() const {
    return std::string(next_->ring().From(next_->ring().begin()));
  }

  std::unique_ptr<Session> next_;
};

TEST_F(SessionHandoverTest, ARepaintThatIsHalfDoneIsUndone) {
  (void)Run({"cat"});
  const WindowSize size = session_.size();
  session_.Repaint();
  const SessionState state = HandOver();
  ASSERT_NE(Value(GetWindowSize(state.controller)), size);
  Resume(state);
  EXPECT_EQ(Value(GetWindowSize(next_->terminal().get())), size);
}

TEST_F(SessionHandoverTest, TheScreenGoesOnWithItsModes) {
  (void)Run(
      Shell("stty -echo; printf '\\033[?2004h\\033[?1h\\033[?1049h\\033["
            "3;1Ha picture'; exec cat"));
  ASSERT_TRUE(UntilShown("a picture"));
  const std::string before = session_.TakePicture({24, 80}).paint;
  Resume(HandOver());
  const Session::Picture picture = next_->TakePicture({24, 80});
  EXPECT_EQ(picture.paint, before);
  EXPECT_TRUE(picture.exact);
  EXPECT_THAT(picture.paint,
              testing::AllOf(HasSubstr("\033[?2004h"), HasSubstr("\033[?1h"),
                             HasSubstr("\033[?1049h"), HasSubstr("a picture")));
}

TEST_F(SessionHandoverTest, WhoStoppedTheOutputIsKnownToTheNext) {
  (void)Run(Shell("stty ixon; printf ready; exec cat"));
  ASSERT_TRUE(UntilShown("ready"));
  Watcher stopper(*loop_);
  stopper.JoinNow(session_);
  stopper.Type("\x13");
  Resume(HandOver());
  EXPECT_EQ(next_->stopped_by(), stopper.id());
}

// A head that died had a client, who isn't back yet when the next head is
// upgraded.
TEST_F(SessionHandoverTest, WhoIsAwaitedIsAwaitedByTheNext) {
  (void)Run(Shell("printf one; read x; printf two; exec sleep 1000"));
  ASSERT_TRUE(UntilShown("one"));
  const SessionState state = HandOver();
  Value(Ring::Adopt(Duplicate(state.ring))).state().clients = 1;
  const Fd controller = Duplicate(state.controller);
  Resume(state, {.when_behind = WhenBehind::kBlock});  // for 5 s
  next_->OnReadmitted();
  Say(controller.get(), "\n");
  ASSERT_TRUE(WaitFor([&] { return BytesReadable(controller.get()) > 0; }));
  bool turned = false;
  const Timer turn = loop_->After(absl::ZeroDuration(), [&] { turned = true; });
  ASSERT_TRUE(Until([&] { return turned; }));
  EXPECT_EQ(ShownByNext(), "one");
  // Not for ever.
  EXPECT_TRUE(Until([&] { return absl::EndsWith(ShownByNext(), "two"); }));
}

// The next program may start before a client of a head that died is back.
TEST_F(SessionHandoverTest, WhoIsAwaitedIsAwaitedByTheNextProgram) {
  (void)Run({"true"});
  ASSERT_TRUE(UntilEnd());
  const SessionState state = HandOver();
  Value(Ring::Adopt(Duplicate(state.ring))).state().clients = 1;
  Resume(state);  // for a second
  next_->OnReadmitted();
  SessionProgram program(*loop_, Shell("printf two; exec sleep 1000"));
  next_->Start(program.Registration());
  const int controller = next_->terminal().get();
  ASSERT_TRUE(WaitFor([&] { return BytesReadable(controller) > 0; }));
  bool turned = false;
  const Timer turn = loop_->After(absl::ZeroDuration(), [&] { turned = true; });
  ASSERT_TRUE(Until([&] { return turned; }));
  EXPECT_EQ(ShownByNext(), "");
  EXPECT_TRUE(Until([&] { return ShownByNext() == "two"; }));
}

TEST_F(SessionHandoverTest, ClientsAreInTheOrderTheyCame) {
  (void)Run({"cat"});
  Watcher first(*loop_);
  Watcher second(*loop_);
  Resume(HandOver());
  next_->Readmit(second);
  next_->Readmit(first);
  EXPECT_THAT(next_->clients(), ElementsAre(&first, &second));
  next_->OnReadmitted(LedBy(first));
  EXPECT_EQ(next_->audience().leader(), &first);
}

// Questions in the history that it is sent have been answered.
TEST_F(SessionHandoverTest, AnswersToOldQuestionsAreStillTakenOut) {
  (void)Run(Shell("echo question; exec cat"));
  ASSERT_TRUE(UntilShown("question\n"));
  Watcher before(*loop_);
  before.Join(session_);
  ASSERT_TRUE(Until([&] { return before.bytes() > 0; }));
  Watcher late(*loop_);
  late.Join(session_);
  late.Type("\x1b[?1");
  const ClientState saved = late.Save();
  EXPECT_EQ(saved.held, "\x1b[?1");
  EXPECT_TRUE(saved.replaying);
  Resume(HandOver());
  Watcher again(*loop_);
  again.Restore(saved);
  next_->Readmit(again);
  next_->OnReadmitted();
  again.Type(";2c");
  again.Type("\x1b[5;6R");
  again.Type("typed\n");
  ASSERT_TRUE(
      Until([&] { return absl::StrContains(ShownByNext(), "typed\n"); }));
  EXPECT_THAT(ShownByNext(),
              testing::Not(testing::AnyOf(HasSubstr("2c"), HasSubstr("6R"))));
}

TEST_F(SessionHandoverTest, WhatAClientIsOwedIsOwedByTheNext) {
  (void)Run(Shell("printf abc; read x; printf def"));
  ASSERT_TRUE(UntilShown("abc"));
  Watcher before(*loop_);
  before.JoinNow(session_);
  session_.SetClientSize(before, {.rows = 30, .cols = 90});
  before.InsertAt(5, "[middle]");
  const ClientState saved = before.Save();
  Resume(HandOver());
  Watcher again(*loop_);
  again.Restore(saved);
  next_->Readmit(again);
  next_->OnReadmitted(LedBy(before));
  EXPECT_EQ(next_->audience().leader(), &again);
  EXPECT_EQ(again.size(), (WindowSize{30, 90}));
  again.Type("\n");
  ASSERT_TRUE(Until([&] { return absl::StrContains(again.text(), "ef"); }));
  EXPECT_EQ(again.text(), "\nd[middle]ef");
}

TEST_F(SessionHandoverTest, WhatTheProgramBeforeLeftIsMadeFromTheRing) {
  Run(Shell("echo first; exit 3"));
  ASSERT_TRUE(UntilEnd());
  (void)Run(Shell("echo second; read line"));
  ASSERT_TRUE(UntilShown("second"));
  const auto left = LeftBefore();
  ASSERT_TRUE(left.has_value());
  EXPECT_THAT(left->paint, HasSubstr("first"));
  EXPECT_THAT(left->paint, testing::Not(HasSubstr("second")));
  EXPECT_EQ(left->how, Ended("exit status 3"));
}

TEST_F(SessionHandoverTest, NothingIsLeftOfWhatTheRingHasLost) {
  Run(Shell("echo first"));
  ASSERT_TRUE(UntilEnd());
  (void)Run(Shell("seq 1 300000; read line"));
  ASSERT_TRUE(UntilShown("\n300000\n"));
  EXPECT_FALSE(LeftBefore().has_value());
}

TEST_F(SessionHandoverTest, NothingIsLeftBeforeTheFirstProgram) {
  (void)Run({"cat"});
  EXPECT_FALSE(LeftBefore().has_value());
}

TEST_F(SessionHandoverTest, WhatIsKnownOfAnEndIsKnown) {
  SessionProgram& program = Run(Shell("read line; exit 3"));
  program.LeaveZombie();
  session_.program().ExecFailed("no such file");
  (void)::kill(program.pid(), SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return !session_.program().IsAlive(); }));
  EXPECT_THAT(session_.TellStatus({.code = 3}), IsOk());
  Resume(HandOver());
  const SessionState again = next_->Save();
  EXPECT_TRUE(again.status_told);
  EXPECT_EQ(again.code, 3);
  EXPECT_TRUE(again.not_executed);
}

}  // namespace
}  // namespace deptyr
