// A head takes back what an earlier one left in a store; by then it may be
// something else.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/head/head.h"
#include "lib/session/file_log.h"
#include "lib/session/ring.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

class KeptTest : public testing::Test {
 protected:
  // Starts a head that is given these back, for the first program of a session.
  // The ring knows of the program if it `began`.
  Session& TakeBack(int controller, int pidfd, bool began = true) {
    if (began) (void)ring_.Begin({.pid = program_.pid(), .rows = 24});
    return TakeBack({{"pty", controller}, {"pid", pidfd}});
  }
  Session& TakeBack(const std::vector<std::pair<std::string, int>>& stored) {
    HeadState before;
    before.held = {{"deptyr.ring.0.a", Released(ring_.fd())}};
    for (const auto& [kind, fd] : stored) {
      before.held.push_back({"deptyr." + kind + ".1.a", Released(fd)});
    }
    HeadOptions options;
    options.socket = dir_ / "head.sock";
    options.log_dir = log_dir_;
    head_ = Value(Head::Create(*loop_, options, std::move(before)));
    return *head_->sessions().at("a");
  }
  static int Released(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 0); }

  const TempDir dir_;
  std::string log_dir_;  // "" for none
  Ring ring_ = Value(Ring::Create(4096));
  Program program_ = Program::Start({"sleep", "1000"});
  Pty pty_ = Value(OpenPty({.rows = 24, .cols = 80}));
  const Pipe pipe_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::unique_ptr<Head> head_;
};

TEST_F(KeptTest, AProgramThatRunsIsTakenBack) {
  const Session& session = TakeBack(pty_.controller.get(), program_.pidfd());
  EXPECT_TRUE(session.running());
  EXPECT_EQ(session.program().pid(), program_.pid());
}

// The earlier head was killed after its answer, before it counted the program.
TEST_F(KeptTest, AProgramThatEndedBeforeTheNextHeadCameHadItsSay) {
  ASSERT_EQ(::write(pty_.terminal.get(), "all of it", 9), 9);
  pty_.terminal.Reset();
  program_.Signal(SIGKILL);
  ASSERT_TRUE(program_.Wait());
  const Session& session =
      TakeBack(pty_.controller.get(), program_.pidfd(), false);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !session.running(); }));
  EXPECT_EQ(session.program().number(), 1U);
  EXPECT_EQ(session.ring().From(session.ring().history_start()), "all of it");
}

class KeptLogTest : public KeptTest {
 protected:
  void Write(const std::string& text) {
    text.copy(ring_.Space(text.size()).data(), text.size());
    ring_.Commit(text.size());
  }
  // The log of a head that has died since.
  std::unique_ptr<SessionLog> LogThat(const std::string& style) {
    (void)ring_.Begin({.pid = program_.pid(), .rows = 24});
    auto log = std::make_unique<SessionLog>(*loop_, ring_, [] {});
    EXPECT_THAT(
        log->Begin(Value(LogSink::Take(Duplicate(pipe_.write_end.get()))),
                   style, {24, 80}),
        IsOk());
    return log;
  }
  Session& TakeBack(const SessionLog& log) {
    return KeptTest::TakeBack({{"pty", pty_.controller.get()},
                               {"pid", program_.pidfd()},
                               {"log", log.descriptor()},
                               {"spool", log.spool()}});
  }
  OutputReader output_{pipe_.read_end.get()};
};

TEST_F(KeptLogTest, GoesOnWhereItWas) {
  const auto log = LogThat("ansi");
  Write("one\r\ntw");
  log->OnOutput();
  Write("o\r\n\x1b[31mthree\r\n");
  const Session& session = TakeBack(*log);
  EXPECT_TRUE(output_.Until("one\ntwo\n\x1b[31mthree\x1b[m\n"));
  EXPECT_EQ(session.log().style(), "ansi");
}

TEST_F(KeptLogTest, OfAProgramThatEndedMeanwhileHasItsEnd) {
  const auto log = LogThat("text");
  Write("one\r\ntw");
  log->OnOutput();
  ring_.latest().outcome = Outcome::kExited;
  const Session& session = TakeBack(*log);
  const std::string end = absl::StrCat("one\ntw\ndeptyr: pid ", program_.pid(),
                                       " ended: exit status 0\n");
  EXPECT_TRUE(output_.Until(end));
  EXPECT_FALSE(session.log().open());
}

TEST_F(KeptLogTest, ALogFileGoesOnWhereItWas) {
  log_dir_ = dir_.path();
  LogFolder folder;
  ASSERT_THAT(folder.Open(log_dir_), IsOk());
  (void)ring_.Begin({.pid = program_.pid(), .rows = 24});
  const CurrentProgram program(*loop_, ring_, [] {});
  FileLog log(*loop_, ring_, program, {&folder, false}, "a", [] {});
  log.Begin({24, 80});
  Write("one\r\ntw");
  log.OnOutput();
  Write("o\r\n");
  (void)KeptTest::TakeBack({{"pty", pty_.controller.get()},
                            {"pid", program_.pidfd()},
                            {"file", log.spool()}});
  EXPECT_EQ(ReadSmallFile(dir_ / "a.log"), "one\ntwo\n");
}

TEST_F(KeptLogTest, WhatIsNoSpoolIsLetGo) {
  const Session& session = KeptTest::TakeBack({{"pty", pty_.controller.get()},
                                               {"pid", program_.pidfd()},
                                               {"log", pipe_.write_end.get()},
                                               {"spool", ring_.fd()}});
  EXPECT_FALSE(session.log().open());
}

// Whoever made it block may still be there, and nothing is set on the open
// file.
TEST_F(KeptTest, HeadDoesNotWaitForATerminalThatBlocks) {
  ASSERT_EQ(::fcntl(pty_.controller.get(), F_SETFL, O_RDWR), 0);
  Session& session = TakeBack(pty_.controller.get(), program_.pidfd());
  ASSERT_EQ(::write(pty_.terminal.get(), "abc", 3), 3);
  EXPECT_TRUE(RunUntil(*loop_, [&] { return session.ring().end() == 3; }));
  EXPECT_TRUE(session.running());
  EXPECT_EQ(::fcntl(pty_.controller.get(), F_GETFL) & O_NONBLOCK, 0);
}

// A head that hands over tells the order; older ones left it to the clock.
TEST_F(KeptTest, TheNewestIsTheOneThatRegisteredLastWhateverTheClockSays) {
  for (const bool ordered : {true, false}) {
    Ring first = Value(Ring::Create(4096));
    Ring second = Value(Ring::Create(4096));
    first.state().owner = second.state().owner = ::getuid();
    (void)first.Begin({.started = 2000, .pid = 1});
    (void)second.Begin({.started = 1000, .pid = 1});
    HeadState before;
    before.sessions.resize(2);
    before.sessions[0].name = "second";
    before.sessions[0].ring = Released(second.fd());
    before.sessions[1].name = "first";
    before.sessions[1].ring = Released(first.fd());
    if (ordered) {
      before.sessions[0].order = 2;
      before.sessions[1].order = 1;
    }
    HeadOptions options;
    options.socket = dir_ / "head.sock";
    head_.reset();
    head_ = Value(Head::Create(*loop_, options, std::move(before)));
    ASSERT_NE(head_->newest(), nullptr);
    EXPECT_EQ(head_->newest()->name(), ordered ? "second" : "first");
  }
}

TEST_F(KeptTest, WhatIsNoTerminalIsLetGo) {
  EXPECT_FALSE(TakeBack(pipe_.write_end.get(), program_.pidfd()).running());
  // Only this test has it.
  EXPECT_EQ(::fcntl(pipe_.write_end.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(KeptTest, WhatIsNoProcessIsLetGo) {
  EXPECT_FALSE(TakeBack(pty_.controller.get(), pipe_.read_end.get()).running());
}

}  // namespace
}  // namespace deptyr
