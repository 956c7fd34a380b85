// Head in a window of a real GNU screen.

#include "tests/support/screen.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::Eq;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kTerm[] = "screen";
// The rows stay where the program puts them, whatever scrolls in between.
constexpr char kDrawing[] =
    "printf '\\033[2J\\033[H\\033[1mfirst\\033[m\\r\\n\\033[5;10r"
    "\\033[10;1Hlast of the region\\n\\n\\033[r\\033(0lqqqk\\033(B"
    "\\033[24;70Hcorner\\033[12;40Hmiddle'; exec cat";

class ScreenTest : public testing::Test {
 protected:
  void SetUp() override {
    screen_.emplace(std::vector<std::string>{
        "/bin/sh", "-c",
        absl::StrCat("exec ", Quote(Deptyr()), " head ", Quote(socket_), " 2> ",
                     Quote(log_))});
    ASSERT_TRUE(screen_->Until(HasSubstr("waits for its first program")));
  }
  testing::AssertionResult LogUntil(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return ReadFile(log_); }, matcher);
  }
  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    return BodyProcess(socket_, {"--name", name, "--term", kTerm}, program);
  }
  pid_t HeadPid() {
    const std::string log = ReadFile(log_);
    return std::atoi(log.c_str() + log.find("head pid=") + 9);
  }
  ScreenSession& screen() { return *screen_; }

  TempDir folder_;
  const std::string socket_ = folder_ / "head.sock";
  const std::string log_ = folder_ / "log";
  std::optional<ScreenSession> screen_;
};

TEST_F(ScreenTest, TheWindowShowsWhatTheProgramDraws) {
  ScreenSession direct({"/bin/sh", "-c", kDrawing});
  ASSERT_TRUE(direct.Until(HasSubstr("middle")));
  BodyProcess body = Body("drawing", {"sh", "-c", kDrawing});
  ASSERT_TRUE(screen().Until(HasSubstr("middle")));
  std::string shown;
  std::string wanted;
  EXPECT_TRUE(WaitFor([&] {
    shown = screen().Hardcopy();
    wanted = direct.Hardcopy();
    return shown == wanted && absl::StrContains(wanted, "middle");
  })) << shown
      << "\nin screen itself:\n"
      << wanted;
}

TEST_F(ScreenTest, WhatIsTypedIsWhatTheProgramReads) {
  BodyProcess body = Body("keys", {Actor(), "keys", "9"});
  ASSERT_TRUE(screen().Until(HasSubstr("keys:")));
  screen().Type("a^\\\x03\x1a\x13\r\x1b[");
  EXPECT_TRUE(
      screen().Until(HasSubstr("keys: 61 5e 5c 03 1a 13 0d 1b 5b done")));
}

TEST_F(ScreenTest, TheCommandKeyWorks) {
  BodyProcess a = Body("a", {"sh", "-c", "echo this is a; exec cat"});
  ASSERT_TRUE(screen().Until(HasSubstr("this is a")));
  BodyProcess b = Body("b", {"sh", "-c", "echo this is b; exec cat"});
  ASSERT_TRUE(LogUntil(HasSubstr("session=b")));
  screen().Type("\x1cn");
  ASSERT_TRUE(screen().Until(HasSubstr("this is b")));
  screen().Type("\x1cl");
  ASSERT_TRUE(
      screen().Until(AllOf(HasSubstr("1  a  runs"), HasSubstr("*2  b  runs"))));
  screen().Type("1");
  EXPECT_TRUE(screen().Until(HasSubstr("this is a")));
}

// As terminals send it for programs that ask for kitty's or xterm's encodings.
TEST_F(ScreenTest, TheCommandKeyIsFoundInItsEncodings) {
  BodyProcess a = Body("a", {"sh", "-c", "echo this is a; exec cat"});
  ASSERT_TRUE(screen().Until(HasSubstr("this is a")));
  BodyProcess b = Body("b", {"sh", "-c", "echo this is b; exec cat"});
  ASSERT_TRUE(LogUntil(HasSubstr("session=b")));
  screen().Type("\x1b[92;5un");
  ASSERT_TRUE(screen().Until(HasSubstr("this is b")));
  screen().Type("\x1b[27;5;92~n");
  EXPECT_TRUE(screen().Until(HasSubstr("this is a")));
}

TEST_F(ScreenTest, TheSameWindowShowsTheNextRunOfAProgram) {
  {
    BodyProcess first = Body("a", {"sh", "-c", "echo the first; exit 3"});
    EXPECT_EQ(first.Wait(), ExitStatus{.code = 3});
  }
  ASSERT_TRUE(screen().Until(StartsWith(
      "the first\n\n"
      "[deptyr: a ended: exit status 3; waiting for the next start]\n")));
  BodyProcess second = Body("a", {"sh", "-c", "echo the second; exec cat"});
  EXPECT_TRUE(screen().Until(HasSubstr("\nthe second\n")));
}

// A person attaches from a terminal of another size, and resizes that.
TEST_F(ScreenTest, TheProgramFollowsTheTerminalThatIsAttached) {
  BodyProcess body = Body("sizes", {Actor(), "sizes"});
  ASSERT_TRUE(screen().Until(HasSubstr("size 24x80")));
  const Pty person = Value(OpenPty({30, 100}));
  Program attached = Program::Start(screen().AttachCommand(),
                                    {.fds = {{person.terminal.get(), 0},
                                             {person.terminal.get(), 1},
                                             {person.terminal.get(), 2}},
                                     .env = screen().environment(),
                                     .prepare = [] {
                                       (void)::setsid();
                                       (void)::ioctl(0, TIOCSCTTY, 0);
                                     }});
  OutputReader shown(person.controller.get());
  ASSERT_TRUE(shown.Until(HasSubstr("size 30x100")));
  ASSERT_TRUE(WaitFor([&] { return Catches(attached.pid(), SIGWINCH); }));
  ASSERT_TRUE(SetWindowSize(person.controller.get(), {20, 70}).ok());
  EXPECT_TRUE(shown.Until(HasSubstr("size 20x70")));
  // After ^A d the person goes; head and program stay.
  (void)!::write(person.controller.get(),
                 "\x01"
                 "d",
                 2);
  EXPECT_TRUE(shown.Until(HasSubstr("[detached from")));
  EXPECT_EQ(attached.Wait(), ExitStatus{});
  EXPECT_TRUE(screen().Until(HasSubstr("size 20x70")));
  EXPECT_FALSE(body.program().HasEnded());
}

TEST_F(ScreenTest, KillingTheWindowEndsHeadAndSaysWhatThatMeant) {
  BodyProcess body = Body("a", {"sh", "-c", "echo here; exec cat"});
  ASSERT_TRUE(screen().Until(HasSubstr("here")));
  screen().KillWindow();
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(LogUntil(
      AllOf(HasSubstr("head ends: its terminal was closed"),
            HasSubstr(absl::StrCat("these programs lost their terminal and get "
                                   "SIGHUP: a (pid ",
                                   body.pid(), ")")))));
  EXPECT_TRUE(screen().program().Wait().has_value());
}

TEST_F(ScreenTest, GivingTheTerminalBackHeadGoesOnInTheBackground) {
  BodyProcess body = Body("a", {"sh", "-c", "echo here; exec cat"});
  ASSERT_TRUE(screen().Until(HasSubstr("here")));
  const pid_t before = HeadPid();
  screen().Type(
      "\x1c"
      "d");
  // The window, and with it screen, ends: head was all that ran there.
  ASSERT_TRUE(screen().program().Wait().has_value());
  EXPECT_TRUE(WaitFor([&] { return !Runs(before); }));
  BodyProcess next = Body("b", {"sh", "-c", "exit 6"});
  EXPECT_EQ(next.Wait(), ExitStatus{.code = 6});
  EXPECT_TRUE(LogUntil(HasSubstr("ended: exit status 6")));
  EXPECT_FALSE(body.program().HasEnded());
  // It is this program's child now, as the orphan it is.
  for (const pid_t pid : ChildrenOf(::getpid())) {
    if (ExeOf(pid) == Deptyr()) (void)::kill(pid, SIGTERM);
  }
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(LogUntil(HasSubstr("head has ended; these programs")));
}

}  // namespace
}  // namespace deptyr
