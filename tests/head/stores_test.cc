// Which sessions have a place in a store that hasn't room for all.
#include "lib/head/stores.h"

#include <sys/socket.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "tests/support/bound_socket.h"
#include "tests/support/session_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class StoresTest : public testing::Test, public SessionTable::Owner {
 protected:
  // systemd, with room for two sessions that run.
  explicit StoresTest(const char* room = "6") {
    ::setenv("NOTIFY_SOCKET", (dir_ / "notify").c_str(), 1);
    ::setenv("FDSTORE", room, 1);
    systemd_ = std::make_unique<Readiness>(-1);
    Open(stores_, nullptr);
    ::unsetenv("FDSTORE");
  }

  void Open(Stores& stores, const HeadState* before) {
    HeadOptions options;
    options.socket = dir_ / "head.sock";
    options.keeper.kind = KeeperSpec::kSystemd;
    std::vector<InheritedFd> inherited;
    EXPECT_THAT(stores.Open(options, *systemd_, inherited, before), IsOk());
  }

  void OnSessionAdded(Session&) override {}
  void OnSessionChanged(Session& session, Change change) override {
    if (change.kind == Change::kLog) stores_.UpdateLog(session);
    if (change.kind != Change::kEnded) return;
    stores_.RemoveProgram(session, session.program().number());
  }
  void OnSessionForgotten(Session&) override {}
  bool IsShown(const Session&) const override { return false; }

  // A session that runs, and is stored if there is room.
  Session& Run(const std::string& name, uid_t owner) {
    Session& session = table_.Add(name, owner, Value(Ring::Create(4096)));
    programs_.emplace_back(*loop_, std::vector<std::string>{"cat"});
    session.Start(programs_.back().Registration());
    stores_.Add(session, 1, session.terminal().get(),
                session.program().pidfd());
    Drain();
    return session;
  }
  void End(Session& session, const SessionProgram& program) {
    program.process().Signal(SIGKILL);
    ASSERT_TRUE(RunUntil(*loop_, [&] { return !session.running(); }));
    Drain();
  }
  // The queue of a datagram socket is short.
  void Drain() {
    char room[1000];
    while (ReceiveWithFds(notified_.get(), room).io.state == IoState::kDone) {
    }
  }

  const TempDir dir_;
  const Fd notified_ = BindSocket(dir_ / "notify", SOCK_DGRAM | SOCK_NONBLOCK);
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::unique_ptr<Readiness> systemd_;
  const Limits limits_ = {};
  SessionTable table_{*loop_, {}, limits_, *this};
  Stores stores_{*loop_, table_, [] {}};
  std::deque<SessionProgram> programs_;
};

TEST_F(StoresTest, ASessionThatHasEndedGivesWayToOneThatRuns) {
  Session& ended = Run("ended", kAlice);
  Session& first = Run("first", kAlice);
  End(ended, programs_[0]);
  EXPECT_TRUE(stores_.Has(ended));
  Session& second = Run("second", kAlice);
  EXPECT_FALSE(stores_.Has(second));
  stores_.StoreMissing();
  EXPECT_TRUE(stores_.Has(second));
  EXPECT_TRUE(stores_.Has(first));
  EXPECT_FALSE(stores_.Has(ended));
}

TEST_F(StoresTest, AUserWhoHasMorePlacesGivesTheLatestUp) {
  Session& first = Run("first", kAlice);
  Session& second = Run("second", kAlice);
  Session& bobs = Run("bobs", kBob);
  EXPECT_FALSE(stores_.Has(bobs));
  stores_.StoreMissing();
  EXPECT_TRUE(stores_.Has(bobs));
  EXPECT_TRUE(stores_.Has(first));
  EXPECT_FALSE(stores_.Has(second));
  // Now each has one, and nobody gives way.
  Session& more = Run("more", kBob);
  stores_.StoreMissing();
  EXPECT_FALSE(stores_.Has(more));
  EXPECT_TRUE(stores_.Has(first));
}

TEST_F(StoresTest, ALogGivesWayToASession) {
  const Pipe pipe;
  Session& first = Run("first", kAlice);
  const auto take_log = [&] {
    return first.TakeLog(Value(LogSink::Take(Duplicate(pipe.write_end.get()))),
                         "text");
  };
  ASSERT_THAT(take_log(), IsOk());
  HeadState state;
  stores_.Save(state);
  EXPECT_THAT(state.kept, testing::Contains("deptyr.log.1.first"));
  Drain();
  Session& second = Run("second", kBob);
  EXPECT_FALSE(stores_.Has(second));
  stores_.StoreMissing();
  Drain();
  EXPECT_TRUE(stores_.Has(first));
  EXPECT_TRUE(stores_.Has(second));
  stores_.RemoveSession(second);
  stores_.StoreMissing();
  EXPECT_TRUE(stores_.Has(second)) << "before the log has its place again";
}

// With room for a log, too.
class StoresOfLogsTest : public StoresTest {
 protected:
  StoresOfLogsTest() : StoresTest("8") {}
};

TEST_F(StoresOfLogsTest, AUserWhoHasAsMuchTakesNobodysLog) {
  const Pipe pipe;
  Session& first = Run("first", kAlice);
  Session& bobs = Run("bobs", kBob);
  const auto take_log = [&](Session& session) {
    return session.TakeLog(
        Value(LogSink::Take(Duplicate(pipe.write_end.get()))), "text");
  };
  const auto kept = [this] {
    Drain();
    HeadState state;
    stores_.Save(state);
    return state.kept;
  };
  ASSERT_THAT(take_log(bobs), IsOk());
  ASSERT_THAT(kept(), testing::Contains("deptyr.log.1.bobs"));
  Session& second = Run("second", kAlice);
  stores_.StoreMissing();
  EXPECT_FALSE(stores_.Has(second));
  EXPECT_TRUE(stores_.Has(first));
  EXPECT_THAT(kept(), testing::Contains("deptyr.log.1.bobs"));
  // Bob's own session takes its place.
  Session& bobs_second = Run("bobs-second", kBob);
  stores_.StoreMissing();
  EXPECT_FALSE(stores_.Has(bobs_second));
  EXPECT_THAT(kept(), testing::Not(testing::Contains("deptyr.log.1.bobs")));
}

TEST_F(StoresTest, WhatAnotherProgramStoredCountsWhereItRuns) {
  HeadState state;
  state.kept = {"deptyr.ring.0.a", "deptyr.pty.1.a", "deptyr.pid.1.a",
                "deptyr.ring.0.b"};
  Session& a = table_.Add("a", kAlice, Value(Ring::Create(4096)));
  programs_.emplace_back(*loop_, std::vector<std::string>{"cat"});
  a.Start(programs_.back().Registration());
  ::setenv("FDSTORE", "6", 1);
  Stores next(*loop_, table_, [] {});
  Open(next, &state);
  ::unsetenv("FDSTORE");
  next.RestoreSessions();
  EXPECT_TRUE(next.Has(a));
  HeadState again;
  next.Save(again);
  EXPECT_THAT(again.kept, testing::UnorderedElementsAreArray(state.kept));
}

}  // namespace
}  // namespace deptyr
