#include "lib/sys/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr ExitStatus kFine{.code = 0};

std::string NameOf(int terminal) {
  std::array<char, 100> name{};
  EXPECT_EQ(::ttyname_r(terminal, name.data(), name.size()), 0);
  return name.data();
}

TEST(OpenPtyTest, BothEndsAreCloseOnExec) {
  const Pty pty = Value(OpenPty({}));
  EXPECT_EQ(::fcntl(pty.controller.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(pty.terminal.get(), F_GETFD), FD_CLOEXEC);
}

TEST(OpenPtyTest, BothEndsAreOfOnePty) {
  const Pty pty = Value(OpenPty({}));
  unsigned number = 0;
  ASSERT_EQ(::ioctl(pty.controller.get(), TIOCGPTN, &number), 0);
  EXPECT_EQ(NameOf(pty.terminal.get()), absl::StrCat("/dev/pts/", number));
}

TEST(OpenPtyTest, DoesNotBecomeOurControllingTerminal) {
  Program child = Program::Fork([] {
    (void)::setsid();
    const auto pty = OpenPty({});
    const int tty = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    return pty.ok() && tty < 0 ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST(OpenPtyTest, HasTheSizeAskedForAtBothEnds) {
  const Pty pty = Value(OpenPty({.rows = 50, .cols = 132}));
  EXPECT_EQ(Value(GetWindowSize(pty.controller.get())), (WindowSize{50, 132}));
  EXPECT_EQ(Value(GetWindowSize(pty.terminal.get())), (WindowSize{50, 132}));
}

TEST(OpenPtyTest, HasFlowControlIfThatIsAskedFor) {
  for (const FlowControl flow : {FlowControl::kOff, FlowControl::kOn}) {
    const Pty pty = Value(OpenPty({}, flow));
    EXPECT_EQ(ResumeKey(pty.controller.get()).has_value(),
              flow == FlowControl::kOn);
  }
}

class FlowTest : public testing::Test {
 protected:
  Flow After(absl::string_view keys) const {
    return FlowAfter(pty_.controller.get(), keys);
  }
  void Change(absl::FunctionRef<void(termios&)> change) {
    termios settings{};
    ASSERT_EQ(::tcgetattr(pty_.terminal.get(), &settings), 0);
    change(settings);
    ASSERT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &settings), 0);
  }

  const Pty pty_ = Value(OpenPty({}, FlowControl::kOn));
};

TEST_F(FlowTest, TheLastKeyThatMattersDecides) {
  EXPECT_EQ(After("a"), Flow::kUnchanged);
  EXPECT_EQ(After("a\x13z"), Flow::kStopped);
  EXPECT_EQ(After("\x13\x11z"), Flow::kResumed);
  EXPECT_EQ(After("\x11\x13"), Flow::kStopped);
}

TEST_F(FlowTest, AnInterruptResumes) {
  EXPECT_EQ(After("\x13\x03"), Flow::kResumed);
  Change([](termios& settings) {
    settings.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  });
  EXPECT_EQ(After("\x13\x03"), Flow::kStopped);
}

TEST_F(FlowTest, AnyKeyResumesWhereTheTerminalSaysSo) {
  Change([](termios& settings) { settings.c_iflag |= IXANY; });
  EXPECT_EQ(After("\x13z"), Flow::kResumed);
}

TEST_F(FlowTest, TheKeysAreThoseOfTheTerminal) {
  Change([](termios& settings) {
    settings.c_cc[VSTOP] = 'a';
    settings.c_cc[VSTART] = 'b';
  });
  EXPECT_EQ(After("a\x13"), Flow::kStopped);
  EXPECT_EQ(After("ab"), Flow::kResumed);
  EXPECT_EQ(ResumeKey(pty_.controller.get()), 'b');
  Change([](termios& settings) {
    settings.c_iflag &= ~static_cast<tcflag_t>(IXON);
  });
  EXPECT_EQ(After("a"), Flow::kUnchanged);
}

TEST(OpenPtyTest, ErasesWholeUtf8Characters) {
  const Pty pty = Value(OpenPty({}));
  termios settings{};
  ASSERT_EQ(::tcgetattr(pty.terminal.get(), &settings), 0);
  EXPECT_NE(settings.c_iflag & IUTF8, 0u);
}

TEST(OpenPtyTest, TellsThatNoDescriptorIsLeftAndLeaksNone) {
  Program child = Program::Fork([] {
    // One descriptor is left, enough for the controlling end only.
    const int free_one = ::dup(0);  // NOLINT(android-cloexec-dup)
    const auto most = static_cast<rlim_t>(free_one) + 1;
    const rlimit limit{most, most};
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    (void)::close(free_one);
    for (int i = 0; i < 10; ++i) {
      if (OpenPty({}).ok()) return 1;
    }
    return ::dup(0) == free_one ? 0 : 2;  // NOLINT(android-cloexec-dup)
  });
  EXPECT_EQ(child.Wait(), kFine);
}

// Opens a PTY in a file system where it has no name: a chroot, a container.
int OpenPtyInChroot(const std::string& root) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("devpts", absl::StrCat(root, "/elsewhere").c_str(), "devpts", 0,
              "newinstance,ptmxmode=0666") != 0 ||
      ::chroot(root.c_str()) != 0 || ::chdir("/") != 0) {
    return 77;
  }
  return OpenPty({}).ok() && !std::filesystem::exists("/dev/pts") ? 0 : 1;
}

TEST(OpenPtyTest, NeedsNoPathToTheClientEnd) {
  const TempDir root;
  std::filesystem::create_directory(root / "dev");
  std::filesystem::create_directory(root / "elsewhere");
  std::filesystem::create_symlink("../elsewhere/ptmx", root / "dev/ptmx");
  Program child = Program::Fork([&] { return OpenPtyInChroot(root.path()); });
  const auto end = child.Wait();
  ASSERT_TRUE(end);
  if (end->code == 77) GTEST_SKIP() << "may not mount and chroot here";
  EXPECT_EQ(*end, kFine);
}

TEST(IsControllerTest, IsTrueForAPtysControllingEndAlone) {
  const Pty pty = Value(OpenPty({}));
  const Pipe pipe;
  const SocketPair sockets;
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(Value(IsController(pty.controller.get())));
  for (const int fd : {pty.terminal.get(), pipe.read_end.get(),
                       sockets.ours.get(), null.get(), file.get(), -1}) {
    EXPECT_FALSE(Value(IsController(fd)));
  }
}

TEST(WindowSizeTest, CanBeChangedFromTheControllingEnd) {
  const Pty pty = Value(OpenPty({}));
  ASSERT_THAT(SetWindowSize(pty.controller.get(), {1, 65535}), IsOk());
  EXPECT_EQ(Value(GetWindowSize(pty.terminal.get())), (WindowSize{1, 65535}));
}

TEST(WindowSizeTest, IsATerminals) {
  const Pipe pipe;
  EXPECT_THAT(GetWindowSize(pipe.read_end.get()),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(SetWindowSize(pipe.read_end.get(), {}),
              StatusIs(absl::StatusCode::kUnavailable));
}

// --- signals of the terminal

TEST(SignalOfTest, IsWhatTheTerminalMakesOfTheCharacterNow) {
  const Pty pty = Value(OpenPty({}));
  const int fd = pty.controller.get();
  EXPECT_EQ(SignalOf(fd, 3), SIGINT);
  EXPECT_EQ(SignalOf(fd, 28), SIGQUIT);
  EXPECT_EQ(SignalOf(fd, 26), SIGTSTP);
  EXPECT_EQ(SignalOf(fd, 'c'), 0);
  EXPECT_EQ(SignalOf(fd, 4), 0) << "^D is an end of file";
  termios settings{};
  ASSERT_EQ(::tcgetattr(pty.terminal.get(), &settings), 0);
  settings.c_cc[VINTR] = 'x';
  settings.c_cc[VQUIT] = _POSIX_VDISABLE;
  ASSERT_EQ(::tcsetattr(pty.terminal.get(), TCSANOW, &settings), 0);
  EXPECT_EQ(SignalOf(fd, 'x'), SIGINT);
  EXPECT_EQ(SignalOf(fd, 3), 0);
  EXPECT_EQ(SignalOf(fd, _POSIX_VDISABLE), 0);
  settings.c_lflag &= ~static_cast<tcflag_t>(ISIG);
  ASSERT_EQ(::tcsetattr(pty.terminal.get(), TCSANOW, &settings), 0);
  EXPECT_EQ(SignalOf(fd, 'x'), 0);
}

TEST(SignalForegroundTest, ReachesAProgramThatReadsNothing) {
  const Pty pty = Value(OpenPty({}));
  ASSERT_THAT(SetNonBlocking(pty.controller.get()), IsOk());
  Pipe ready;
  Program program = Program::Fork(
      [&] {
        (void)BecomeTerminalProcess(pty.terminal.get());
        (void)!::write(ready.write_end.get(), "x", 1);
        (void)::pause();
        return 0;
      },
      {.keep = {pty.terminal.get(), ready.write_end.get()}});
  ASSERT_TRUE(OutputReader(ready.read_end.get()).Until("x"));
  while (WriteSome(pty.controller.get(), "typed ahead\n").bytes > 0) {
  }
  EXPECT_THAT(SignalForeground(pty.controller.get(), SIGINT), IsOk());
  EXPECT_EQ(program.Wait(), ExitStatus{.signal = SIGINT});
}

TEST(SignalForegroundTest, NeedsAPty) {
  const Pipe pipe;
  EXPECT_THAT(SignalForeground(pipe.read_end.get(), SIGINT),
              StatusIs(absl::StatusCode::kUnavailable));
}

// --- the environment

TEST(TerminalVariablesTest, TermIsInheritedUnlessItIsNoPtys) {
  for (const auto& [inherited, term] :
       {std::pair("", "xterm-256color"), std::pair("dumb", "xterm-256color"),
        std::pair("unknown", "xterm-256color"),
        std::pair("linux", "xterm-256color"), std::pair("vt100", "vt100"),
        std::pair("linux-16color", "linux-16color")}) {
    (void)::setenv("TERM", inherited, 1);
    EXPECT_EQ(TermForNewTerminal(), term) << inherited;
  }
  (void)::unsetenv("TERM");
  EXPECT_EQ(TermForNewTerminal(), "xterm-256color");
}

TEST(TerminalVariablesTest, TheSizeIsTheTerminalsOwn) {
  (void)::setenv("LINES", "10", 1);
  (void)::setenv("COLUMNS", "20", 1);
  SetTerminalVariables("ansi");
  EXPECT_STREQ(std::getenv("TERM"), "ansi");
  EXPECT_EQ(std::getenv("LINES"), nullptr);
  EXPECT_EQ(std::getenv("COLUMNS"), nullptr);
}

// --- BecomeTerminalProcess

int hangups = 0;
void CountHangup(int) {
  ++hangups;
}

// The state of a process as its supervisor started it, to be compared with a
// later one.
struct Looks {
  pid_t pid = ::getpid();
  sigset_t mask;
  struct sigaction on_hangup;

  Looks() {
    ::sigemptyset(&mask);
    (void)::sigprocmask(SIG_BLOCK, nullptr, &mask);
    (void)::sigaction(SIGHUP, nullptr, &on_hangup);
  }
};

// Returns everything that is not as BecomeTerminalProcess() promises; "" if
// nothing.
std::string WhatIsWrong(const Looks& before, const std::string& terminal) {
  const Looks now;
  std::string wrong;
  const auto expect = [&](bool holds, absl::string_view what) {
    if (!holds) absl::StrAppend(&wrong, what, "; ");
  };
  expect(now.pid == before.pid, "another pid");
  expect(::getsid(0) == now.pid, "no session leader");
  expect(::getpgrp() == now.pid, "no group leader");
  for (const int fd : {0, 1, 2}) {
    expect(NameOf(fd) == terminal, absl::StrCat("another file on fd ", fd));
    expect((::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR,
           absl::StrCat("not read-write: fd ", fd));
    expect(::fcntl(fd, F_GETFD) == 0, absl::StrCat("close-on-exec: fd ", fd));
  }
  expect(::tcgetsid(0) == now.pid, "not our controlling terminal");
  expect(::tcgetpgrp(0) == now.pid, "not in the foreground");
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    expect(
        ::sigismember(&now.mask, signal) == ::sigismember(&before.mask, signal),
        absl::StrCat("another mask for signal ", signal));
  }
  expect(now.on_hangup.sa_handler == before.on_hangup.sa_handler,
         "another disposition of SIGHUP");
  expect(hangups == 0, "SIGHUP was delivered");
  sigset_t pending;
  ::sigemptyset(&pending);
  (void)::sigpending(&pending);
  expect(::sigismember(&pending, SIGHUP) == 0, "SIGHUP is pending");
  expect(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD,
         "a child was left");
  return wrong;
}

class BecomeTerminalProcessTest : public testing::Test {
 protected:
  // Call this in a child.
  int Become() const {
    const Looks before;
    const absl::Status status = BecomeTerminalProcess(pty_.terminal.get());
    const std::string wrong = status.ok() ? WhatIsWrong(before, name_)
                                          : std::string(status.message());
    (void)!::write(report_.write_end.get(), wrong.data(), wrong.size());
    return wrong.empty() ? 0 : 1;
  }

  ProgramOptions WithOurFds() const {
    return {.keep = {pty_.terminal.get(), report_.write_end.get()}};
  }

  // Becomes the terminal's process after `as_started`, and returns what is
  // wrong then.
  std::string After(absl::FunctionRef<void()> as_started) {
    Program child = Program::Fork(
        [&] {
          as_started();
          return Become();
        },
        WithOurFds());
    return ReportOf(child);
  }

  std::string ReportOf(Program& child) {
    const auto end = child.Wait();
    report_.write_end.Reset();
    OutputReader report(report_.read_end.get());
    EXPECT_TRUE(report.UntilEnd());
    if (report.text().empty()) {
      EXPECT_EQ(end, kFine);
    }
    return report.text();
  }

  Pty pty_ = Value(OpenPty({}));
  const std::string name_ = NameOf(pty_.terminal.get());
  Pipe report_;
};

// A process started in a terminal emulator, or by systemd with
// StandardInput=tty, has this.
Pty old_terminal;
void LeadASessionWithATerminal() {
  old_terminal = Value(OpenPty({}));
  (void)::setsid();
  if (::ioctl(old_terminal.terminal.get(), TIOCSCTTY, 0) != 0) std::abort();
}

// systemd and s6 start programs like this.
TEST_F(BecomeTerminalProcessTest, WorksForASessionLeader) {
  EXPECT_EQ(After([] { (void)::setsid(); }), "");
}

// daemontools and runit start programs like this.
TEST_F(BecomeTerminalProcessTest, WorksForAPlainChild) {
  EXPECT_EQ(After([] {}), "");
}

// A shell with job control starts programs like this.
TEST_F(BecomeTerminalProcessTest, WorksForAGroupLeader) {
  EXPECT_EQ(After([] { (void)::setpgid(0, 0); }), "");
}

TEST_F(BecomeTerminalProcessTest, WorksForASessionLeaderThatHasATerminal) {
  EXPECT_EQ(After(LeadASessionWithATerminal), "");
}

TEST_F(BecomeTerminalProcessTest, KeepsAHandlerOfSighupAndCallsItNot) {
  EXPECT_EQ(After([] {
              LeadASessionWithATerminal();
              (void)::signal(SIGHUP, CountHangup);
            }),
            "");
}

TEST_F(BecomeTerminalProcessTest, KeepsSighupIgnored) {
  EXPECT_EQ(After([] {
              LeadASessionWithATerminal();
              (void)::signal(SIGHUP, SIG_IGN);
            }),
            "");
}

// The kernel keeps a blocked signal even while it is ignored, so the program
// would get it as soon as it unblocks it.
TEST_F(BecomeTerminalProcessTest, LeavesNoBlockedSighupBehind) {
  EXPECT_EQ(After([] {
              LeadASessionWithATerminal();
              sigset_t set;
              ::sigemptyset(&set);
              ::sigaddset(&set, SIGHUP);
              (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
            }),
            "");
}

TEST_F(BecomeTerminalProcessTest, KeepsTheSignalMask) {
  EXPECT_EQ(After([] {
              (void)::setpgid(0, 0);
              sigset_t set;
              ::sigemptyset(&set);
              ::sigaddset(&set, SIGTERM);
              ::sigaddset(&set, SIGCHLD);
              (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
            }),
            "");
}

// daemontools under a terminal starts a plain child that inherited one.
TEST_F(BecomeTerminalProcessTest, WorksForAPlainChildThatInheritedATerminal) {
  Program supervisor = Program::Fork(
      [&] {
        LeadASessionWithATerminal();
        Program child = Program::Fork([&] { return Become(); }, WithOurFds());
        const auto end = child.Wait();
        return end == kFine &&
                       ::tcgetsid(old_terminal.terminal.get()) == ::getpid()
                   ? 0
                   : 1;
      },
      WithOurFds());
  EXPECT_EQ(ReportOf(supervisor), "");
  EXPECT_EQ(supervisor.Wait(), kFine) << "it keeps its own";
}

// The shell that started us has gone, and our new parent has a session of its
// own: we can't join a parent's group.
TEST_F(BecomeTerminalProcessTest, WorksForAGroupLeaderOfAnotherSession) {
  Pipe moved;
  Program parent = Program::Fork(
      [&] {
        Program child = Program::Fork(
            [&] {
              (void)::setpgid(0, 0);
              char byte = 0;
              (void)!::read(moved.read_end.get(), &byte, 1);
              // If the usual way works here, this tests nothing.
              if (::setpgid(0, ::getpgid(::getppid())) == 0) return 2;
              return Become();
            },
            {.keep = {pty_.terminal.get(), report_.write_end.get(),
                      moved.read_end.get()}});
        // Wait until it has a group: we must start in one of the same session.
        if (!WaitFor([&] { return ::getpgid(child.pid()) == child.pid(); })) {
          return 3;
        }
        if (::setsid() < 0) return 4;
        moved.write_end.Reset();
        return child.Wait() == kFine ? 0 : 5;
      },
      {.keep = {pty_.terminal.get(), report_.write_end.get(),
                moved.read_end.get(), moved.write_end.get()}});
  moved.write_end.Reset();
  EXPECT_EQ(ReportOf(parent), "");
}

// A supervisor that is process 1 of a container is in a group that has no
// number there.
TEST_F(BecomeTerminalProcessTest, WorksForAJobOfAContainersProcess1) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Program outside = Program::Fork(
      [&] {
        if (::unshare(CLONE_NEWPID) != 0) return 2;
        const auto run = [](absl::FunctionRef<int()> main) {
          const pid_t pid = ::fork();
          if (pid == 0) ::_exit(main());
          int status = 0;
          (void)::waitpid(pid, &status, 0);
          return WEXITSTATUS(status);
        };
        return run([&] {
          return run([&] {
            (void)::setpgid(0, 0);
            return ::getpgid(::getppid()) == 0 ? Become() : 3;
          });
        });
      },
      WithOurFds());
  EXPECT_EQ(ReportOf(outside), "");
}

TEST_F(BecomeTerminalProcessTest, TheOldTerminalIsFreeForOthers) {
  EXPECT_EQ(After([] {}), "");
  Program child = Program::Fork(
      [&] {
        LeadASessionWithATerminal();
        if (!BecomeTerminalProcess(pty_.terminal.get()).ok()) return 1;
        Program heir = Program::Fork(
            [] {
              (void)::setsid();
              return ::ioctl(old_terminal.terminal.get(), TIOCSCTTY, 0) == 0
                         ? 0
                         : 1;
            },
            {.keep = {old_terminal.terminal.get()}});
        return heir.Wait() == kFine ? 0 : 2;
      },
      {.keep = {pty_.terminal.get()}});
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(BecomeTerminalProcessTest, WhatIsNoTerminalIsAnError) {
  EXPECT_THAT(After([&] {
                const Pipe pipe;
                (void)::dup2(pipe.read_end.get(), pty_.terminal.get());
              }),
              HasSubstr("make the PTY the controlling terminal: "));
}

TEST_F(BecomeTerminalProcessTest, ATerminalOfAnotherSessionIsAnError) {
  Pipe taken;
  Program holder = Program::Fork(
      [&] {
        (void)::setsid();
        (void)::ioctl(pty_.terminal.get(), TIOCSCTTY, 0);
        (void)!::write(taken.write_end.get(), "x", 1);
        (void)::pause();
        return 0;
      },
      {.keep = {pty_.terminal.get(), taken.write_end.get()}});
  ASSERT_TRUE(OutputReader(taken.read_end.get()).Until("x"));
  // Root may steal one only by saying so.
  EXPECT_THAT(After([] {}), HasSubstr("Operation not permitted"));
}

// --- what the kernel does with PTYs, which the session's rules stand on

class PtyFactsTest : public testing::Test {
 protected:
  PtyFactsTest() { EXPECT_THAT(SetNonBlocking(controller()), IsOk()); }

  int controller() const { return pty_.controller.get(); }
  Fd OpenTerminal() const {
    return Fd(::open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }

  // Returns what poll(2) reports now, even unasked.
  short Poll(short events = POLLIN) const {
    pollfd question{controller(), events, 0};
    (void)::poll(&question, 1, 0);
    return question.revents;
  }
  // Returns "abc", "EAGAIN", "EIO" or "end".
  std::string Read() const {
    std::array<char, 4096> room{};
    const ssize_t count = ::read(controller(), room.data(), room.size());
    if (count > 0) return {room.data(), static_cast<size_t>(count)};
    return count == 0 ? "end" : ::strerrorname_np(errno);
  }
  bool ReadableInTime() const {
    return (WaitForEvents(controller(), POLLIN) & POLLIN) != 0;
  }

  Pty pty_ = Value(OpenPty({}));
  const std::string name_ = NameOf(pty_.terminal.get());
};

TEST_F(PtyFactsTest, ATerminalNeverOpenedYetIsSilent) {
  pty_.controller =
      Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(::unlockpt(controller()), 0);
  EXPECT_EQ(Poll(), 0);
  EXPECT_EQ(Read(), "EAGAIN");
}

TEST_F(PtyFactsTest, TheLastWordsCanBeReadAfterTheTerminalWasClosed) {
  ASSERT_EQ(WriteSome(pty_.terminal.get(), "abc").bytes, 3u);
  pty_.terminal.Reset();
  ASSERT_TRUE(ReadableInTime());
  EXPECT_EQ(Poll(), POLLIN | POLLHUP);
  EXPECT_EQ(Read(), "abc");
  EXPECT_EQ(Read(), "EIO");
}

TEST_F(PtyFactsTest, AClosedTerminalReportsAHangupForEverAskedOrNot) {
  pty_.terminal.Reset();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Read(), "EIO");
    EXPECT_EQ(Poll(0), POLLHUP);
  }
}

TEST_F(PtyFactsTest, WhatIsTypedWhileItIsClosedReachesTheNextOpener) {
  pty_.terminal.Reset();
  EXPECT_EQ(WriteSome(controller(), "typed\n").bytes, 6u);
  const Fd terminal = OpenTerminal();
  std::array<char, 100> room{};
  const IoResult got = ReadSome(terminal.get(), room);
  EXPECT_EQ(absl::string_view(room.data(), got.bytes), "typed\n");
}

TEST_F(PtyFactsTest, OpenedAgainItHangsNoMoreAndKeepsItsSettings) {
  termios settings{};
  ASSERT_EQ(::tcgetattr(pty_.terminal.get(), &settings), 0);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ASSERT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &settings), 0);
  pty_.terminal.Reset();
  EXPECT_EQ(Poll(), POLLHUP);
  const Fd terminal = OpenTerminal();
  EXPECT_EQ(Poll(), 0);
  EXPECT_EQ(Read(), "EAGAIN");
  termios now{};
  ASSERT_EQ(::tcgetattr(terminal.get(), &now), 0);
  EXPECT_EQ(now.c_lflag & ECHO, 0u);
  EXPECT_EQ(now.c_iflag & IUTF8, settings.c_iflag & IUTF8);
}

TEST_F(PtyFactsTest, TheProgramIsHungUpWhenTheLastControllerGoes) {
  Fd copy(::fcntl(controller(), F_DUPFD_CLOEXEC, 0));
  Pipe ready;
  Program program = Program::Fork(
      [&] {
        (void)BecomeTerminalProcess(pty_.terminal.get());
        (void)!::write(ready.write_end.get(), "x", 1);
        (void)::pause();
        return 0;
      },
      {.keep = {pty_.terminal.get(), ready.write_end.get()}});
  ASSERT_TRUE(OutputReader(ready.read_end.get()).Until("x"));
  pty_.controller.Reset();
  EXPECT_FALSE(program.HasEnded()) << "a copy is left";
  copy.Reset();
  EXPECT_EQ(program.Wait(), ExitStatus{.signal = SIGHUP});
}

// A program may close its terminal and open it again, as ssh does to ask for a
// password: /dev/tty leads to it for as long as the session has it.
TEST_F(PtyFactsTest, AProgramMayCloseItsTerminalAndOpenItAgain) {
  Pipe steps;
  Pipe go;
  Program program = Program::Fork(
      [&] {
        (void)BecomeTerminalProcess(pty_.terminal.get());
        for (const int fd : {0, 1, 2, pty_.terminal.get()}) (void)::close(fd);
        (void)!::write(steps.write_end.get(), "x", 1);
        char byte = 0;
        (void)!::read(go.read_end.get(), &byte, 1);
        const int again = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
        return ::write(again, "again", 5) == 5 ? 0 : 1;
      },
      {.keep = {pty_.terminal.get(), steps.write_end.get(),
                go.read_end.get()}});
  pty_.terminal.Reset();
  ASSERT_TRUE(OutputReader(steps.read_end.get()).Until("x"));
  EXPECT_EQ(Read(), "EIO");
  go.write_end.Reset();
  EXPECT_EQ(program.Wait(), kFine);
  EXPECT_EQ(Read(), "again");
}

// The program, which is the session's leader, ends, and leaves a child behind
// that still holds the terminal and ignores SIGHUP.
class LeftoverTest : public PtyFactsTest {
 protected:
  // The leader starts a child in a group of its own, and ends.  The child says
  // on `step` that it is ready, and calls `act` once `go` ends.
  void Start(absl::FunctionRef<void(int terminal)> act) {
    leader_.emplace(Program::Fork(
        [&] {
          (void)BecomeTerminalProcess(pty_.terminal.get());
          (void)::signal(SIGHUP, SIG_IGN);
          const pid_t child = ::fork();
          if (child != 0) return ::setpgid(child, child) == 0 ? 0 : 1;
          (void)!::write(step_.write_end.get(), "ready ", 6);
          char byte = 0;
          (void)!::read(go_.read_end.get(), &byte, 1);
          act(STDIN_FILENO);
          return 0;
        },
        {.keep = {pty_.terminal.get(), step_.write_end.get(),
                  go_.read_end.get()}}));
    step_.write_end.Reset();
    ASSERT_TRUE(said_.Until("ready "));
    said_.Forget();
    pty_.terminal.Reset();
    ASSERT_EQ(leader_->Wait(), kFine);
  }

  void Say(const std::string& what) {
    (void)!::write(step_.write_end.get(), what.data(), what.size());
  }

  Pipe step_;
  Pipe go_;
  OutputReader said_{step_.read_end.get()};
  std::optional<Program> leader_;
};

// Other terminals are hung up when their session's leader ends, but PTYs are
// not: output can come after the end of a program, and somebody may go on
// reading.
TEST_F(LeftoverTest, WritesAndReadsOn) {
  Start([&](int terminal) {
    (void)!::write(terminal, "late", 4);
    std::array<char, 100> room{};
    const IoResult got = ReadSome(terminal, room);
    Say(std::string(room.data(), got.bytes));
  });
  EXPECT_EQ(Read(), "EAGAIN");
  go_.write_end.Reset();
  ASSERT_TRUE(ReadableInTime());
  EXPECT_EQ(Read(), "late");
  EXPECT_EQ(WriteSome(controller(), "typed\n").bytes, 6u);
  EXPECT_TRUE(said_.UntilEnd());
  EXPECT_EQ(said_.text(), "typed\n");
}

// The terminal only isn't a controlling terminal any more.
TEST_F(LeftoverTest, HasNoControllingTerminalAnyMore) {
  Start([&](int) {
    Say(::open("/dev/tty", O_RDWR | O_CLOEXEC) < 0 ? ::strerrorname_np(errno)
                                                   : "open");
  });
  go_.write_end.Reset();
  EXPECT_TRUE(said_.UntilEnd());
  EXPECT_EQ(said_.text(), "ENXIO");
}

// So EIO on the controlling end comes when the last holder of the terminal lets
// go, whenever that is, and says nothing about the program.
TEST_F(LeftoverTest, KeepsTheControllingEndFromSayingEio) {
  Start([](int) {});
  EXPECT_EQ(Read(), "EAGAIN");
  EXPECT_EQ(Poll(), 0);
  go_.write_end.Reset();
  EXPECT_TRUE(WaitFor([&] { return Read() == "EIO"; })) << "it ended";
}

TEST_F(LeftoverTest, IsKilledByTheHangupInTheForegroundGroup) {
  Program leader = Program::Fork(
      [&] {
        (void)BecomeTerminalProcess(pty_.terminal.get());
        if (::fork() != 0) return 0;
        char byte = 0;
        (void)!::read(go_.read_end.get(), &byte, 1);
        return 0;
      },
      {.keep = {pty_.terminal.get(), step_.write_end.get(),
                go_.read_end.get()}});
  step_.write_end.Reset();
  EXPECT_EQ(leader.Wait(), kFine);
  EXPECT_TRUE(said_.UntilEnd()) << "the pipe's last writer ended with it";
}

}  // namespace
}  // namespace deptyr
