// Runs head in a window of a real tmux: the window shows what the programs
// drew, and the programs read what is typed into it.

#include "tests/support/tmux.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Only all of the program's output makes this screen: colours, a scroll region,
// line drawing, wide characters, and the cursor left in the middle.
constexpr char kDrawing[] =
    "printf '\\033[2J\\033[H\\033[31;44mred on blue\\033[m\\r\\n"
    "\\033[1mbold\\033[m \\033[7mreverse\\033[m\\r\\n"
    "\\033(0lqqqk\\033(B \\303\\244\\303\\266 \\346\\274\\242\\r\\n"
    "\\033[5;10r\\033[10;1Hlast of the region\\n\\n\\033[r"
    "\\033[24;70Hcorner\\033[12;40H'; exec cat";
// The drawing is complete once the cursor is where it was left.
testing::AssertionResult DrawingIn(const Tmux& window) {
  return window.StyledUntil(
      AllOf(HasSubstr("corner"), HasSubstr("cursor 39,11 ")));
}

class TmuxTest : public testing::Test {
 protected:
  // Starts head in tmux's window, with its log in a file.
  void Show(const std::vector<std::string>& options = {},
            WindowSize size = {24, 80}) {
    tmux_.emplace(
        absl::StrCat("exec ", Quote(Deptyr()), " head ", Quote(options), " ",
                     Quote(socket_), " 2> ", Quote(log_)),
        size);
    ASSERT_TRUE(LogUntil(HasSubstr("listens on")));
  }
  // Does the same with a shell around it that prints the terminal's settings
  // before and after, and stays in the window.
  void ShowFromShell(const std::vector<std::string>& options = {}) {
    tmux_.emplace(absl::StrCat(
        "stty -g > ", Quote(folder_ / "before"), "; ", Quote(Deptyr()),
        " head ", Quote(options), " ", Quote(socket_), " 2> ", Quote(log_),
        "; echo $? > ", Quote(folder_ / "status"), "; stty -g > ",
        Quote(folder_ / "after"), "; exec cat"));
    ASSERT_TRUE(LogUntil(HasSubstr("listens on")));
  }
  testing::AssertionResult LogUntil(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return ReadFile(log_); }, matcher);
  }
  // Returns the pid that head logged.
  pid_t HeadPid() {
    const std::string log = ReadFile(log_);
    const size_t at = log.find("head pid=");
    return at == std::string::npos ? -1 : std::atoi(log.c_str() + at + 9);
  }
  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    return BodyProcess(socket_, {"--name", name, "--term", Tmux::kTerm},
                       program);
  }
  BodyProcess Shell(const std::string& name, const std::string& script) {
    return Body(name, {"sh", "-c", script});
  }
  const Tmux& tmux() { return *tmux_; }
  // Presses the command key and a key.
  void Command(const std::string& key) { tmux().Press({"C-\\", key}); }

  TempDir folder_;
  const std::string socket_ = folder_ / "head.sock";
  const std::string log_ = folder_ / "log";
  std::optional<Tmux> tmux_;
};

TEST_F(TmuxTest, BeforeTheFirstProgramItSaysWhatItWaitsFor) {
  Show({}, {24, 200});  // one line, however long the path
  EXPECT_TRUE(tmux().Until(AllOf(HasSubstr("waits for its first program"),
                                 HasSubstr("^\\ ? for help"))));
}

TEST_F(TmuxTest, WhatTheShellShowedCanBeScrolledBackTo) {
  tmux_.emplace(absl::StrCat("echo the shell; exec ", Quote(Deptyr()), " head ",
                             Quote(socket_), " 2> ", Quote(log_)));
  ASSERT_TRUE(tmux().Until(StartsWith("[deptyr: ")));
  const BodyProcess body = Shell("a", "printf ready; exec cat");
  ASSERT_TRUE(tmux().Until(StartsWith("ready")));
  EXPECT_THAT(tmux().ScreenAndHistory(), HasSubstr("the shell"));
}

TEST_F(TmuxTest, TheWindowShowsWhatTheProgramDraws) {
  const Tmux direct(kDrawing);
  ASSERT_TRUE(DrawingIn(direct));
  Show();
  BodyProcess body = Shell("drawing", kDrawing);
  ASSERT_TRUE(DrawingIn(tmux()));
  EXPECT_EQ(tmux().StyledScreen(), direct.StyledScreen());
}

TEST_F(TmuxTest, ARedrawMakesTheSameScreen) {
  Show();
  BodyProcess body = Shell("drawing", kDrawing);
  ASSERT_TRUE(DrawingIn(tmux()));
  // A painted screen has Unicode's line drawing.
  const std::string before =
      absl::StrReplaceAll(tmux().StyledScreen(), {{"\016lqqqk\017", "┌───┐"}});
  Command("?");
  ASSERT_TRUE(tmux().Until(HasSubstr("Any key goes back")));
  tmux().Press({"x"});
  EXPECT_TRUE(tmux().StyledUntil(Eq(before)));
  Command("r");
  EXPECT_TRUE(tmux().StyledUntil(Eq(before)));
}

TEST_F(TmuxTest, EveryKeyArrivesAsTheTerminalSendsIt) {
  Show();
  BodyProcess body = Body("keys", {Actor(), "keys", "14"});
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  // Some of these keys a cooked terminal would act on.
  tmux().Press({"a", "C-c", "C-z", "C-s", "C-q", "C-d", "Enter", "Up", "M-x"});
  tmux().Type("\xc3\xa4");
  EXPECT_TRUE(tmux().Until(
      HasSubstr("keys: 61 03 1a 13 11 04 0d 1b 5b 41 1b 78 c3 a4 done")));
}

TEST_F(TmuxTest, TheProgramsTerminalHasTheSizeOfTheWindow) {
  Show({}, {30, 100});
  BodyProcess body = Body("sizes", {Actor(), "sizes"});
  ASSERT_TRUE(tmux().Until(HasSubstr("size 30x100")));
  tmux().Resize({17, 61});
  EXPECT_TRUE(tmux().Until(HasSubstr("size 17x61")));
}

TEST_F(TmuxTest, TheCommandKeyTwiceIsTyped) {
  Show();
  BodyProcess body = Body("keys", {Actor(), "keys", "2"});
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  tmux().Press({"C-\\", "C-\\", "x"});
  EXPECT_TRUE(tmux().Until(HasSubstr("keys: 1c 78 done")));
}

TEST_F(TmuxTest, NextAndPreviousGoRoundTheSessions) {
  Show();
  BodyProcess a = Shell("a", "echo this is a; exec cat");
  ASSERT_TRUE(LogUntil(HasSubstr("session=a")));
  BodyProcess b = Shell("b", "echo this is b; exec cat");
  ASSERT_TRUE(LogUntil(HasSubstr("session=b")));
  BodyProcess c = Shell("c", "echo this is c; exec cat");
  ASSERT_TRUE(LogUntil(HasSubstr("session=c")));
  // The first to come was shown, and stays until somebody asks for another.
  ASSERT_TRUE(tmux().Until(HasSubstr("this is a")));
  Command("n");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is b")));
  EXPECT_THAT(tmux().Screen(), Not(HasSubstr("this is a")));
  Command("n");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is c")));
  Command("n");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is a")));
  Command("p");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is c")));
  Command("p");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is b")));
  // Keys go to the session that is shown.
  tmux().Press({"h", "i", "Enter"});
  EXPECT_TRUE(tmux().Until(HasSubstr("this is b\nhi\nhi\n")));
  EXPECT_EQ(a.program().HasEnded(), false);
}

TEST_F(TmuxTest, ADigitChoosesFromTheList) {
  Show();
  BodyProcess a = Shell("alpha", "echo this is alpha; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("this is alpha")));
  BodyProcess b = Shell("beta", "echo this is beta; exec cat");
  ASSERT_TRUE(LogUntil(HasSubstr("session=beta")));
  for (const char* const key : {"l", "c"}) {
    Command(key);
    ASSERT_TRUE(tmux().Until(
        AllOf(HasSubstr(absl::StrCat("1  alpha  runs, pid ", a.pid())),
              HasSubstr(absl::StrCat("2  beta  runs, pid ", b.pid())))));
    tmux().Press({"2"});
    ASSERT_TRUE(tmux().Until(HasSubstr("this is beta")));
    Command(key);
    ASSERT_TRUE(tmux().Until(HasSubstr("*2  beta")));
    tmux().Press({"1"});
    ASSERT_TRUE(tmux().Until(HasSubstr("this is alpha")));
  }
}

TEST_F(TmuxTest, TheListFollowsWhatHappensWhileItIsShown) {
  Show();
  Command("l");
  ASSERT_TRUE(tmux().Until(HasSubstr("(none yet)")));
  const std::string gate = folder_ / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  BodyProcess a = Shell("alpha", "read go < " + Quote(gate) + "; exit 7");
  ASSERT_TRUE(tmux().Until(HasSubstr("1  alpha  runs")));
  WriteFile(gate, "go\n");
  (void)a.Wait();
  ASSERT_TRUE(tmux().Until(HasSubstr("1  alpha  ended: exit status 7")));
  tmux().Press({"x"});
  EXPECT_TRUE(tmux().Until(HasSubstr("waits for its first program")));
}

TEST_F(TmuxTest, AnUnknownCommandShowsTheHelp) {
  Show();
  BodyProcess body = Shell("a", "echo here; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  Command("Z");
  ASSERT_TRUE(tmux().Until(HasSubstr("Any key goes back")));
  tmux().Press({"q"});  // of a page, not of the program
  EXPECT_TRUE(tmux().Until(StartsWith("here\n\n")));
}

TEST_F(TmuxTest, QuittingAsksFirst) {
  Show();
  BodyProcess body = Shell("a", "echo here; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  Command("q");
  ASSERT_TRUE(
      tmux().Until(AllOf(HasSubstr("Quit head?"),
                         HasSubstr(absl::StrCat("a (pid ", body.pid(), ")")))));
  tmux().Press({"n"});
  ASSERT_TRUE(tmux().Until(StartsWith("here\n")));
  Command("q");
  ASSERT_TRUE(tmux().Until(HasSubstr("Quit head?")));
  tmux().Press({"y"});
  EXPECT_EQ(tmux().DeadStatus(), "0");
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(LogUntil(HasSubstr(
      absl::StrCat("these programs lost their terminal and get SIGHUP: a (pid ",
                   body.pid(), ")"))));
}

TEST_F(TmuxTest, AnotherCommandKeyCanBeChosen) {
  Show({"--command-key", "^A"});
  BodyProcess body = Body("keys", {Actor(), "keys", "2"});
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  tmux().Press({"C-a", "l"});
  ASSERT_TRUE(tmux().Until(HasSubstr("*1  keys")));
  tmux().Press({"1"});
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  tmux().Press({"C-\\", "C-a", "C-a"});
  EXPECT_TRUE(tmux().Until(HasSubstr("keys: 1c 01 done")));
}

TEST_F(TmuxTest, WithoutACommandKeyEveryKeyIsTyped) {
  Show({"--command-key=none"});
  ASSERT_TRUE(tmux().Until(Not(HasSubstr("for help"))));
  BodyProcess body = Body("keys", {Actor(), "keys", "3"});
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  tmux().Press({"C-\\", "q", "y"});
  EXPECT_TRUE(tmux().Until(HasSubstr("keys: 1c 71 79 done")));
}

TEST_F(TmuxTest, TheSameWindowShowsTheNextRunOfAProgram) {
  Show();
  {
    BodyProcess first = Shell("a", "echo the first; exit 3");
    EXPECT_EQ(first.Wait(), ExitStatus{.code = 3});
  }
  ASSERT_TRUE(tmux().Until(StartsWith(
      "the first\n\n"
      "[deptyr: a ended: exit status 3; waiting for the next start]\n")));
  {
    BodyProcess second = Shell("a", "echo the second; kill -TERM $$");
    EXPECT_EQ(second.Wait(), ExitStatus{.signal = SIGTERM});
  }
  // A program's last words are neither overwritten nor scrolled away.
  ASSERT_TRUE(tmux().Until(StartsWith(
      "the first\n\n"
      "[deptyr: a ended: exit status 3; waiting for the next start]\n"
      "the second\n\n"
      "[deptyr: a ended: signal 15 (Terminated); waiting")));
  BodyProcess third = Shell("a", "echo the third; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("the third\n")));
  tmux().Press({"o", "k", "Enter"});
  EXPECT_TRUE(tmux().Until(HasSubstr("ok\nok\n")));
}

TEST_F(TmuxTest, AProgramFindsTheTerminalAsNewWhateverTheOneBeforeLeft) {
  Show();
  {
    // It sets the alternate screen, mouse, application keys, a scroll region,
    // no cursor, inserting, bracketed paste, and reverse.
    BodyProcess first = Shell(
        "a",
        "printf '\\033[?1049h\\033[?1000;1002;1006h\\033[?1h\\033=\\033[3;9r"
        "\\033[?25l\\033[4h\\033[?2004h\\033[7mleft behind'; kill -KILL $$");
    EXPECT_EQ(first.Wait(), ExitStatus{.signal = SIGKILL});
  }
  ASSERT_TRUE(tmux().Until(HasSubstr("[deptyr: a ended: signal 9 (Killed)")));
  constexpr char kModes[] =
      "#{mouse_any_flag} #{keypad_cursor_flag} #{keypad_flag} #{insert_flag} "
      "#{cursor_flag} #{scroll_region_upper}-#{scroll_region_lower}";
  EXPECT_TRUE(tmux().Answers(kModes, "0 0 0 0 1 0-23"));
  BodyProcess second = Shell("a", "echo the second; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("the second\n")));
  EXPECT_TRUE(tmux().Answers("#{alternate_on}", "0"));
}

TEST_F(TmuxTest, WhyAProgramCouldNotBeExecutedIsSaidOnTheScreen) {
  Show();
  BodyProcess body = Body("missing", {"/nonexistent/program"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
  EXPECT_TRUE(
      tmux().Until(HasSubstr("[deptyr: missing could not be executed: execute "
                             "/nonexistent/program: No such fi")));
  EXPECT_THAT(body.said().text(),
              HasSubstr("execute /nonexistent/program: No such file"));
  EXPECT_TRUE(LogUntil(HasSubstr("session=missing pid=")));
}

TEST_F(TmuxTest, ALongNoticeAndLongListsFitASmallWindow) {
  Show({}, {5, 20});
  std::vector<std::unique_ptr<BodyProcess>> bodies;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    bodies.push_back(
        std::make_unique<BodyProcess>(Shell(name, "echo here; exec cat")));
    ASSERT_TRUE(LogUntil(HasSubstr(absl::StrCat("session=", name))));
  }
  Command("l");
  ASSERT_TRUE(tmux().Until(HasSubstr("more")));
  Command("n");
  EXPECT_TRUE(tmux().Until(StartsWith("here\n")));
}

TEST_F(TmuxTest, KillingTheWindowEndsHeadAndSaysWhatThatMeant) {
  Show();
  BodyProcess body = Shell("a", "echo here; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  BodyProcess trap =
      Shell("b", "trap 'exit 42' HUP; echo trapped; while :; do read x; done");
  ASSERT_TRUE(LogUntil(HasSubstr("session=b")));
  Command("n");
  ASSERT_TRUE(tmux().Until(HasSubstr("trapped")));
  tmux().KillWindow();
  EXPECT_TRUE(LogUntil(AllOf(
      HasSubstr("head ends: its terminal was closed"),
      HasSubstr(absl::StrCat("head has ended; these programs lost their "
                             "terminal and get SIGHUP: a (pid ",
                             body.pid(), "), b (pid ", trap.pid(), ")")))));
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_EQ(trap.Wait(), ExitStatus{.code = 42});
  struct stat file {};
  EXPECT_TRUE(WaitFor([&] { return ::stat(socket_.c_str(), &file) != 0; }));
}

class TmuxSignalTest : public TmuxTest,
                       public testing::WithParamInterface<int> {};

TEST_P(TmuxSignalTest, ASignalRestoresTheTerminalAndEndsHeadWell) {
  ShowFromShell();
  BodyProcess body =
      Shell("a",
            "printf '\\033[?1049h\\033[?1003;1006h\\033[?25lfull screen'; "
            "exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  ASSERT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "1 1 0"));
  ASSERT_EQ(::kill(HeadPid(), GetParam()), 0);
  ASSERT_TRUE(TextUntil([this] { return ReadFile(folder_ / "after"); },
                        Not(IsEmpty())));
  EXPECT_EQ(ReadFile(folder_ / "status"), "0\n");
  EXPECT_EQ(ReadFile(folder_ / "after"), ReadFile(folder_ / "before"));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "0 0 1"));
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
}

INSTANTIATE_TEST_SUITE_P(Signals, TmuxSignalTest,
                         testing::Values(SIGTERM, SIGINT, SIGQUIT),
                         [](const auto& signal) {
                           return std::string(::sigabbrev_np(signal.param));
                         });

TEST_F(TmuxTest, EvenACrashRestoresTheTerminal) {
  ShowFromShell();
  BodyProcess body =
      Shell("a", "printf '\\033[?1049h\\033[?1003hfull screen'; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  ASSERT_EQ(::kill(HeadPid(), SIGSEGV), 0);
  ASSERT_TRUE(TextUntil([this] { return ReadFile(folder_ / "after"); },
                        Not(IsEmpty())));
  EXPECT_EQ(ReadFile(folder_ / "status"), absl::StrCat(128 + SIGSEGV, "\n"));
  EXPECT_EQ(ReadFile(folder_ / "after"), ReadFile(folder_ / "before"));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag}", "0 0"));
}

TEST_F(TmuxTest, StoppedAndContinuedItTakesTheTerminalAgain) {
  // An interactive shell takes the terminal back for itself meanwhile.
  tmux_.emplace(absl::StrCat("PS1='prompt> ' exec bash --norc --noprofile -i"));
  ASSERT_TRUE(tmux().Until(HasSubstr("prompt>")));
  tmux().Type(absl::StrCat(Quote(Deptyr()), " head ", Quote(socket_), " 2> ",
                           Quote(log_), "\n"));
  ASSERT_TRUE(LogUntil(HasSubstr("listens on")));
  BodyProcess body = Shell("a", "echo here; exec cat");
  ASSERT_TRUE(tmux().Until(StartsWith("here\n")));
  ASSERT_EQ(::kill(HeadPid(), SIGSTOP), 0);
  ASSERT_TRUE(tmux().Until(HasSubstr("prompt>")));
  tmux().Type("fg\n");
  ASSERT_TRUE(
      tmux().Until(AllOf(StartsWith("here\n\n"), Not(HasSubstr("prompt>")))));
  tmux().Press({"C-d"});  // raw again, or the shell's own terminal would act
  EXPECT_EQ(body.Wait(), ExitStatus{});
  Command("q");
  ASSERT_TRUE(tmux().Until(HasSubstr("Quit head?")));
  tmux().Press({"y"});
  ASSERT_TRUE(tmux().Until(HasSubstr("prompt>")));
}

TEST_F(TmuxTest, TheShellGoesOnBelowWhatIsOnTheTerminal) {
  tmux_.emplace("PS1='prompt> ' exec bash --norc --noprofile -i");
  ASSERT_TRUE(tmux().Until(HasSubstr("prompt>")));
  // The log is on the terminal that is in use, so it is kept back.
  tmux().Type(absl::StrCat(Quote(Deptyr()), " head ", Quote(socket_), "\n"));
  ASSERT_TRUE(tmux().Until(HasSubstr("waits for its first program")));
  BodyProcess body = Shell("a",
                           "for i in 1 2 3 4 5; do echo line $i; done; "
                           "exec cat");
  ASSERT_TRUE(tmux().Until(StartsWith("line 1\nline 2\nline 3\nline 4\n")));
  ASSERT_THAT(tmux().Screen(), Not(HasSubstr("session=a")));
  Command("q");
  ASSERT_TRUE(tmux().Until(HasSubstr("Quit head?")));
  tmux().Press({"x"});
  ASSERT_TRUE(tmux().Until(StartsWith("line 1\n")));
  ASSERT_EQ(::kill(ChildrenOf(tmux().pane_pid()).at(0), SIGTERM), 0);
  // The old text has made room for the new lines only.
  EXPECT_TRUE(tmux().Until(AllOf(
      StartsWith("line 4\nline 5\n"),
      HasSubstr("these programs lost their terminal and get SIGHUP: a (pi"),
      HasSubstr("\nprompt>"))));
}

TEST_F(TmuxTest, GivingTheTerminalBackHeadGoesOnInTheBackground) {
  ShowFromShell();
  BodyProcess body =
      Shell("a",
            "printf '\\033[?1049h\\033[?1003h'; echo full screen; read x; "
            "exit 5");
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  const pid_t before = HeadPid();
  Command("d");
  ASSERT_TRUE(TextUntil([this] { return ReadFile(folder_ / "after"); },
                        Not(IsEmpty())));
  EXPECT_EQ(ReadFile(folder_ / "status"), "0\n");
  EXPECT_EQ(ReadFile(folder_ / "after"), ReadFile(folder_ / "before"));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag}", "0 0"));
  // The terminal shows where it goes on.
  constexpr absl::string_view kSaid = "[deptyr: head goes on, pid ";
  ASSERT_TRUE(
      tmux().Until(testing::ContainsRegex("head goes on, pid [0-9]+[^0-9]")));
  const std::string screen = tmux().Screen();
  const size_t said = screen.find(std::string(kSaid));
  const pid_t pid = std::atoi(screen.c_str() + said + kSaid.size());
  EXPECT_NE(pid, before);
  EXPECT_TRUE(Runs(pid));
  EXPECT_EQ(ExeOf(pid), Deptyr());
  EXPECT_EQ(StatFieldOf(pid, 6), absl::StrCat(pid)) << "its own session";
  EXPECT_FALSE(body.program().HasEnded());
  // Even the end of the window doesn't end it.
  tmux().KillWindow();
  BodyProcess next = Shell("b", "exit 6");
  EXPECT_EQ(next.Wait(), ExitStatus{.code = 6});
  EXPECT_TRUE(LogUntil(HasSubstr("ended: exit status 6")));
  ASSERT_EQ(::kill(pid, SIGTERM), 0);
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(WaitFor([&] { return !Runs(pid); }));
  EXPECT_THAT(ReadFile(log_), HasSubstr("head has ended; these programs"));
}

// Its programs would be hung up if head ended instead.
TEST_F(TmuxTest, WhereNothingCanGoOnInTheBackgroundHeadStaysAndSaysWhy) {
  ShowFromShell();
  BodyProcess body = Body("a", {"sh", "-c", "echo here; exec cat"});
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  rlimit before{};
  rlimit none{};
  ASSERT_EQ(::prlimit(HeadPid(), RLIMIT_NOFILE, nullptr, &before), 0);
  none.rlim_max = before.rlim_max;
  ASSERT_EQ(::prlimit(HeadPid(), RLIMIT_NOFILE, &none, nullptr), 0);
  Command("d");
  EXPECT_TRUE(
      tmux().Until(StartsWith("deptyr head can't go to the background: make a "
                              "pipe: Too many open files\n")));
  tmux().Type("x");
  EXPECT_TRUE(tmux().Until(StartsWith("here\n")));
  tmux().Type("still here");
  EXPECT_TRUE(tmux().Until(HasSubstr("still here")));
  EXPECT_FALSE(body.program().HasEnded());
}

class LeftAloneTest : public TmuxTest,
                      public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(, LeftAloneTest,
                         testing::Values("exec deptyr head --headless",
                                         "TERM=dumb exec deptyr head",
                                         "exec env -u TERM deptyr head"));

TEST_P(LeftAloneTest, NothingIsWrittenToTheTerminal) {
  tmux_.emplace(absl::StrCat("echo before; ", GetParam(), " ", Quote(socket_),
                             " 2> ", Quote(log_)));
  ASSERT_TRUE(LogUntil(HasSubstr("listens on")));
  BodyProcess body = Shell("a", "echo here; exit 2");
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 2});
  ASSERT_TRUE(LogUntil(HasSubstr("ended: exit status 2")));
  EXPECT_TRUE(tmux().Until(StartsWith("before\n\n")));
  tmux().Press({"C-c"});
  EXPECT_EQ(tmux().DeadStatus(), "0");
}

}  // namespace
}  // namespace deptyr
