#include "lib/sys/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::StartsWith;

constexpr ExitStatus kFine{.code = 0};

// This is the user's terminal: its client end is on fds 0, 1 and 2 of a child,
// and we look at it from outside.
class TerminalTest : public testing::Test {
 protected:
  TerminalTest() {
    // These differ from a new terminal's settings, so that restoring is not
    // resetting.
    termios settings = Settings();
    settings.c_cc[VINTR] = 7;
    settings.c_oflag |= OCRNL;
    EXPECT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &settings), 0);
    before_ = Settings();
  }

  termios Settings() const {
    termios settings{};
    EXPECT_EQ(::tcgetattr(pty_.terminal.get(), &settings), 0);
    return settings;
  }
  bool IsAsBefore() const {
    const termios now = Settings();
    return now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
           now.c_cflag == before_.c_cflag && now.c_lflag == before_.c_lflag &&
           std::equal(std::begin(now.c_cc), std::end(now.c_cc),
                      std::begin(before_.c_cc));
  }
  bool IsRaw() const {
    const termios now = Settings();
    return (now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) == 0 &&
           (now.c_oflag & OPOST) == 0 && (now.c_iflag & (ICRNL | IXON)) == 0 &&
           now.c_cc[VMIN] == 1 && now.c_cc[VTIME] == 0;
  }

  ProgramOptions OnTheTerminal() const {
    const int terminal = pty_.terminal.get();
    return {.fds = {{terminal, 0}, {terminal, 1}, {terminal, 2}},
            .keep = {step_.write_end.get(), go_.read_end.get()}};
  }

  // The child tells us, and waits to be told.
  void Step() const {
    (void)!::write(step_.write_end.get(), "x", 1);
    char byte = 0;
    (void)!::read(go_.read_end.get(), &byte, 1);
  }
  void AwaitStep() {
    ASSERT_TRUE(steps_.Until("x"));
    steps_.Forget();
  }
  void Go() const { (void)!::write(go_.write_end.get(), "x", 1); }

  Pty pty_ = Value(OpenPty({}));
  termios before_{};
  Pipe step_;
  Pipe go_;
  OutputReader steps_{step_.read_end.get()};
};

TEST_F(TerminalTest, IsRawWhileItIsOursAndThenAsBefore) {
  Program child = Program::Fork(
      [&] {
        {
          const Terminal terminal = Value(Terminal::Take());
          Step();
        }
        Step();
        return 0;
      },
      OnTheTerminal());
  AwaitStep();
  EXPECT_TRUE(IsRaw());
  Go();
  AwaitStep();
  EXPECT_TRUE(IsAsBefore());
  Go();
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(TerminalTest, IsOnTheMainScreenWithItsModesResetAtTheEnd) {
  Program child = Program::Fork(
      [&] {
        (void)Terminal::Take();
        return 0;
      },
      OnTheTerminal());
  EXPECT_EQ(child.Wait(), kFine);
  OutputReader screen(pty_.controller.get());
  EXPECT_TRUE(screen.Until(
      StartsWith(absl::StrCat(kLeaveAlternateScreen, kResetModes))));
}

// A terminal that is far away goes on sending reports for a while.
TEST_F(TerminalTest, LateInputIsDroppedUntilTheTerminalAnswers) {
  Program child = Program::Fork(
      [&] {
        Value(Terminal::Take())
            .GiveBack("undone", absl::ZeroDuration(),
                      Terminal::LateInput::kDropped);
        std::array<char, 80> line{};
        const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size());
        return absl::string_view(line.data(), got < 0 ? 0 : got) == "mine\n"
                   ? 0
                   : 1;
      },
      OnTheTerminal());
  OutputReader screen(pty_.controller.get());
  ASSERT_TRUE(screen.Until(
      AllOf(StartsWith("undone"), testing::EndsWith("\r\n\x1b[5n"))));
  const absl::string_view sent = "\x1b[<35;1;1M\x1b[0\x1b[0nmine\n";
  ASSERT_EQ(::write(pty_.controller.get(), sent.data(), sent.size()),
            sent.size());
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(IsAsBefore());
}

TEST_F(TerminalTest, ATerminalThatAnswersNothingKeepsNobody) {
  Program child = Program::Fork(
      [&] {
        Value(Terminal::Take())
            .GiveBack("", absl::ZeroDuration(), Terminal::LateInput::kDropped);
        return 0;
      },
      OnTheTerminal());
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(IsAsBefore());
}

TEST_F(TerminalTest, CanBeGivenBackEarlyAndOnlyOnce) {
  Program child = Program::Fork(
      [&] {
        Terminal terminal = Value(Terminal::Take());
        terminal.GiveBack();
        Step();
        return terminal.fd() == -1 ? 0 : 1;
      },
      OnTheTerminal());
  AwaitStep();
  EXPECT_TRUE(IsAsBefore());
  termios others = before_;
  others.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ASSERT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &others), 0);
  Go();
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_EQ(Settings().c_lflag & ECHO, 0u) << "it was somebody else's by then";
}

// Before SIGCONT the shell had the terminal, and set it as it likes.
TEST_F(TerminalTest, CanBeMadeRawAgain) {
  Program child = Program::Fork(
      [&] {
        const Terminal terminal = Value(Terminal::Take());
        Step();
        (void)terminal.MakeRaw();
        Step();
        return 0;
      },
      OnTheTerminal());
  AwaitStep();
  ASSERT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &before_), 0);
  Go();
  AwaitStep();
  EXPECT_TRUE(IsRaw());
  Go();
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(IsAsBefore());
}

// The shell that started us reads from the same open file.
TEST_F(TerminalTest, TheSharedFileIsNotMadeNonBlocking) {
  Program child = Program::Fork(
      [&] {
        const Terminal terminal = Value(Terminal::Take());
        for (const int fd : {0, 1, 2}) {
          if ((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) return 1;
        }
        const int flags = ::fcntl(terminal.fd(), F_GETFL);
        if ((flags & O_NONBLOCK) == 0) return 2;
        return ::fcntl(terminal.fd(), F_GETFD) == FD_CLOEXEC ? 0 : 3;
      },
      OnTheTerminal());
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(TerminalTest, AStoppedTerminalDelaysNobody) {
  ASSERT_EQ(::tcflow(pty_.terminal.get(), TCOOFF), 0);  // ^S
  Program child = Program::Fork(
      [&] {
        const Terminal terminal = Value(Terminal::Take());
        return 0;
      },
      OnTheTerminal());
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(IsAsBefore());
}

TEST_F(TerminalTest, OnlyATerminalCanBeTaken) {
  const Pipe pipe;
  Program child = Program::Fork(
      [] {
        (void)::setsid();  // no /dev/tty either
        return Terminal::Take().ok() ? 1 : 0;
      },
      {.fds = {{pipe.write_end.get(), 1}}});
  EXPECT_EQ(child.Wait(), kFine);
}

class FatalSignalTest : public TerminalTest,
                        public testing::WithParamInterface<int> {
 protected:
  // Makes this process like an ordinary program, without a sanitizer's handlers
  // and core files.
  static void BeOrdinary() {
    (void)::signal(GetParam(), SIG_DFL);
    (void)::prctl(PR_SET_DUMPABLE, 0);
  }
};

INSTANTIATE_TEST_SUITE_P(, FatalSignalTest,
                         testing::Values(SIGSEGV, SIGBUS, SIGILL, SIGFPE,
                                         SIGABRT),
                         [](const auto& signal) {
                           return ::sigabbrev_np(signal.param);
                         });

TEST_P(FatalSignalTest, TheTerminalIsRestoredAndTheSignalKillsStill) {
  Program child = Program::Fork(
      [&] {
        BeOrdinary();
        const Terminal terminal = Value(Terminal::Take());
        Step();
        (void)::raise(GetParam());
        return 0;
      },
      OnTheTerminal());
  AwaitStep();
  EXPECT_TRUE(IsRaw());
  Go();
  EXPECT_EQ(child.Wait(), ExitStatus{.signal = GetParam()});
  EXPECT_TRUE(IsAsBefore());
  OutputReader screen(pty_.controller.get());
  EXPECT_TRUE(screen.Until(
      StartsWith(absl::StrCat(kLeaveAlternateScreen, kResetModes))));
}

TEST_P(FatalSignalTest, NothingOfOursIsLeftAfterItWasGivenBack) {
  Program child = Program::Fork(
      [&] {
        BeOrdinary();
        Value(Terminal::Take()).GiveBack();
        struct sigaction now {};
        (void)::sigaction(GetParam(), nullptr, &now);
        return now.sa_handler == SIG_DFL ? 0 : 1;
      },
      OnTheTerminal());
  EXPECT_EQ(child.Wait(), kFine);
}

// This is a real fault, not raise(): the instruction would fault again and
// again.
TEST_F(TerminalTest, AFaultKillsOnce) {
  // A sanitizer would find a null pointer first.
  void* const unmapped =
      ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(unmapped, MAP_FAILED);
  Program child = Program::Fork(
      [&] {
        (void)::signal(SIGSEGV, SIG_DFL);
        (void)::prctl(PR_SET_DUMPABLE, 0);
        const Terminal terminal = Value(Terminal::Take());
        Step();
        *static_cast<volatile char*>(unmapped) = 1;
        return 0;
      },
      OnTheTerminal());
  AwaitStep();
  Go();
  EXPECT_EQ(child.Wait(), ExitStatus{.signal = SIGSEGV});
  EXPECT_TRUE(IsAsBefore());
  (void)::munmap(unmapped, 4096);
}

TEST_F(TerminalTest, WeAreOnATerminalWithInputAndOutputBoth) {
  const int terminal = pty_.terminal.get();
  const Pipe pipe;
  const int other = pipe.write_end.get();
  for (const auto& [in, out, expected] :
       std::vector<std::tuple<int, int, bool>>{{terminal, terminal, true},
                                               {terminal, other, false},
                                               {other, terminal, false},
                                               {other, other, false}}) {
    Program child = Program::Fork(
        [&, expected = expected] { return OnTerminal() == expected ? 0 : 1; },
        {.fds = {{in, 0}, {out, 1}}});
    EXPECT_EQ(child.Wait(), kFine);
  }
}

TEST_F(TerminalTest, ALogMayBeOnTheSameTerminal) {
  const Pty another = Value(OpenPty({}));
  const Pipe pipe;
  const int terminal = pty_.terminal.get();
  for (const auto& [log, expected] :
       std::vector<std::pair<int, bool>>{{terminal, true},
                                         {another.terminal.get(), false},
                                         {pipe.write_end.get(), false}}) {
    Program child = Program::Fork(
        [&, expected = expected] {
          return IsSameTerminal(2) == expected ? 0 : 1;
        },
        {.fds = {{terminal, 1}, {log, 2}}});
    EXPECT_EQ(child.Wait(), kFine);
  }
}

TEST_F(TerminalTest, ItIsTakenOverRawAndThenAsBeforeTheFirst) {
  Program child = Program::Fork(
      [&] {
        Terminal first = Value(Terminal::Take());
        const std::string before = first.Before();
        // The process goes on as another program, so nothing is given back.
        auto* const left = new Terminal(std::move(first));
        {
          const Terminal second = Value(Terminal::TakeOver(before));
          if (second.Before() != before) return 1;
          Step();
        }
        Step();
        (void)left;
        ::_exit(0);
      },
      OnTheTerminal());
  AwaitStep();
  EXPECT_TRUE(IsRaw());
  Go();
  AwaitStep();
  EXPECT_TRUE(IsAsBefore());
  Go();
  EXPECT_EQ(child.Wait(), kFine);
}

// Time doesn't mend this error.
TEST_F(TerminalTest, OneThatHasGoneIsntTakenOver) {
  Program child = Program::Fork(
      [&] {
        (void)::setsid();  // there is no other terminal
        const std::string before = Value(Terminal::Take()).Before();
        Step();
        return absl::IsNotFound(Terminal::TakeOver(before).status()) ? 0 : 1;
      },
      OnTheTerminal());
  AwaitStep();
  pty_.controller.Reset();
  Go();
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(TerminalTest, WhatAreNoSettingsIsntTakenOver) {
  EXPECT_THAT(Terminal::TakeOver("x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// The first of the three that isn't empty decides (locale(7)).
TEST(LocaleTest, SaysWhetherTextIsUtf8) {
  EXPECT_EQ(Program::Fork([] {
              for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
                (void)::unsetenv(name);
              }
              if (ShowsUtf8()) return 1;
              (void)::setenv("LANG", "de_DE.UTF-8", 1);
              if (!ShowsUtf8()) return 2;
              (void)::setenv("LC_CTYPE", "C", 1);
              if (ShowsUtf8()) return 3;
              (void)::setenv("LC_ALL", "C.utf8", 1);
              return ShowsUtf8() ? 0 : 4;
            }).Wait(),
            kFine);
}

}  // namespace
}  // namespace deptyr
