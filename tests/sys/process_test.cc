#include "lib/sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/peer_identity.h"
#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/kernel.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr ExitStatus kFine{.code = 0};

short Poll(int fd) {
  pollfd question{fd, POLLIN, 0};
  (void)::poll(&question, 1, 0);
  return question.revents;
}

// A process that connected to us, and is held by a pidfd.
class PendingConnectionTest : public testing::Test {
 protected:
  // The process connects, and waits for a byte (then exits with 3) or the end
  // of `go_` (then with 4).
  PendingConnectionTest()
      : peer_(Program::Fork(
            [&] {
              const auto connection = Connect(path_, kDeadline);
              char byte = 0;
              return ::read(go_.read_end.get(), &byte, 1) == 1 ? 3 : 4;
            },
            {.keep = {go_.read_end.get()}})) {
    std::optional<Fd> connection;
    EXPECT_TRUE(WaitFor([&] {
      connection = Value(Accept(listener_.fd()));
      return connection.has_value();
    }));
    connection_ = *std::move(connection);
    pidfd_ =
        Value(PeerPidfd(connection_.get(),
                        Value(IdentifyPeer(connection_.get())), Clock::now()));
  }

  void LetItEnd() const { (void)!::write(go_.write_end.get(), "x", 1); }
  bool HasEndedInTime() const {
    return WaitForEvents(pidfd_.get(), POLLIN) != 0;
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "head.sock";
  const ListeningSocket listener_ = Value(Listen(path_, {}));
  const Pipe go_;
  Program peer_;
  Fd connection_;
  Fd pidfd_;
};

// Returns the answer in the words of ExitAnswer; "never" on a kernel that
// doesn't tell.
std::string Answer(int pidfd) {
  const ExitAnswer answer = AskExitStatus(pidfd);
  switch (answer.state) {
    case ExitAnswer::kKnown:
      return Describe(answer.status);
    case ExitAnswer::kNotYet:
      return "not yet";
    case ExitAnswer::kNever:
      return "never";
  }
  return "?";
}

std::string Expected(const std::string& answer) {
  return KernelTellsExitStatus() ? answer : "never";
}

TEST_F(PendingConnectionTest, HasNotEndedWhileItRuns) {
  EXPECT_FALSE(HasEnded(pidfd_.get()));
  EXPECT_EQ(Answer(pidfd_.get()), Expected("not yet"));
}

TEST_F(PendingConnectionTest, HasEndedBeforeItIsReaped) {
  LetItEnd();
  ASSERT_TRUE(HasEndedInTime());
  EXPECT_TRUE(HasEnded(pidfd_.get()));
  EXPECT_EQ(peer_.Wait(), ExitStatus{.code = 3});
  EXPECT_TRUE(HasEnded(pidfd_.get()));
}

// Only its parent may know before.
TEST_F(PendingConnectionTest, TellsItsExitStatusOnceItIsReaped) {
  LetItEnd();
  ASSERT_TRUE(HasEndedInTime());
  EXPECT_EQ(Answer(pidfd_.get()), Expected("not yet"));
  EXPECT_EQ(peer_.Wait(), ExitStatus{.code = 3});
  EXPECT_EQ(Answer(pidfd_.get()), Expected("exit status 3"));
  EXPECT_EQ(Answer(pidfd_.get()), Expected("exit status 3")) << "and again";
}

TEST_F(PendingConnectionTest, TellsTheSignalThatKilledIt) {
  peer_.Signal(SIGKILL);
  EXPECT_EQ(peer_.Wait(), ExitStatus{.signal = SIGKILL});
  EXPECT_EQ(Answer(pidfd_.get()), Expected("signal 9 (Killed)"));
}

// While a process is being reaped, the kernel says ESRCH for a moment; about
// one in fifty who ask right then gets that.
TEST(ExitStatusTest, IsNotLostOnWhoAsksWhileItIsReaped) {
  if (!KernelTellsExitStatus()) GTEST_SKIP() << "needs Linux 6.15";
  constexpr int kTimes = 1000;
  for (int i = 0; i < kTimes; ++i) {
    Program child = Program::Fork([] { return 3; });
    const Fd pidfd(::fcntl(child.pidfd(), F_DUPFD_CLOEXEC, 0));
    std::thread parent([&] { (void)child.Wait(); });
    EXPECT_NE(WaitForEvents(pidfd.get(), POLLIN), 0);
    ExitAnswer answer = AskExitStatus(pidfd.get());
    while (answer.state == ExitAnswer::kNotYet) {
      answer = AskExitStatus(pidfd.get());
    }
    EXPECT_EQ(answer.state, ExitAnswer::kKnown) << "the " << i << "th time";
    parent.join();
    if (HasFailure()) return;
  }
}

// The end is reported as input and the reaping as a hang-up, so nobody need ask
// again and again.
TEST_F(PendingConnectionTest, ReapingIsAHangup) {
  if (!KernelTellsExitStatus()) GTEST_SKIP() << "needs Linux 6.15";
  EXPECT_EQ(Poll(pidfd_.get()), 0);
  LetItEnd();
  ASSERT_TRUE(HasEndedInTime());
  EXPECT_EQ(Poll(pidfd_.get()), POLLIN);
  ASSERT_TRUE(peer_.Wait());
  EXPECT_NE(Poll(pidfd_.get()) & POLLHUP, 0);
}

TEST_F(PendingConnectionTest, APidfdIsCloseOnExec) {
  EXPECT_EQ(::fcntl(pidfd_.get(), F_GETFD), FD_CLOEXEC);
}

// Both ends of a pair are ours.
TEST(PeerPidfdTest, FindsTheProcessThatMadeTheSocket) {
  const SocketPair sockets;
  const Fd pidfd =
      Value(PeerPidfd(sockets.ours.get(), {.pid = ::getpid()}, Clock::now()));
  EXPECT_FALSE(HasEnded(pidfd.get()));
}

TEST(PeerPidfdTest, WhatIsNoSocketIsAnError) {
  const Pipe pipe;
  EXPECT_THAT(PeerPidfd(pipe.read_end.get(), {.pid = ::getpid()}, Clock::now()),
              StatusIs(absl::StatusCode::kUnavailable));
}

// A process with these real, effective and saved users, until the object goes.
class OtherProcess {
 public:
  explicit OtherProcess(std::array<uid_t, 3> users = {}) {
    Pipe ready;
    process_.emplace(Program::Fork(
        [&] {
          if (::setresuid(users[0], users[1], users[2]) != 0) return 1;
          (void)!::write(ready.write_end.get(), "x", 1);
          for (;;) ::pause();
        },
        {.keep = {ready.write_end.get()}}));
    char byte = 0;
    EXPECT_EQ(::read(ready.read_end.get(), &byte, 1), 1);
  }
  pid_t pid() const { return process_->pid(); }
  int pidfd() const { return process_->pidfd(); }
  Program& program() { return *process_; }

 private:
  std::optional<Program> process_;
};

// Pretends to be a Linux before 6.5.
class OldKernelPeerTest : public testing::Test {
 protected:
  // Asks such a kernel for a peer that seems to be `process`.
  absl::StatusCode Ask(pid_t process, uid_t uid,
                       Clock::time_point accepted = Clock::now()) {
    Program asker = Program::Fork(
        [&] {
          PretendOldKernel();
          const auto pidfd = PeerPidfd(sockets_.ours.get(),
                                       {.pid = process, .uid = uid}, accepted);
          if (pidfd.ok() && HasEnded(pidfd->get())) return 99;
          return static_cast<int>(pidfd.status().code());
        },
        {.keep = {sockets_.ours.get()}});
    return static_cast<absl::StatusCode>(asker.Wait()->code);
  }
  const SocketPair sockets_;
};

TEST_F(OldKernelPeerTest, GoesByThePid) {
  OtherProcess peer;
  EXPECT_EQ(Ask(peer.pid(), ::getuid()), absl::StatusCode::kOk);
  // Its process is outside our PID namespace.
  EXPECT_EQ(Ask(0, ::getuid()), absl::StatusCode::kPermissionDenied);
}

TEST_F(OldKernelPeerTest, WhoHasAnotherUserTookThePidOver) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be several users";
  constexpr uid_t kPeer = 12345;
  constexpr uid_t kVictim = 12346;
  OtherProcess peer({kPeer, kPeer, kPeer});
  EXPECT_EQ(Ask(peer.pid(), kPeer), absl::StatusCode::kOk);
  EXPECT_EQ(Ask(peer.pid(), kVictim), absl::StatusCode::kPermissionDenied);
  for (const std::array<uid_t, 3>& users :
       {std::array<uid_t, 3>{kPeer, kPeer, kVictim},
        {kPeer, kVictim, kPeer},
        {kVictim, kPeer, kPeer}}) {
    OtherProcess victim(users);
    EXPECT_EQ(Ask(victim.pid(), kPeer), absl::StatusCode::kPermissionDenied);
  }
}

TEST_F(OldKernelPeerTest, WhoStartedAfterTheConnectionTookThePidOver) {
  const Clock::time_point accepted = Clock::now();
  // The kernel counts in hundredths of a second.
  const Clock::time_point later = accepted + std::chrono::milliseconds(30);
  ASSERT_TRUE(WaitFor([&] { return Clock::now() > later; }));
  OtherProcess other;
  EXPECT_EQ(Ask(other.pid(), ::getuid(), accepted),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Ask(other.pid(), ::getuid()), absl::StatusCode::kOk);
}

// --- on somebody's behalf

class SendSignalForTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be several users";
  }
  // Whether a signal of such a sender ends such a process.
  bool Ends(uid_t sender, std::array<uid_t, 3> users) {
    OtherProcess process(users);
    const absl::Status sent = SendSignalFor(sender, process.pidfd(), SIGTERM);
    if (!sent.ok()) {
      EXPECT_THAT(sent, StatusIs(absl::StatusCode::kPermissionDenied,
                                 HasSubstr("may not signal this process")));
      EXPECT_FALSE(process.program().HasEnded());
      return false;
    }
    return process.program().Wait() == ExitStatus{.signal = SIGTERM};
  }
  static constexpr uid_t kUser = 12345;
  static constexpr uid_t kOther = 12346;
};

// kill(2) has these rules.
TEST_F(SendSignalForTest, TheRealAndTheSavedUserCount) {
  EXPECT_TRUE(Ends(kUser, {kUser, kUser, kUser}));
  EXPECT_TRUE(Ends(kUser, {kUser, kOther, kOther}));
  EXPECT_TRUE(Ends(kUser, {kOther, kOther, kUser}));
  EXPECT_FALSE(Ends(kUser, {kOther, kUser, kOther}));
  EXPECT_FALSE(Ends(kUser, {kOther, kOther, kOther}));
  EXPECT_FALSE(Ends(kUser, {0, 0, 0}));
}

TEST_F(SendSignalForTest, RootMayAll) {
  EXPECT_TRUE(Ends(0, {kOther, kOther, kOther}));
  EXPECT_TRUE(Ends(0, {0, 0, 0}));
}

TEST_F(SendSignalForTest, WhatCannotBeKnownIsNotSent) {
  OtherProcess process({kUser, kUser, kUser});
  Program blind = Program::Fork(
      [&] {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
          return 1;
        }
        return SendSignalFor(kUser, process.pidfd(), SIGTERM).ok() ? 2 : 0;
      },
      {.keep = {process.pidfd()}});
  EXPECT_EQ(blind.Wait(), kFine);
  EXPECT_FALSE(process.program().HasEnded());
  process.program().Signal(SIGKILL);
  ASSERT_TRUE(WaitFor([&] { return process.program().HasEnded(); }));
  EXPECT_FALSE(SendSignalFor(kUser, process.pidfd(), SIGTERM).ok());
}

// If a kernel lacks a call, or a container's filter refuses it, each says in
// one line what is needed.
TEST(ReapChildTest, WithoutWaitidOfAPidfdItSaysWhatIsNeeded) {
  Program parent = Program::Fork([] {
    RefuseSystemCalls({SYS_waitid}, EINVAL);  // Linux 5.3
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(3);
    const auto child = HoldChild(pid);
    if (!child.ok() || WaitForEvents(child->pidfd.get(), POLLIN) == 0) return 1;
    const auto end = ReapChild(child->pidfd.get());
    return absl::StrContains(end.status().message(),
                             "waitid(2) of a pidfd is needed: Linux 5.4 ")
               ? 0
               : 2;
  });
  EXPECT_EQ(parent.Wait(), kFine);
}

TEST(FindProgramTest, FindsWhatExecvpWouldExecute) {
  const char* const path = std::getenv("PATH");
  const std::string before = path == nullptr ? "" : path;
  (void)::setenv("PATH", "/nonexistent:/etc:/bin", 1);
  EXPECT_EQ(FindProgram("sh"), "/bin/sh");
  EXPECT_EQ(FindProgram("/bin/sh"), "/bin/sh");
  for (const char* const other : {"no-such-program", "passwd.", "/etc/passwd",
                                  "/bin", "bin/sh", "/nonexistent/sh", ""}) {
    EXPECT_EQ(FindProgram(other), "") << other;
  }
  (void)::setenv("PATH", before.c_str(), 1);
}

TEST(OpenPidfdTest, WithoutPidfdOpenItSaysWhatIsNeededAndLeavesNoChild) {
  for (const int error : {ENOSYS, EPERM}) {
    Program parent = Program::Fork([error] {
      RefuseSystemCalls({SYS_pidfd_open}, error);
      const pid_t pid = ::fork();
      if (pid == 0) (void)::pause();
      const auto child = HoldChild(pid);
      if (!absl::StrContains(child.status().message(),
                             "pidfd_open(2) is needed: Linux 5.4 ")) {
        return 1;
      }
      return ::waitpid(-1, nullptr, 0) == -1 && errno == ECHILD ? 0 : 2;
    });
    EXPECT_EQ(parent.Wait(), kFine);
  }
}

TEST(AskExitStatusTest, AKernelThatDoesNotTellSaysSoAtOnce) {
  Program child = Program::Fork([] {
    PretendOldKernel();
    Program grandchild = Program::Fork([] { return 0; });
    const Fd copy(::dup(grandchild.pidfd()));  // NOLINT(android-cloexec-dup)
    (void)grandchild.Wait();
    return Answer(copy.get()) == "never" ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(AskExitStatusTest, WhatIsNoPidfdNeverTells) {
  const Pipe pipe;
  EXPECT_EQ(Answer(pipe.read_end.get()), "never");
}

TEST(DescribeTest, SaysItForPeople) {
  EXPECT_EQ(Describe({.code = 0}), "exit status 0");
  EXPECT_EQ(Describe({.code = 111}), "exit status 111");
  EXPECT_EQ(Describe({.signal = SIGKILL}), "signal 9 (Killed)");
  EXPECT_EQ(Describe({.signal = 64}), "signal 64 (unknown)");
}

TEST(RaiseDescriptorLimitTest, GoesUpToTheHardLimit) {
  Program child = Program::Fork([] {
    const rlimit low{20, 100};
    (void)::setrlimit(RLIMIT_NOFILE, &low);
    if (RaiseDescriptorLimit() != 100) return 1;
    rlimit now{};
    (void)::getrlimit(RLIMIT_NOFILE, &now);
    return now.rlim_cur == 100 && now.rlim_max == 100 ? 0 : 2;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

// --- our own children

class SpawnTest : public testing::Test {
 protected:
  Child Spawn(const std::string& script) {
    return Value(
        SpawnOnTerminal(pty_.terminal.get(), "sh", {"sh", "-c", script}));
  }
  // Reaps the child, and returns how it ended.
  static std::optional<ExitStatus> EndOf(const Child& child) {
    if (WaitForEvents(child.pidfd.get(), POLLIN) == 0) return std::nullopt;
    return Value(ReapChild(child.pidfd.get()));
  }
  std::string Shown() {
    pty_.terminal.Reset();
    OutputReader output(pty_.controller.get());
    EXPECT_TRUE(output.UntilEnd());
    return output.text();
  }

  Pty pty_ = Value(OpenPty({.rows = 30, .cols = 90}));
};

TEST_F(SpawnTest, ItsTerminalIsOnFds0To2AndControlsIt) {
  const Child child = Spawn(
      "stty size; ps -o pid=,sid=,tpgid= -p $$ | { read p s t; "
      "[ $p = $s ] && [ $p = $t ] && echo leads; }; echo error >&2");
  EXPECT_EQ(EndOf(child), ExitStatus{});
  EXPECT_EQ(Shown(), "30 90\r\nleads\r\nerror\r\n");
}

TEST_F(SpawnTest, SignalsAreAsInAFreshProcess) {
  Program parent = Program::Fork(
      [&] {
        (void)::signal(SIGUSR1, SIG_IGN);
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGUSR1);
        (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
        return EndOf(Spawn("kill -USR1 $$")) == ExitStatus{.signal = SIGUSR1}
                   ? 0
                   : 1;
      },
      {.keep = {pty_.terminal.get()}});
  EXPECT_EQ(parent.Wait(), kFine);
}

TEST_F(SpawnTest, WhatCannotBeExecutedSaysSoOnTheTerminal) {
  const Child child = Value(
      SpawnOnTerminal(pty_.terminal.get(), "/no/such/program", {"program"}));
  EXPECT_EQ(EndOf(child), ExitStatus{.code = 127});
  EXPECT_EQ(Shown(),
            "deptyr: execute /no/such/program: No such file or directory\r\n");
  pty_ = Value(OpenPty({}));
  const Child folder =
      Value(SpawnOnTerminal(pty_.terminal.get(), "/proc", {"program"}));
  EXPECT_EQ(EndOf(folder), ExitStatus{.code = 126});
}

TEST_F(SpawnTest, IsReapedOnceItHasEnded) {
  const Child child = Spawn("read line; exit 3");
  EXPECT_EQ(Value(ReapChild(child.pidfd.get())), std::nullopt);
  ASSERT_EQ(::write(pty_.controller.get(), "\n", 1), 1);
  EXPECT_EQ(EndOf(child), ExitStatus{.code = 3});
  EXPECT_EQ(::kill(child.pid, 0), -1) << "no zombie";
  EXPECT_THAT(ReapChild(child.pidfd.get()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("No child")))
      << "only once";
}

TEST_F(SpawnTest, ASignalIsSentToTheVeryProcess) {
  const Child child = Spawn("echo ready; read line");
  OutputReader output(pty_.controller.get());
  ASSERT_TRUE(output.Until("ready\r\n"));
  EXPECT_THAT(SendSignal(child.pidfd.get(), SIGTERM), IsOk());
  EXPECT_EQ(EndOf(child), ExitStatus{.signal = SIGTERM});
  EXPECT_THAT(
      SendSignal(child.pidfd.get(), SIGTERM),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("No such process")));
}

TEST_F(SpawnTest, ThePidOfAPidfdIsKnownUntilItIsReaped) {
  const Child child = Spawn("read line");
  EXPECT_EQ(Value(PidOf(child.pidfd.get())), child.pid);
  ASSERT_THAT(SendSignal(child.pidfd.get(), SIGKILL), IsOk());
  EXPECT_TRUE(EndOf(child));
  EXPECT_EQ(Value(PidOf(child.pidfd.get())), 0);
  for (const int no_pidfd : {pty_.controller.get(), -1}) {
    EXPECT_THAT(PidOf(no_pidfd), StatusIs(absl::StatusCode::kNotFound));
  }
}

}  // namespace
}  // namespace deptyr
