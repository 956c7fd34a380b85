// deptyr attach: in a window of a real tmux, and between pipes.

#include <fcntl.h>
#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/proxy.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class AttachTest : public testing::Test {
 protected:
  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    BodyProcess body(head_.socket(), {"--name", name, "--term", Tmux::kTerm},
                     program);
    EXPECT_TRUE(head_.log().Until(
        HasSubstr(absl::StrCat("session=", name, " pid=", body.pid()))));
    return body;
  }
  BodyProcess Shell(const std::string& name, const std::string& script) {
    return Body(name, {"sh", "-c", script});
  }
  // Clients find head here.
  virtual std::string path() const { return head_.socket(); }
  std::string Command(const std::vector<std::string>& options,
                      const std::string& session) {
    return absl::StrCat(Quote(Deptyr()), " attach ", Quote(options), " ",
                        Quote(path()), " ", session);
  }
  // Attaches in tmux's window, with a shell around it that prints the
  // terminal's settings before and after, and stays.
  void Attach(const std::vector<std::string>& options = {},
              const std::string& session = "a", WindowSize size = {24, 80}) {
    tmux_.emplace(
        absl::StrCat("stty -g > ", Quote(folder_ / "before"), "; ",
                     Command(options, session), "; echo status $?; ",
                     "stty -g > ", Quote(folder_ / "after"), "; exec cat"),
        size);
  }
  const Tmux& tmux() { return *tmux_; }
  // It has ended with this line and status, and left the terminal as it was.
  testing::AssertionResult EndsWith(const std::string& line, int status) {
    const auto result =
        tmux().Until(HasSubstr(absl::StrCat(line, "\nstatus ", status, "\n")));
    if (!result) return result;
    const std::string modes = tmux().Ask(
        "#{alternate_on} #{mouse_any_flag} #{cursor_flag} "
        "#{keypad_cursor_flag}");
    if (modes != "0 0 1 0") {
      return testing::AssertionFailure() << "modes: " << modes;
    }
    const auto settings = TextUntil(
        [this] { return ReadFile(folder_ / "after"); }, Not(IsEmpty()));
    if (!settings) return settings;
    return ReadFile(folder_ / "after") == ReadFile(folder_ / "before")
               ? testing::AssertionSuccess()
               : testing::AssertionFailure() << "other settings";
  }
  // Attaches with pipes or files for a terminal; `input` is its standard input.
  std::unique_ptr<Program> Start(const std::vector<std::string>& options,
                                 int input) {
    std::vector<std::string> words = {Deptyr(), "attach"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {path(), "a"});
    return std::make_unique<Program>(Program::Start(
        words, {.fds = {{input, 0}, {said_.fd(), 1}, {complained_.fd(), 2}}}));
  }
  // Waits until head serves so many clients of the session.
  testing::AssertionResult ClientsUntil(const std::string& count) {
    return TextUntil(
        [this] {
          return OutputOf({Deptyr(), "ls", "--json", head_.socket()});
        },
        HasSubstr(absl::StrCat("\"clients\": ", count)));
  }

  // Kills head, which then says nothing.
  void KillHead() {
    head_.program().Signal(SIGKILL);
    ASSERT_EQ(head_.program().Wait(), ExitStatus{.signal = SIGKILL});
  }
  static BodyProcess BodyAt(const HeadProcess& head,
                            const std::vector<std::string>& program) {
    return {head.socket(), {"--name", "a", "--term", Tmux::kTerm}, program};
  }

  testing::AssertionResult HistoryUntil(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil(
        [this] {
          return OutputOf({Deptyr(), "history", head_.socket(), "a"});
        },
        matcher);
  }

  TempDir folder_;
  HeadProcess head_;
  LogFile said_;
  LogFile complained_;
  std::optional<Tmux> tmux_;
};

constexpr char kAway[] = "[deptyr: head has gone; waiting for it to come back]";

constexpr char kFullScreen[] =
    "printf '\\033[?1049h\\033[2J\\033[H\\033[?1003;1006h\\033[?1h\\033[?25l"
    "\\033[31mfull screen\\033[m'; exec cat";

TEST_F(AttachTest, TheWindowShowsTheScreenAndTypesIntoIt) {
  BodyProcess body = Shell("a", "echo before; exec cat");
  Attach();
  ASSERT_TRUE(tmux().Until(StartsWith("before\n")));
  tmux().Type("hello\n");
  EXPECT_TRUE(tmux().Until(StartsWith("before\nhello\nhello\n")));
}

TEST_F(AttachTest, TheDetachKeyPutsTheTerminalBack) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  ASSERT_TRUE(
      tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag} "
                     "#{keypad_cursor_flag}",
                     "1 1 0 1"));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
  EXPECT_FALSE(body.program().HasEnded());
}

TEST_F(AttachTest, WhatHasLeftTheScreenCanBeScrolledBackTo) {
  BodyProcess body = Shell("a", "seq 100; exec cat");
  ASSERT_TRUE(HistoryUntil(HasSubstr("100")));
  Attach({"--scrollback", "30"});
  ASSERT_TRUE(tmux().Until(StartsWith("78\n")));
  EXPECT_THAT(tmux().ScreenAndHistory(),
              AllOf(HasSubstr("detaches]\n48\n49\n50\n"),
                    HasSubstr("\n77\n78\n"), HasSubstr("\n99\n100\n")));
}

TEST_F(AttachTest, ATerminalSlowerThanTheProgramShowsItsEnd) {
  BodyProcess body = Shell("a", "read go; seq 300000; exec cat");
  Attach();
  ASSERT_TRUE(ClientsUntil("1"));
  tmux().Type("\n");
  EXPECT_TRUE(tmux().Until(HasSubstr("\n299999\n300000\n")));
  tmux().Type("hello\n");
  EXPECT_TRUE(tmux().Until(HasSubstr("hello\nhello\n")));
}

TEST_F(AttachTest, ItSaysHowToLeaveUnlessItIsQuiet) {
  BodyProcess body = Shell("a", "echo before; exec cat");
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("before")));
  EXPECT_THAT(tmux().ScreenAndHistory(),
              HasSubstr("[deptyr: a is attached; ^\\\\ detaches]"));
  tmux_.reset();
  Attach({"-q"});
  ASSERT_TRUE(tmux().Until(HasSubstr("before")));
  EXPECT_THAT(tmux().ScreenAndHistory(), Not(HasSubstr("detaches")));
}

// The shell in the window shows something before.
TEST_F(AttachTest, WhatWasShownBeforeGoesIntoTheScrollback) {
  BodyProcess body = Shell("a", "echo program; exec cat");
  tmux_.emplace(absl::StrCat("echo precious; ", Command({"-q"}, "a"),
                             "; echo status $?; exec cat"));
  ASSERT_TRUE(tmux().Until(StartsWith("program\n")));
  EXPECT_THAT(tmux().Screen(), Not(HasSubstr("precious")));
  EXPECT_THAT(tmux().ScreenAndHistory(), HasSubstr("precious\n"));
}

// script(1) writes down what the terminal gets.
TEST_F(AttachTest, WhatTheProgramDidIsUndoneAndNothingElse) {
  BodyProcess body =
      Shell("a",
            "read go; printf '\\033[>1u\\033[?1049h\\033[>3u\\033[?1003h"
            "\\033]11;#400000\\007\\033]0;half'; printf mark; exec cat");
  const std::string written = folder_ / "written";
  tmux_.emplace(absl::StrCat("script -qfc ", Quote(Command({"-q"}, "a")), " ",
                             Quote(written), "; exec cat"));
  ASSERT_TRUE(ClientsUntil("1"));
  tmux().Type("\n");
  ASSERT_TRUE(TextUntil([&] { return ReadFile(written); }, HasSubstr("mark")));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(TextUntil([&] { return ReadFile(written); },
                        HasSubstr("mark\x1b\\\x1b[<1u\x1b[?1047l\x1b[<1u"
                                  "\x1b[?1003l\x1b]111\a\x1b[23;0t"
                                  "\x1b[999;1H\x1b[999;1H\r\n")));
}

TEST_F(AttachTest, TheProgramGetsTheSignalsIfThatIsAskedFor) {
  BodyProcess body = Shell("a",
                           "trap 'echo signalled' TERM; echo ready; "
                           "while :; do sleep 0.1; done");
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  const Pipe input;
  const auto attach = Start({"--sig-proxy", "true"}, input.read_end.get());
  ASSERT_TRUE(ClientsUntil("1"));
  attach->Signal(SIGTERM);
  EXPECT_TRUE(HistoryUntil(HasSubstr("signalled")));
  EXPECT_FALSE(attach->HasEnded());
}

TEST_F(AttachTest, InsideAPasteTheDetachKeyIsNone) {
  BodyProcess body = Body("a", {Actor(), "keys", "14"});
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
  tmux().Type("\x1b[200~\x1cx\x1b[201~");
  EXPECT_TRUE(tmux().Until(
      HasSubstr("keys: 1b 5b 32 30 30 7e 1c 78 1b 5b 32 30 31 7e done")));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

TEST_F(AttachTest, AnotherDetachKeyCanBeChosenAndSeveral) {
  for (const char* const escape : {"^A", "ctrl-p,ctrl-q"}) {
    BodyProcess body = Body("a", {Actor(), "keys", "2"});
    Attach({"-e", escape});
    ASSERT_TRUE(tmux().Until(HasSubstr("keys:")));
    tmux().Press({"C-\\", "x"});
    ASSERT_TRUE(tmux().Until(HasSubstr("keys: 1c 78 done")));
    tmux().Press(escape == std::string("^A")
                     ? std::vector<std::string>{"C-a"}
                     : std::vector<std::string>{"C-p", "C-q"});
    EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0)) << escape;
    tmux_.reset();
  }
}

TEST_F(AttachTest, TheDetachKeyIsFoundAsKittyAndXtermEncodeIt) {
  BodyProcess body = Shell("a", "echo here; exec cat");
  for (const char* const encoded : {"\x1b[92;5u", "\x1b[27;5;92~"}) {
    Attach();
    ASSERT_TRUE(tmux().Until(HasSubstr("here")));
    tmux().Type(encoded);
    EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
    tmux_.reset();
  }
}

TEST_F(AttachTest, TheProgramHasTheSizeOfTheWindow) {
  BodyProcess body = Body("a", {Actor(), "sizes"});
  Attach({}, "a", {30, 100});
  ASSERT_TRUE(tmux().Until(HasSubstr("size 30x100")));
  tmux().Resize({17, 61});
  EXPECT_TRUE(tmux().Until(HasSubstr("size 17x61")));
}

TEST_F(AttachTest, WhoOnlyReadsTypesNothing) {
  BodyProcess body = Shell("a", "echo here; exec cat");
  Attach({"-r"});
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  tmux().Type("not for the program\n");
  OutputOf({Deptyr(), "send", head_.socket(), "a", "from a script\\n",
            "--wait-for", "script"});
  ASSERT_TRUE(tmux().Until(HasSubstr("from a script")));
  EXPECT_THAT(tmux().Screen(), Not(HasSubstr("not for")));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

TEST_F(AttachTest, WhoKicksIsAlone) {
  BodyProcess body = Shell("a", "echo here; exec cat");
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  const Tmux other(absl::StrCat(Command({"-d"}, "a"), "; exec cat"));
  ASSERT_TRUE(other.Until(HasSubstr("here")));
  EXPECT_TRUE(tmux().Until(AllOf(HasSubstr("deptyr attach: head refused:"),
                                 HasSubstr("status 111"))));
  EXPECT_TRUE(ClientsUntil("1"));
}

TEST_F(AttachTest, ItStaysWhileTheProgramIsRestarted) {
  {
    BodyProcess first = Shell("a", "echo the first; read x; exit 3");
    Attach();
    ASSERT_TRUE(tmux().Until(HasSubstr("the first")));
    tmux().Press({"Enter"});
    (void)first.Wait();
    ASSERT_TRUE(tmux().Until(HasSubstr(
        "[deptyr: a ended: exit status 3; waiting for the next start]\n")));
  }
  BodyProcess second = Shell("a", "echo the second; exec cat");
  ASSERT_TRUE(tmux().Until(AllOf(
      HasSubstr(absl::StrCat("[deptyr: a runs again, pid ", second.pid(), "]")),
      HasSubstr("the second\n"))));
  tmux().Type("ok\n");
  EXPECT_TRUE(tmux().Until(HasSubstr("ok\nok\n")));
}

TEST_F(AttachTest, QuietItSaysNothingOfItsOwn) {
  {
    BodyProcess first = Shell("a", "echo the first; read x; exit 3");
    Attach({"-q"});
    ASSERT_TRUE(tmux().Until(HasSubstr("the first")));
    tmux().Press({"Enter"});
    (void)first.Wait();
  }
  BodyProcess second = Shell("a", "echo the second; exec cat");
  ASSERT_TRUE(tmux().Until(HasSubstr("the second\n")));
  tmux().Press({"C-\\"});
  ASSERT_TRUE(tmux().Until(HasSubstr("status 0")));
  EXPECT_THAT(tmux().Screen(), Not(HasSubstr("deptyr:")));
}

TEST_F(AttachTest, ASessionWhoseProgramHasEndedSaysSo) {
  {
    BodyProcess first = Shell("a", "echo last words; exit 3");
    (void)first.Wait();
  }
  Attach();
  EXPECT_TRUE(tmux().Until(
      AllOf(HasSubstr("last words"),
            HasSubstr("[deptyr: a ended: exit status 3; waiting"))));
}

TEST_F(AttachTest, OnceItEndsWithTheProgramAndItsStatus) {
  struct {
    const char* end;
    const char* how;
    int status;
  } const kEnds[] = {
      {"exit 0", "ended: exit status 0", 0},
      {"exit 7", "ended: exit status 7", 7},
      {"kill -KILL $$", "ended: signal 9 (Killed)", 128 + SIGKILL},
  };
  for (const auto& end : kEnds) {
    BodyProcess body = Shell("a", absl::StrCat("echo here; read x; ", end.end));
    Attach({"--once"});
    ASSERT_TRUE(tmux().Until(HasSubstr("here")));
    tmux().Press({"Enter"});
    (void)body.Wait();
    EXPECT_TRUE(
        EndsWith(absl::StrCat("[deptyr: a ", end.how, "]"), end.status));
    tmux_.reset();
  }
}

class AttachSignalTest : public AttachTest,
                         public testing::WithParamInterface<int> {};

TEST_P(AttachSignalTest, ASignalRestoresTheTerminal) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  ASSERT_EQ(::kill(ChildrenOf(tmux().pane_pid()).at(0), GetParam()), 0);
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

INSTANTIATE_TEST_SUITE_P(Signals, AttachSignalTest,
                         testing::Values(SIGTERM, SIGINT, SIGQUIT, SIGHUP),
                         [](const auto& signal) {
                           return std::string(::sigabbrev_np(signal.param));
                         });

TEST_F(AttachTest, StoppedAndContinuedItIsAsBefore) {
  BodyProcess body = Shell("a", kFullScreen);
  tmux_.emplace("PS1='shell: ' exec sh -im");
  ASSERT_TRUE(tmux().Until(HasSubstr("shell:")));
  tmux().Type(Command({}, "a") + "\n");
  ASSERT_TRUE(tmux().Until(StartsWith("full screen")));
  ASSERT_EQ(::kill(ChildrenOf(tmux().pane_pid()).at(0), SIGTSTP), 0);
  ASSERT_TRUE(tmux().Until(HasSubstr("Stopped")));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "0 0 1"));
  tmux().Type("fg\n");
  ASSERT_TRUE(tmux().Until(StartsWith("full screen")));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "1 1 0"));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(tmux().Until(HasSubstr("[deptyr: detached from a]")));
}

TEST_F(AttachTest, TheProgramMayBeRestartedWhileItIsStopped) {
  std::optional<BodyProcess> first(Shell("a", "echo the first; read x"));
  tmux_.emplace("exec bash --norc -i");
  tmux().Type(absl::StrCat(Command({}, "a"), "\n"));
  ASSERT_TRUE(tmux().Until(StartsWith("the first")));
  ASSERT_EQ(::kill(ChildrenOf(tmux().pane_pid()).at(0), SIGTSTP), 0);
  ASSERT_TRUE(tmux().Until(HasSubstr("Stopped")));
  first.reset();
  const BodyProcess second = Shell("a", "echo the second; exec cat");
  tmux().Type("fg\n");
  ASSERT_TRUE(tmux().Until(HasSubstr("the second\n")));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(tmux().Until(HasSubstr("[deptyr: detached from a]")));
}

TEST_F(AttachTest, WhenHeadIsGoneItSaysSoAndRestoresTheTerminal) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach({"--wait", "0"});
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  head_.program().Signal(SIGKILL);
  EXPECT_TRUE(EndsWith("deptyr attach: head went away", 111));
}

TEST_F(AttachTest, AHeadThatStaysAwayIsGivenUp) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach({"--wait", "0.3"});
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  KillHead();
  EXPECT_TRUE(tmux().Until(
      HasSubstr("deptyr attach: head went away and could not be reached again "
                "within 300ms")));
  EXPECT_TRUE(EndsWith("", 111));
}

TEST_F(AttachTest, ItGoesOnWithTheNextHead) {
  BodyProcess first = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  KillHead();
  tmux().Type("for the first\n");
  const HeadProcess next({}, {.socket = head_.socket()});
  const BodyProcess second =
      BodyAt(next, {"sh", "-c", "echo the second; exec cat"});
  ASSERT_TRUE(tmux().Until(HasSubstr("the second\n")));
  tmux().Type("ok\n");
  ASSERT_TRUE(tmux().Until(HasSubstr("the second\nok\nok\n")));
  EXPECT_THAT(tmux().Screen(), Not(HasSubstr("the first")));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "0 0 1"));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

// A restart by its supervisor does this.
TEST_F(AttachTest, ItGoesOnAfterAHeadThatStopped) {
  BodyProcess first = Shell("a", "echo the first; exec cat");
  Attach({}, "a", {24, 80});
  ASSERT_TRUE(tmux().Until(HasSubstr("the first")));
  ASSERT_EQ(head_.Stop(), ExitStatus{});
  tmux().Resize({17, 61});
  const HeadProcess next({}, {.socket = head_.socket()});
  const BodyProcess second = BodyAt(next, {Actor(), "sizes"});
  EXPECT_TRUE(tmux().Until(HasSubstr("size 17x61")));
}

TEST_F(AttachTest, WhoWaitsForHeadIsToldAndCanDetach) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  KillHead();
  ASSERT_TRUE(tmux().Until(HasSubstr(kAway)));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

// The clients' environment tells nothing of the sessions they run in.
TEST_F(AttachTest, ACircleOfSessionsIsRefused) {
  const auto attach = [&](const std::string& session) {
    return absl::StrCat("stty rows 24 cols 200; while read x; do env -i ",
                        Quote(Deptyr()), " attach ", Quote(path()), " ",
                        session, "; done");
  };
  const auto begins = [&](const std::string& session, const std::string& said) {
    return TextUntil(
        [&] {
          (void)OutputOf({Deptyr(), "send", head_.socket(), session, "\\n"});
          return OutputOf({Deptyr(), "history", head_.socket(), session});
        },
        HasSubstr(said));
  };
  const BodyProcess a = Shell("a", attach("b"));
  const BodyProcess b = Shell("b", attach("c"));
  const BodyProcess c = Shell("c", attach("a"));
  ASSERT_TRUE(begins("a", "b is attached"));
  ASSERT_TRUE(begins("b", "c is attached"));
  ASSERT_TRUE(begins("c", "(c would show a, which shows b, which shows c)"));
  const BodyProcess cut(head_.socket(), {"--name", "b", "--replace"}, {"cat"});
  EXPECT_TRUE(begins("c", "a is attached"));
}

TEST_F(AttachTest, WhoComesIsToldThatSomebodyStoppedTheOutput) {
  const BodyProcess body = Shell("a", "stty ixon; echo ready; exec cat");
  Pipe pipe;
  auto stopper = Start({}, pipe.read_end.get());
  ASSERT_TRUE(ClientsUntil("1"));
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  ASSERT_EQ(::write(pipe.write_end.get(), "\x13", 1), 1);
  ASSERT_TRUE(TextUntil(
      [&] {
        return OutputOf({Deptyr(), "ls", head_.socket()});
      },
      HasSubstr("running, stopped by ^S")));
  Attach();
  EXPECT_TRUE(
      tmux().Until(HasSubstr("[deptyr: a is stopped by ^S; ^Q resumes it]")));
}

TEST_F(AttachTest, ASignalEndsTheWaitForHead) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(HasSubstr("full screen")));
  KillHead();
  ASSERT_TRUE(tmux().Until(HasSubstr(kAway)));
  ASSERT_EQ(::kill(ChildrenOf(tmux().pane_pid()).at(0), SIGTERM), 0);
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

TEST_F(AttachTest, OnceItEndsWithAProgramThatHeadTookAlong) {
  BodyProcess body = Shell("a", "echo here; exec cat");
  Attach({"--once"});
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  KillHead();
  const HeadProcess next({}, {.socket = head_.socket()});
  const BodyProcess second = BodyAt(next, {"cat"});
  EXPECT_TRUE(tmux().Until(
      AllOf(HasSubstr("a's program with it"), HasSubstr("status 111"))));
}

TEST_F(AttachTest, BetweenPipesNothingOfTheNextHeadIsMissing) {
  BodyProcess first = Shell("a", "read x; printf one; exec cat");
  Pipe pipe;
  auto attach = Start({}, pipe.read_end.get());
  ASSERT_TRUE(ClientsUntil("1"));
  ASSERT_EQ(::write(pipe.write_end.get(), "\n", 1), 1);
  ASSERT_TRUE(said_.Until(HasSubstr("one")));
  KillHead();
  const HeadProcess next({}, {.socket = head_.socket()});
  const BodyProcess second = BodyAt(next, {"sh", "-c",
                                           "stty -echo; printf two; read x; "
                                           "printf \"got $x\"; exec cat"});
  ASSERT_TRUE(said_.Until(HasSubstr("two")));
  ASSERT_EQ(::write(pipe.write_end.get(), "it\n", 3), 3);
  ASSERT_TRUE(said_.Until(HasSubstr("got it")));
  EXPECT_EQ(said_.text(), "\r\nonetwogot it");
  pipe.write_end.Reset();
  // Nobody knows whether the first one got its line.
  EXPECT_EQ(attach->Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.text(), HasSubstr("may lack some"));
}

TEST_F(AttachTest, WhatAPipeHoldsWaitsForTheNextHead) {
  BodyProcess first = Shell("a", "printf one; exec cat");
  Pipe pipe;
  auto attach = Start({}, pipe.read_end.get());
  ASSERT_TRUE(ClientsUntil("1"));
  KillHead();
  ASSERT_TRUE(complained_.Until(HasSubstr(kAway)));
  ASSERT_EQ(::write(pipe.write_end.get(), "it\n", 3), 3);
  pipe.write_end.Reset();
  const HeadProcess next({}, {.socket = head_.socket()});
  const BodyProcess second =
      BodyAt(next, {"sh", "-c",
                    "stty -echo; read x; printf \"got $x\"; "
                    "exec cat"});
  EXPECT_EQ(attach->Wait(), ExitStatus{});
  EXPECT_TRUE(TextUntil(
      [&] {
        return OutputOf({Deptyr(), "history", head_.socket(), "a"});
      },
      HasSubstr("got it")));
}

// A client that is stopped for as long as this lives, and so doesn't say, after
// a second, that it waits for head.
class Held {
 public:
  explicit Held(pid_t pid) : pid_(pid) { (void)::kill(pid_, SIGSTOP); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { (void)::kill(pid_, SIGCONT); }

 private:
  const pid_t pid_;
};

// The stream goes on, because only the way to head is cut.
class CutTest : public AttachTest {
 protected:
  CutTest() { Mend(); }
  std::string path() const override { return path_; }
  void Cut() { proxy_.reset(); }
  void Mend() { proxy_.emplace(head_.socket(), path_); }

 private:
  const std::string path_ = folder_ / "proxy.sock";
  std::optional<Proxy> proxy_;
};

TEST_F(CutTest, BetweenPipesNoByteIsMissingAndNoneComesTwice) {
  // All output fits into the ring, so nobody who was away has missed any.
  BodyProcess body =
      Shell("a", "stty -opost -echo; echo ready; read x; seq 150000; exec cat");
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  Pipe pipe;
  auto attach = Start({}, pipe.read_end.get());
  ASSERT_TRUE(ClientsUntil("1"));
  ASSERT_EQ(::write(pipe.write_end.get(), "\n", 1), 1);
  for (size_t i = 1; i <= 5; ++i) {
    ASSERT_TRUE(WaitFor([&] { return said_.text().size() > i * 100'000; }));
    const Held held(attach->pid());
    Cut();
    Mend();
  }
  ASSERT_TRUE(said_.Until(HasSubstr("\n150000\n")));
  EXPECT_TRUE(said_.text() == OutputOf({"seq", "150000"}));
  EXPECT_EQ(complained_.text(), "");
}

// Everything was sent, but nobody knows whether it was typed.
TEST_F(CutTest, WhatCannotBeToldToBeTypedIsAnError) {
  BodyProcess body = Shell(
      "a", "stty raw -echo; echo ready; kill -STOP $$; exec cat > /dev/null");
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  WriteFile(folder_ / "typed", std::string(300'000, 'x'));
  const Fd file(::open((folder_ / "typed").c_str(), O_RDONLY | O_CLOEXEC));
  auto attach = Start({}, file.get());
  ASSERT_TRUE(ClientsUntil("1"));
  ASSERT_TRUE(WaitUntilQuiet(attach->pid()));
  Cut();
  Mend();
  ASSERT_EQ(::kill(body.pid(), SIGCONT), 0);
  EXPECT_EQ(attach->Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.text(), HasSubstr("may lack some"));
}

TEST_F(CutTest, AHistoryThatIsFollowedAndARecordingGoOnAsWell) {
  BodyProcess body = Shell("a",
                           "stty -echo; echo one; read x; echo two; read x; "
                           "echo three; exec cat");
  ASSERT_TRUE(HistoryUntil(HasSubstr("one")));
  const LogFile recorded;
  const Program history =
      Program::Start({Deptyr(), "history", "--follow", path(), "a"},
                     {.fds = {{said_.fd(), 1}}});
  const Program record = Program::Start({Deptyr(), "record", path(), "a"},
                                        {.fds = {{recorded.fd(), 1}}});
  ASSERT_TRUE(said_.Until(HasSubstr("one")));
  ASSERT_TRUE(recorded.Until(HasSubstr("one")));
  const auto send = [this] {
    OutputOf({Deptyr(), "send", head_.socket(), "a", "\\n"});
  };
  Cut();
  send();
  ASSERT_TRUE(HistoryUntil(HasSubstr("two")));
  Mend();
  ASSERT_TRUE(said_.Until(HasSubstr("two")));
  ASSERT_TRUE(recorded.Until(HasSubstr("two")));
  send();
  ASSERT_TRUE(recorded.Until(HasSubstr("three")));
  ASSERT_TRUE(said_.Until(HasSubstr("three")));
  EXPECT_EQ(said_.text(), "one\r\ntwo\r\nthree\r\n");
  // The output has no second beginning.
  EXPECT_THAT(recorded.text(), Not(testing::ContainsRegex("one.*\n.*one")));
  EXPECT_THAT(recorded.text(),
              Not(testing::ContainsRegex("version.*\n.*version")));
}

TEST_F(CutTest, ATerminalIsAsItWasAfterALongWait) {
  BodyProcess body = Shell("a", kFullScreen);
  Attach();
  ASSERT_TRUE(tmux().Until(StartsWith("full screen")));
  Cut();
  ASSERT_TRUE(tmux().Until(HasSubstr(kAway)));
  tmux().Type("typed meanwhile ");
  Mend();
  EXPECT_TRUE(tmux().Until(AllOf(StartsWith("full screentyped meanwhile\n"),
                                 Not(HasSubstr("deptyr:")))));
  EXPECT_TRUE(tmux().Answers("#{alternate_on} #{mouse_any_flag} #{cursor_flag}",
                             "1 1 0"));
  tmux().Press({"C-\\"});
  EXPECT_TRUE(EndsWith("[deptyr: detached from a]", 0));
}

TEST_F(CutTest, OnceItHearsHowTheProgramEndedMeanwhile) {
  BodyProcess body = Shell("a", "echo here; read x; echo bye; exit 7");
  Attach({"--once"});
  ASSERT_TRUE(tmux().Until(HasSubstr("here")));
  Cut();
  OutputOf({Deptyr(), "send", head_.socket(), "a", "\\n"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 7});
  const BodyProcess next = Body("a", {"cat"});
  Mend();
  EXPECT_TRUE(EndsWith("[deptyr: a ended: exit status 7]", 7));
  EXPECT_THAT(tmux().ScreenAndHistory(), HasSubstr("bye"));
}

TEST_F(CutTest, WhatHappenedToTheProgramMeanwhileIsSaidOnce) {
  {
    BodyProcess first = Shell("a", "echo the first; read x; exit 3");
    Attach();
    ASSERT_TRUE(tmux().Until(HasSubstr("the first")));
    tmux().Press({"Enter"});
    (void)first.Wait();
    ASSERT_TRUE(tmux().Until(HasSubstr("exit status 3; waiting")));
  }
  Cut();
  const BodyProcess second = Shell("a", "echo the second; exec cat");
  Mend();
  // After more than a second it is painted again, without the message.
  EXPECT_TRUE(tmux().Until(testing::AnyOf(
      HasSubstr(absl::StrCat("[deptyr: a ended: exit status 3; waiting for the "
                             "next start]\n\n[deptyr: a runs again, pid ",
                             second.pid(), "]\nthe second\n")),
      StartsWith("the second\n\n"))));
}

TEST_F(AttachTest, ATerminalIsNotShownToItself) {
  BodyProcess body =
      Shell("a", absl::StrCat(Command({}, "a"), "; echo status $?; exec cat"));
  Attach();
  EXPECT_TRUE(tmux().Until(
      AllOf(HasSubstr("(a would show a)"), HasSubstr("status 111"))));
}

TEST_F(AttachTest, AnErrorIsOneLine) {
  BodyProcess body = Shell("a", "exec cat");
  Attach({}, "nosuch");
  EXPECT_TRUE(tmux().Until(AllOf(
      StartsWith("deptyr attach: head refused: there is no session "
                 "nosuch; deptyr ls lists those t\nhere are; the head at "),
      HasSubstr(" was asked\nstatus 111\n"))));
}

TEST_F(AttachTest, WhatAPipeHoldsIsTyped) {
  BodyProcess body = Shell("a",
                           "stty -echo; echo ready; read x; echo \"got $x\"; "
                           "read x; echo \"got $x\"; "
                           "exec cat");
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  Pipe pipe;
  auto attach = Start({}, pipe.read_end.get());
  pipe.read_end.Reset();
  ASSERT_TRUE(ClientsUntil("1"));
  ASSERT_EQ(::write(pipe.write_end.get(), "one\ntwo\n", 8), 8);
  ASSERT_TRUE(said_.Until(HasSubstr("got two")));
  pipe.write_end.Reset();
  EXPECT_EQ(attach->Wait(), ExitStatus{});
  EXPECT_EQ(said_.text(), "got one\r\ngot two\r\n");
  EXPECT_EQ(complained_.text(), "");
}

TEST_F(AttachTest, AFileIsTypedAsWell) {
  BodyProcess body = Shell("a", "read x; echo \"got $x\"; exec cat");
  WriteFile(folder_ / "typed", "stop\n");
  const Fd file(::open((folder_ / "typed").c_str(), O_RDONLY | O_CLOEXEC));
  auto attach = Start({}, file.get());
  EXPECT_EQ(attach->Wait(), ExitStatus{});
  EXPECT_TRUE(HistoryUntil(HasSubstr("got stop")));
}

TEST_F(AttachTest, WhoNobodyTellsTheStatusSaysSo) {
  BodyProcess body = Shell("a", "read x; exit 3");
  Attach({"--once"});
  ASSERT_TRUE(ClientsUntil("1"));
  tmux().Press({"Enter"});
  // Nobody reaps it, so the kernel doesn't tell.
  EXPECT_TRUE(tmux().Until(
      AllOf(HasSubstr("and nobody reported"), HasSubstr("status 111"))));
}

TEST_F(AttachTest, OnceAPipeGetsTheProgramsStatus) {
  BodyProcess body = Shell("a", "read x; echo bye; exit 5");
  WriteFile(folder_ / "typed", "stop\n");
  const Fd file(::open((folder_ / "typed").c_str(), O_RDONLY | O_CLOEXEC));
  auto attach = Start({"--once"}, file.get());
  (void)body.Wait();
  EXPECT_EQ(attach->Wait(), ExitStatus{.code = 5});
  EXPECT_THAT(said_.text(), HasSubstr("bye\r\n"));
  EXPECT_EQ(complained_.text(), "[deptyr: a ended: exit status 5]\n");
}

TEST_F(AttachTest, NothingIsTypedWhereNoProgramRuns) {
  {
    BodyProcess body = Shell("a", "exit 3");
    (void)body.Wait();
    ASSERT_TRUE(head_.log().Until(HasSubstr("ended: exit status 3")));
  }
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto attach = Start({}, null.get());
  EXPECT_EQ(attach->Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.text(),
              HasSubstr("nothing was typed: a ended: exit status 3"));
}

TEST_F(AttachTest, WithoutHeadThereIsOneLine) {
  ASSERT_EQ(head_.Stop(), ExitStatus{});
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  auto attach = Start({}, null.get());
  EXPECT_EQ(attach->Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.text(),
              AllOf(StartsWith("deptyr attach: connect to head at "),
                    HasSubstr("does head run there?\n")));
}

}  // namespace
}  // namespace deptyr
