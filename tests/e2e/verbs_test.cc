// Tests the verbs that ask, type, wait and read, with a real head and programs.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/ask.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/wire/report_fields.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A server with a console, as games have one.
constexpr char kServer[] =
    "stty -echo; echo 'Done (1.0s)'; printf '> '; while read line; do "
    "case $line in stop) echo Saving; exit 4;; "
    "*) echo \"[chat] $line\"; printf '> ';; esac; done";

class VerbsTest : public testing::Test {
 protected:
  struct Result {
    int status = -1;
    std::string out;
    std::string err;
  };
  std::unique_ptr<BodyProcess> Body(const std::string& name,
                                    const std::vector<std::string>& program) {
    auto body = std::make_unique<BodyProcess>(
        head_.socket(), std::vector<std::string>{"--name", name}, program);
    EXPECT_TRUE(head_.log().Until(
        HasSubstr(absl::StrCat("session=", name, " pid=", body->pid()))));
    return body;
  }
  std::unique_ptr<BodyProcess> Server() {
    auto body = Body("mc", {"sh", "-c", kServer});
    EXPECT_EQ(HistoryUntil(HasSubstr("> ")), true);
    return body;
  }
  bool HistoryUntil(const testing::Matcher<const std::string&>& matcher) {
    return static_cast<bool>(TextUntil(
        [this] {
          return Run({"history", "mc"}).out;
        },
        matcher));
  }
  Program Start(const std::vector<std::string>& words, const LogFile& out,
                const LogFile& err) {
    std::vector<std::string> argv = {Deptyr()};
    argv.insert(argv.end(), words.begin(), words.end());
    return Program::Start(
        argv, {.fds = {{out.fd(), 1}, {err.fd(), 2}},
               .env = {absl::StrCat("DEPTYR_SOCKET=", head_.socket())}});
  }
  // Attaches somebody whose terminal is this one.
  Program AttachOn(const Pty& pty, const std::vector<std::string>& session) {
    const int fd = pty.terminal.get();
    std::vector<std::string> words = {Deptyr(), "attach", head_.socket()};
    words.insert(words.end(), session.begin(), session.end());
    return Program::Start(
        words, {.fds = {{fd, 0}, {fd, 1}, {fd, 2}}, .env = {"TERM=xterm"}});
  }
  Result Run(const std::vector<std::string>& words) {
    const LogFile out;
    const LogFile err;
    Program program = Start(words, out, err);
    const auto end = program.Wait();
    return {end && end->signal == 0 ? end->code : -1, out.text(), err.text()};
  }

  // Runs a command that ends the program, which its supervisor reaps at once:
  // otherwise it would be some time until head says that nobody can tell how it
  // ended.
  Result RunToTheEndOf(BodyProcess& body,
                       const std::vector<std::string>& words) {
    const LogFile out;
    const LogFile err;
    Program program = Start(words, out, err);
    EXPECT_TRUE(body.Wait());
    const auto end = program.Wait();
    return {end && end->signal == 0 ? end->code : -1, out.text(), err.text()};
  }

  HeadProcess head_;
  const LogFile out_;
  const LogFile err_;
};

TEST_F(VerbsTest, LsListsTheSessions) {
  EXPECT_EQ(Run({"ls", "--json"}).out, "{\n  \"sessions\": []\n}\n");
  auto a = Body("a", {"cat"});
  auto b = Body("b", {"sh", "-c", "exit 3"});
  (void)b->Wait();
  ASSERT_TRUE(head_.log().Until(HasSubstr("ended: exit status 3")));
  const Result table = Run({"ls"});
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(
      table.out,
      AllOf(StartsWith("SESSION  STATE "),
            ContainsRegex(absl::StrCat("\na  +running +", a->pid(),
                                       " .* 24x80 +0 +0 +- +- +cat\n")),
            ContainsRegex("\nb  +ended .* exit status 3 +sh -c exit 3\n")));
  EXPECT_EQ(Run({"ls", "--names"}).out, "a\nb\n");
  EXPECT_THAT(
      Run({"ls", "--json"}).out,
      AllOf(HasSubstr(absl::StrCat("\"pid\": ", a->pid(), ",")),
            HasSubstr("\"state\": \"running\""), HasSubstr("\"code\": 3")));
}

TEST_F(VerbsTest, OnATerminalAVerbThatWaitsSaysForWhat) {
  auto mc = Server();
  const Pty pty = Value(OpenPty({}));
  OutputReader screen(pty.controller.get());
  const auto on_terminal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), Deptyr());
    const int fd = pty.terminal.get();
    return Program::Start(
        words, {.fds = {{fd, 0}, {out_.fd(), 1}, {fd, 2}},
                .env = {absl::StrCat("DEPTYR_SOCKET=", head_.socket())}});
  };
  // Two that aren't on a terminal start earlier, and say nothing.
  Program silent = Start({"wait", "--exit", "mc"}, out_, err_);
  ASSERT_TRUE(head_.log().Until(HasSubstr("joined session=mc")));
  Program wait = on_terminal({"wait", "--exit", "mc"});
  ASSERT_TRUE(
      screen.Until(HasSubstr("[deptyr: waiting for mc to exit, at most 30s]")));
  head_.program().Signal(SIGSTOP);
  Program silent_ls = Start({"ls"}, out_, err_);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"ls"}, {"send", "mc", "hello\\n"}, {"attach", "-r", "mc"}}) {
    screen.Forget();
    Program verb = on_terminal(words);
    EXPECT_TRUE(screen.Until(
        HasSubstr("[deptyr: waiting for head to answer; is it stopped?]")))
        << words[0];
  }
  head_.program().Signal(SIGCONT);
  EXPECT_EQ(silent_ls.Wait(), ExitStatus{});
  EXPECT_EQ(RunToTheEndOf(*mc, {"stop", "mc", "--type", "stop\\n"}).status, 0);
  EXPECT_EQ(wait.Wait(), ExitStatus{.code = 4});
  EXPECT_EQ(silent.Wait(), ExitStatus{.code = 4});
  EXPECT_EQ(err_.text(), "");
}

TEST_F(VerbsTest, OnATerminalAVerbThatIsServedAtOnceSaysNothing) {
  auto mc = Server();
  const Pty pty = Value(OpenPty({}));
  const int fd = pty.terminal.get();
  Program verb =
      Program::Start({Deptyr(), "send", head_.socket(), "mc", "hello\\n"},
                     {.fds = {{fd, 0}, {fd, 1}, {fd, 2}}});
  EXPECT_EQ(verb.Wait(), ExitStatus{});
  // The terminal shows nothing before this.
  (void)!::write(fd, "end\n", 4);
  OutputReader screen(pty.controller.get());
  ASSERT_TRUE(screen.Until(HasSubstr("end\r\n")));
  EXPECT_EQ(screen.text(), "end\r\n");
}

TEST_F(VerbsTest, StatusTellsOfClientsAndIncarnations) {
  auto a = Body("a", {"cat"});
  Program client = Start({"attach", "-r", "a"}, out_, err_);
  ASSERT_TRUE(head_.log().Until(HasSubstr("joined session=a")));
  const Result text = Run({"status", "a"});
  EXPECT_THAT(text.out,
              AllOf(ContainsRegex("^session +a\nprogram +cat\n"),
                    ContainsRegex(
                        absl::StrCat(" attach +", client.pid(), " .* read\n")),
                    ContainsRegex(absl::StrCat("\n1 +", a->pid(), " "))));
  EXPECT_THAT(Run({"status", "a", "--json"}).out,
              AllOf(HasSubstr("\"argv\": [\n    \"cat\"\n  ]"),
                    HasSubstr("\"read_only\": true"),
                    HasSubstr("\"incarnations\": [")));
  EXPECT_EQ(Run({"status", "nosuch"}).status, 111);
}

// JSON, tables and documentation know the fields of the table, and no others.
TEST_F(VerbsTest, HeadReportsTheFieldsOfTheTable) {
  auto a = Body("a", {"cat"});
  Program client = Start({"attach", "-r", "a"}, out_, err_);
  ASSERT_TRUE(head_.log().Until(HasSubstr("joined session=a")));
  std::set<std::string> known;
  for (const ReportField& field : ReportFields()) {
    known.insert(absl::StrCat(field.item, " ", field.name));
  }
  const Ask questions[] = {
      {.what = "status", .fields = {{"session", "a"}}},
      {.what = "head", .fields = {{"users", "1"}}},
      {.what = "snapshot", .fields = {{"session", "a"}}},
  };
  std::set<std::string> items;
  for (const Ask& question : questions) {
    for (KeyValues item : Value(AskForItems(head_.socket(), question))) {
      const std::string kind = item[0].second;
      items.insert(kind);
      for (size_t i = 1; i < item.size(); ++i) {
        EXPECT_THAT(known, Contains(absl::StrCat(kind, " ", item[i].first)));
      }
    }
  }
  EXPECT_THAT(items, ElementsAre("client", "head", "incarnation", "session",
                                 "snapshot", "user"));
}

TEST_F(VerbsTest, EventsTellsWhatHappensWhileItHappens) {
  Program events = Start({"events"}, out_, err_);
  // Nothing reports when head sends it events, so ask until the first event
  // shows that it does.
  ASSERT_TRUE(WaitFor([&] {
    auto probe = Body("probe", {"true"});
    (void)probe->Wait();
    return !out_.text().empty();
  }));
  auto a = Body("a", {"sh", "-c", "read x; exit 3"});
  const Pty larger = Value(OpenPty({.rows = 30, .cols = 90}));
  const Program client = AttachOn(larger, {"a"});
  EXPECT_TRUE(out_.Until(ContainsRegex(
      "\"event\":\"resized\",\"session\":\"a\",\"rows\":30,\"cols\":90")));
  ASSERT_EQ(Run({"send", "a", "--enter"}).status, 0);
  (void)a->Wait();
  EXPECT_TRUE(out_.Until(AllOf(
      ContainsRegex(absl::StrCat("\\{\"event\":\"started\",\"session\":\"a\","
                                 ".*\"pid\":",
                                 a->pid(), ",.*\"time_ms\":[0-9]+\\}\n")),
      ContainsRegex("\"event\":\"attached\",\"session\":\"a\","
                    "\"client\":[0-9]+,\"kind\":\"attach\""),
      ContainsRegex("\"event\":\"ended\",\"session\":\"a\",.*\"code\":3"))));
}

TEST_F(VerbsTest, KickMakesClientsLeave) {
  auto a = Body("a", {"cat"});
  Program client = Start({"attach", "-r", "a"}, out_, err_);
  ASSERT_TRUE(head_.log().Until(HasSubstr("joined session=a")));
  EXPECT_EQ(Run({"kick", "a", "77777"}).status, 111);
  EXPECT_THAT(Run({"kick", "a"}).out, HasSubstr(absl::StrCat(client.pid())));
  EXPECT_EQ(client.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(err_.text(), HasSubstr("made it leave"));
  EXPECT_EQ(Run({"kick"}).status, 100);
}

TEST_F(VerbsTest, SendTypesAndPrintsTheAnswer) {
  auto server = Server();
  const Result result = Run({"send", "mc", "hello", "there\\n", "--wait-for",
                             "^\\[chat\\] .*", "--print"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "[chat] hello there\n");
  // Output from before the typing is not looked at.
  const Result again = Run({"send", "mc", "x\\n", "--wait-for",
                            "hello there|^\\[chat\\] x", "--print"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, "[chat] x\n");
}

// It writes its answers in pieces.
constexpr char kSlowServer[] =
    "printf '> '; while read line; do printf 'players online: '; sleep .1; "
    "printf 'Steve, '; sleep .1; echo Alex; echo \"2 of $line\"; printf '> '; "
    "done";

TEST_F(VerbsTest, SendPrintsWholeLinesWithoutTheEcho) {
  for (const char* setup : {"", "stty -echo; ", "stty -echo -icanon; "}) {
    auto server = Body("mc", {"sh", "-c", absl::StrCat(setup, kSlowServer)});
    const auto answer = [&](std::vector<std::string> words) {
      EXPECT_EQ(Run({"wait", "mc", "--screen", "^>$"}).status, 0);
      words.insert(words.begin(), {"send", "mc", "list\\n", "--print"});
      return Run(words).out;
    };
    EXPECT_EQ(answer({"--wait-for", "online"}),
              "players online: Steve, Alex\n");
    // The echo matches nothing.
    EXPECT_EQ(answer({"--wait-for", "list"}),
              "players online: Steve, Alex\n2 of list\n");
    EXPECT_EQ(answer({"--wait-for", "^> $"}),
              "players online: Steve, Alex\n2 of list\n> \n");
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"--until-quiet", "0.5"}, {}}) {
      EXPECT_EQ(answer(words), "players online: Steve, Alex\n2 of list\n");
    }
  }
  EXPECT_EQ(
      Run({"send", "mc", "x", "--until-quiet", "1", "--wait-for", "x"}).status,
      100);
}

TEST_F(VerbsTest, SendPrintsWhatCameInTheTimeItHad) {
  auto server = Server();
  std::string history = "Done (1.0s)\r\n> ";
  // A busy machine may give the server no turn for that long.
  EXPECT_TRUE(WaitFor([&] {
    const Result late = Run({"send", "mc", "x\\n", "--wait-for", "never",
                             "--timeout", "0.2", "--print"});
    EXPECT_EQ(late.status, 124);
    EXPECT_THAT(late.err,
                HasSubstr("did not write what was waited for within"));
    absl::StrAppend(&history, "[chat] x\r\n> ");
    EXPECT_TRUE(HistoryUntil(history));
    return late.out == "[chat] x\n> \n";
  }));
}

TEST_F(VerbsTest, SendTypesKeysAsTheProgramWantsThem) {
  auto keys = Body("a", {Actor(), "keys", "10"});
  ASSERT_TRUE(TextUntil(
      [this] {
        return Run({"history", "a"}).out;
      },
      HasSubstr("keys:")));
  EXPECT_EQ(
      Run({"send", "a", "\\x41\\e", "--keys", "C-c Up F1", "--enter"}).status,
      0);
  ASSERT_TRUE(TextUntil(
      [this] {
        return Run({"history", "a"}).out;
      },
      HasSubstr("keys: 41 1b 03 1b 5b 41 1b 4f 50 0d done")));
  auto application = Body("b", {"sh", "-c",
                                absl::StrCat("printf '\\033[?1h'; exec ",
                                             Quote(Actor()), " keys 3")});
  ASSERT_TRUE(TextUntil(
      [this] {
        return Run({"history", "b"}).out;
      },
      HasSubstr("keys:")));
  EXPECT_EQ(Run({"send", "b", "--keys", "Up"}).status, 0);
  EXPECT_TRUE(TextUntil(
      [this] {
        return Run({"history", "b"}).out;
      },
      HasSubstr("keys: 1b 4f 41 done")));
}

TEST_F(VerbsTest, SendTypesInTheOrderGivenAndEachPieceIsReadAlone) {
  const auto typed = [&](absl::string_view asks, int count,
                         std::vector<std::string> words) {
    static int number = 0;
    const std::string name = absl::StrCat("r", ++number);
    auto reader = Body(name, {"sh", "-c",
                              absl::StrCat("printf '", asks, "'; exec ",
                                           Quote(Actor()), " reads ", count)});
    EXPECT_TRUE(TextUntil(
        [&] {
          return Run({"history", name}).out;
        },
        HasSubstr("reads:")));
    words.insert(words.begin(), {"send", name});
    const Result sent = Run(words);
    EXPECT_EQ(sent.status, 0) << sent.err;
    std::string text;
    EXPECT_TRUE(TextUntil(
        [&] {
          return text = Run({"history", name, "--text"}).out;
        },
        HasSubstr(" done")));
    return text;
  };
  EXPECT_EQ(typed("", 11,
                  {"a", "--keys", "Escape Up", "b", "c", "--pause", "0.01",
                   "--enter", "d\\n"}),
            "reads: [61] [1b] [1b 5b 41] [62 20 63] [0d] [64] [0a] done\n");
  // It means the end if it comes before everything.
  EXPECT_EQ(typed("", 5, {"--enter", "list"}),
            "reads: [6c 69 73 74] [0d] done\n");
  EXPECT_EQ(typed("", 2, {"--keys", "a", "--enter"}),
            "reads: [61] [0d] done\n");
  EXPECT_EQ(typed("", 4, {"--enter", "--keys", "a b c"}),
            "reads: [61] [62] [63] [0d] done\n");
  EXPECT_EQ(typed("\\033[?2004h\\033[?1h", 20,
                  {"--paste", "a\\n", "--keys", "Up", "--", "-x"}),
            "reads: [1b 5b 32 30 30 7e 61 5c 6e 1b 5b 32 30 31 7e] "
            "[1b 4f 41] [2d 78] done\n");
  EXPECT_EQ(typed("\\033[?1000;1006h", 18, {"--mouse", "right:2,9"}),
            "reads: [1b 5b 3c 32 3b 31 30 3b 33 4d 1b 5b 3c 32 3b 31 30 3b 33 "
            "6d] done\n");
}

TEST_F(VerbsTest, APasteMayComeFromStandardInput) {
  auto cat = Body("a", {"cat"});
  const LogFile input;
  ASSERT_EQ(::write(input.fd(), "one\ntwo\n", 8), 8);
  ASSERT_EQ(::lseek(input.fd(), 0, SEEK_SET), 0);
  Program send = Program::Start(
      {Deptyr(), "send", head_.socket(), "a", "--paste", "-"},
      {.fds = {{input.fd(), 0}, {out_.fd(), 1}, {err_.fd(), 2}}});
  EXPECT_EQ(send.Wait(), ExitStatus{});
  EXPECT_TRUE(TextUntil(
      [&] {
        return Run({"history", "a"}).out;
      },
      HasSubstr("two\r\none\r\ntwo\r\n")));
}

// It must be read before the next piece, and isn't.
TEST_F(VerbsTest, APieceThatIsNotReadKeepsBackTheNext) {
  auto deaf = Body("mc", {"sh", "-c", "stty raw -echo; echo up; sleep 1d"});
  ASSERT_TRUE(HistoryUntil(HasSubstr("up")));
  EXPECT_EQ(Run({"send", "mc", "x\\n", "--timeout", "0.2"}).err,
            "deptyr send: mc did not take what was typed within 200ms\n");
  // A terminal that reads lines keeps them for its program.
  auto lines = Body("b", {"sh", "-c", "echo up; sleep 1d"});
  ASSERT_TRUE(TextUntil(
      [&] {
        return Run({"history", "b"}).out;
      },
      HasSubstr("up")));
  EXPECT_EQ(Run({"send", "b", "x\\n"}).status, 0);
  EXPECT_EQ(Run({"send", "b", "y\\n"}).status, 0);
}

TEST_F(VerbsTest, AClickThatTheProgramWouldNotHearOfIsNotTyped) {
  auto cat = Body("a", {"cat"});
  const Result sent = Run({"send", "a", "--mouse", "0,0"});
  EXPECT_EQ(sent.status, 111);
  EXPECT_EQ(sent.err,
            "deptyr send: a: the program hasn't asked for the mouse; nothing "
            "was typed\n");
}

TEST_F(VerbsTest, SendSaysWhatIsWrong) {
  EXPECT_EQ(Run({"send", "mc"}).status, 100);
  EXPECT_EQ(Run({"send", "mc", "\\q"}).status, 100);
  EXPECT_EQ(Run({"send", "mc", "x", "--wait-for", "("}).status, 100);
  EXPECT_EQ(Run({"send", "mc", "x", "--timeout", "0.1"}).status, 124);
  auto server = Server();
  const Result ended =
      RunToTheEndOf(*server, {"send", "mc", "stop\\n", "--wait-for", "never"});
  EXPECT_EQ(ended.status, 111);
  EXPECT_THAT(ended.err, HasSubstr("mc ended"));
  EXPECT_THAT(Run({"send", "mc", "x"}).err,
              HasSubstr("nothing was typed: mc ended: exit status 4"));
}

TEST_F(VerbsTest, WaitWaitsForTextAnEndOrQuiet) {
  auto server = Server();
  EXPECT_EQ(Run({"wait", "mc", "--quiet", "0.05"}).status, 0);
  EXPECT_EQ(Run({"wait", "mc", "--exit", "--timeout", "0.05"}).status, 124);
  EXPECT_EQ(Run({"wait", "mc"}).status, 100);
  EXPECT_EQ(Run({"wait", "mc", "--exit", "--quiet", "1"}).status, 100);
  {
    Program wait =
        Start({"wait", "mc", "--for", "later$", "--print"}, out_, err_);
    ASSERT_TRUE(
        head_.log().Until(HasSubstr(absl::StrCat("pid=", wait.pid(), " "))));
    EXPECT_EQ(Run({"send", "mc", "later\\n"}).status, 0);
    EXPECT_EQ(wait.Wait(), ExitStatus{});
    EXPECT_EQ(out_.text(), "> [chat] later\n");
  }
  Program wait = Start({"wait", "mc", "--exit"}, out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", wait.pid(), " "))));
  EXPECT_EQ(Run({"send", "mc", "stop\\n"}).status, 0);
  (void)server->Wait();
  EXPECT_EQ(wait.Wait(), ExitStatus{.code = 4});
  EXPECT_EQ(Run({"wait", "mc", "--exit"}).status, 4);
}

TEST_F(VerbsTest, WaitTellsWhichSignalEndedTheProgram) {
  auto mc = Body("mc", {"sh", "-c", "read x; kill -TERM $$"});
  Program wait = Start({"wait", "mc", "--exit"}, out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", wait.pid(), " "))));
  EXPECT_EQ(RunToTheEndOf(*mc, {"send", "mc", "--enter"}).status, 0);
  EXPECT_EQ(wait.Wait(), ExitStatus{.code = 128 + SIGTERM});
}

// Nobody reaps it, so the kernel can't tell.
TEST_F(VerbsTest, WaitWaitsForAStatusThatIsToldLater) {
  auto mc = Body("mc", {"sh", "-c", "read x"});
  ASSERT_EQ(Run({"send", "mc", "--enter"}).status, 0);
  ASSERT_TRUE(head_.log().Until(HasSubstr(" ended")));
  Program wait = Start({"wait", "mc", "--exit"}, out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", wait.pid(), " "))));
  EXPECT_EQ(Run({"ended", "mc", "7", "0"}).status, 0);
  EXPECT_EQ(wait.Wait(), ExitStatus{.code = 7});
}

// Shows each line that it reads alone on the screen, and for a moment another.
constexpr char kPainter[] =
    "stty -echo; printf '\\033[?1049hready'; while read line; do "
    "printf '\\033[2J\\033[Hat first %s\\033[2J\\033[H\\033[32m%s\\033[m.' "
    "\"$line\" \"$line\"; done";

TEST_F(VerbsTest, WaitLooksAtTheScreenAtOnceAndAfterEveryChange) {
  auto painter = Body("mc", {"sh", "-c", kPainter});
  EXPECT_EQ(Run({"wait", "mc", "--screen", "^ready$"}).status, 0);
  EXPECT_EQ(Run({"wait", "mc", "--screen", "^ready$", "--print"}).out,
            "ready\n");
  Program wait = Start({"wait", "mc", "--screen", "^green.$", "--screen", "g",
                        "--gone", "ready", "--print"},
                       out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", wait.pid(), " "))));
  EXPECT_EQ(Run({"send", "mc", "green\\n", "--gone", "ready"}).status, 0);
  EXPECT_EQ(wait.Wait(), ExitStatus{});
  EXPECT_EQ(out_.text(), "green.\n");
  EXPECT_EQ(Run({"wait", "mc", "--stable", "0.05"}).status, 0);
  const Result late = Run({"wait", "mc", "--screen", "red", "--stable", "0.05",
                           "--timeout", "0.2", "--print"});
  EXPECT_EQ(late.status, 124);
  EXPECT_EQ(late.err, "deptyr wait: mc doesn't show red after 200ms\n");
  EXPECT_EQ(late.out, "green.\n");
  EXPECT_EQ(Run({"wait", "mc", "--gone", "gr", "--timeout", "0.2"}).err,
            "deptyr wait: mc still shows gr after 200ms\n");
  // The program replaces this at once.
  EXPECT_EQ(
      Run({"send", "mc", "short\\n", "--screen", "^at first short"}).status, 0);
}

TEST_F(VerbsTest, AScreenThatAlwaysChangesIsNotStable) {
  auto spinner = Body(
      "mc", {"sh", "-c", "while :; do printf '\\r-'; printf '\\r/'; done"});
  EXPECT_EQ(Run({"wait", "mc", "--stable", "5", "--timeout", "0.2"}).err,
            "deptyr wait: mc shows something else all the time after 200ms\n");
}

TEST_F(VerbsTest, WaitFindsWhatTheProgramThatRunsHasWritten) {
  {
    auto first = Body("mc", {"echo", "from the first"});
    (void)first->Wait();
    ASSERT_TRUE(head_.log().Until(HasSubstr("ended: exit status 0")));
  }
  // Nothing runs, so this was written by none that does.
  EXPECT_EQ(Run({"wait", "mc", "--for", "first", "--timeout", "0.1"}).status,
            124);
  auto second = Body("mc", {"sh", "-c", "echo from the second; exec cat"});
  EXPECT_EQ(Run({"wait", "mc", "--for", "second"}).status, 0);
  EXPECT_EQ(Run({"wait", "mc", "--for", "second"}).status, 0);
  EXPECT_EQ(Run({"wait", "mc", "--for", "first", "--timeout", "0.1"}).status,
            124);
  EXPECT_EQ(
      Run({"wait", "mc", "--for", "second", "--new", "--timeout", "0.1"}).err,
      "deptyr wait: mc did not write what was waited for within 100ms\n");
  EXPECT_EQ(Run({"wait", "mc", "--exit", "--new"}).status, 100);
  EXPECT_EQ(Run({"wait", "mc", "--screen", "x", "--for", "y"}).status, 100);
  EXPECT_EQ(Run({"wait", "mc", "--screen", "("}).status, 100);
  EXPECT_EQ(Run({"send", "mc", "a", "--screen", "x", "--wait-for", "y"}).status,
            100);
}

TEST_F(VerbsTest, WaitAndSendWaitForASessionThatIsNotThereYet) {
  EXPECT_EQ(Run({"wait", "mc", "--screen", "x", "--timeout", "0.1"}).err,
            absl::StrCat("deptyr wait: there was no session called mc within "
                         "100ms; the head at ",
                         head_.socket(), " was asked\n"));
  Program text = Start({"wait", "mc", "--for", "Done"}, out_, err_);
  const Pty pty = Value(OpenPty({}));
  OutputReader says(pty.controller.get());
  const int fd = pty.terminal.get();
  Program screen = Program::Start(
      {Deptyr(), "wait", head_.socket(), "mc", "--screen", "^>$"},
      {.fds = {{fd, 0}, {fd, 1}, {fd, 2}}});
  ASSERT_TRUE(says.Until(
      HasSubstr("[deptyr: waiting for a session called mc, at most 30s]")));
  Program send =
      Start({"send", "mc", "x\\n", "--wait-for", "chat"}, out_, err_);
  auto server = Server();
  EXPECT_EQ(text.Wait(), ExitStatus{});
  EXPECT_EQ(send.Wait(), ExitStatus{});
  EXPECT_EQ(screen.Wait(), ExitStatus{});
  EXPECT_EQ(err_.text(), "");
}

TEST_F(VerbsTest, WhatDidNotHappenInTimeIsSaid) {
  auto deaf =
      Body("mc", {"sh", "-c", "stty raw -echo; echo up; exec sleep 1d"});
  ASSERT_TRUE(HistoryUntil(HasSubstr("up")));
  // This is more than its terminal and head's queue hold.
  const Result send =
      Run({"send", "mc", std::string(100'000, 'x'), "--timeout", "0.1"});
  EXPECT_EQ(send.status, 124);
  EXPECT_EQ(send.err,
            "deptyr send: mc did not take what was typed within 100ms\n");
  EXPECT_EQ(Run({"wait", "mc", "--quiet", "1000", "--timeout", "0.1"}).err,
            "deptyr wait: mc was not quiet within 100ms\n");
  EXPECT_EQ(Run({"wait", "mc", "--exit", "--timeout", "0.1"}).err,
            "deptyr wait: mc still runs after 100ms\n");
  EXPECT_EQ(Run({"wait", "mc", "--for", "never", "--timeout", "0.1"}).err,
            "deptyr wait: mc did not write what was waited for within 100ms\n");
}

TEST_F(VerbsTest, StopTypesAndWaitsForTheEnd) {
  auto server = Server();
  EXPECT_EQ(
      Run({"stop", "mc", "--type", "not yet\\n", "--timeout", "0.1"}).status,
      124);
  EXPECT_EQ(RunToTheEndOf(*server, {"stop", "mc", "--type", "stop\\n"}).status,
            0);
  EXPECT_EQ(server->Wait(), ExitStatus{.code = 4});
  EXPECT_EQ(Run({"stop", "mc", "--type", "stop\\n"}).status, 0);
}

TEST_F(VerbsTest, StopSaysWhatToDoAndIsDoneIfNothingRuns) {
  const Result nothing = Run({"stop", "mc"});
  EXPECT_EQ(nothing.status, 100);
  EXPECT_THAT(nothing.err, AllOf(HasSubstr("say --type TEXT or --keys NAMES"),
                                 HasSubstr("systemctl stop")));
  EXPECT_EQ(Run({"stop", "nosuch", "--type", "stop\\n"}).status, 0);
  EXPECT_EQ(Run({"stop", "--type", "stop\\n"}).status, 111);
  auto mc = Body("mc", {"sh", "-c", "trap 'exit 3' INT; echo up; read x"});
  ASSERT_TRUE(HistoryUntil(HasSubstr("up")));
  EXPECT_EQ(RunToTheEndOf(*mc, {"stop", "mc", "--keys", "C-c"}).status, 0);
  EXPECT_EQ(mc->Wait(), ExitStatus{.code = 3});
}

TEST_F(VerbsTest, AHalfTypedLineIsClearedBeforeOneOfOnesOwn) {
  auto server = Server();
  EXPECT_EQ(Run({"send", "mc", "say hel"}).status, 0);
  const Result line = Run({"send", "mc", "--line", "list", "--line", "\\x41",
                           "--wait-for", "A$", "--print"});
  EXPECT_EQ(line.out, "[chat] A\n");
  EXPECT_EQ(Run({"send", "mc", "say hel"}).status, 0);
  EXPECT_EQ(Run({"send", "mc", "--line", "\\x42", "--literal", "--clear", "",
                 "--wait-for", "x42", "--print"})
                .out,
            "[chat] say helx42\n");  // its read takes the backslash
  EXPECT_EQ(Run({"send", "mc", "--line", "x", "--clear", "nosuch"}).status,
            100);
  EXPECT_EQ(Run({"send", "mc", "stop it, o"}).status, 0);
  EXPECT_EQ(RunToTheEndOf(*server, {"stop", "mc", "--type", "stop\\n"}).status,
            0);
}

TEST_F(VerbsTest, ALineWaitsUntilNobodyTypes) {
  auto server = Server();
  const Pty pty = Value(OpenPty({}));
  const Program person = AttachOn(pty, {"mc"});
  OutputReader screen(pty.controller.get());
  ASSERT_TRUE(screen.Until(HasSubstr("detaches")));
  const absl::Time before = absl::Now();
  const auto type = [&](absl::string_view keys) {
    EXPECT_EQ(WriteSome(pty.controller.get(), keys).bytes, keys.size());
  };
  type("say ");
  ASSERT_TRUE(TextUntil(
      [&] {
        return Run({"status", "mc", "--json"}).out;
      },
      HasSubstr("\"last_typed\"")));
  Program line = Start({"send", "mc", "--line", "list"}, out_, err_);
  // They type on until the line waits.
  ASSERT_TRUE(WaitFor([&] {
    type("x");
    return absl::StrContains(head_.log().text(),
                             absl::StrCat("pid=", line.pid(), " "));
  }));
  type("hello\n");
  EXPECT_EQ(line.Wait(), ExitStatus{});
  EXPECT_GE(absl::Now() - before, absl::Seconds(1));
  EXPECT_TRUE(HistoryUntil(HasSubstr("xhello\r\n> [chat] list")));
}

TEST_F(VerbsTest, SnapshotShowsTheScreenAndTheLastOne) {
  auto ui = Body("ui", {"sh", "-c",
                        "printf '\\033[?1049h\\033[2J\\033[H\\033[31mred\\033[m"
                        "\\r\\n\\033[3;5Hhere\\033]2;a title\\007'; read x; "
                        "printf bye"});
  ASSERT_TRUE(TextUntil(
      [this] {
        return Run({"snapshot", "ui"}).out;
      },
      testing::Eq("red\n\n    here\n")));
  ASSERT_TRUE(TextUntil(
      [this] {
        return Run({"status", "ui", "--json"}).out;
      },
      HasSubstr("\"title\": \"a title\"")));
  EXPECT_EQ(Run({"snapshot", "ui", "--format", "ansi"}).out,
            "\x1b[31mred\x1b[m\n\n    here\n");
  EXPECT_THAT(Run({"snapshot", "ui", "--format", "json"}).out,
              AllOf(HasSubstr("\"lines\": [\n    \"red\",\n    \"\",\n"
                              "    \"    here\"\n  ]"),
                    HasSubstr("\"title\": \"a title\""),
                    HasSubstr("\"alternate_screen\": true")));
  EXPECT_THAT(Run({"snapshot", "ui", "--format=svg"}).out,
              AllOf(StartsWith("<svg "), HasSubstr(">    here<")));
  EXPECT_EQ(Run({"snapshot", "ui", "--format=png"}).status, 100);
  EXPECT_EQ(Run({"snapshot", "ui", "--last"}).status, 111);
  EXPECT_EQ(RunToTheEndOf(*ui, {"stop", "ui", "--type", "\\r"}).status, 0);
  EXPECT_THAT(Run({"snapshot", "ui", "--last"}).out,
              AllOf(StartsWith("red\n"), HasSubstr("bye")));
}

TEST_F(VerbsTest, SnapshotPrintsAHashAndPicturesOfEveryChange) {
  auto painter = Body("mc", {"sh", "-c", kPainter});
  ASSERT_EQ(Run({"wait", "mc", "--screen", "ready"}).status, 0);
  const std::string hash = Run({"snapshot", "mc", "--hash"}).out;
  EXPECT_THAT(hash, testing::MatchesRegex("[0-9a-f]{16}\n"));
  EXPECT_EQ(Run({"snapshot", "mc", "--hash"}).out, hash);
  Program watch = Start({"snapshot", "mc", "--watch"}, out_, err_);
  ASSERT_TRUE(out_.Until("ready\n\f\n"));
  EXPECT_EQ(Run({"send", "mc", "one\\n", "--screen", "^one"}).status, 0);
  EXPECT_TRUE(out_.Until("ready\n\f\none.\n\f\n"));
  EXPECT_NE(Run({"snapshot", "mc", "--hash"}).out, hash);
  // The same again is no change.
  EXPECT_EQ(Run({"send", "mc", "one\\n", "--screen", "^one"}).status, 0);
  EXPECT_EQ(Run({"send", "mc", "two\\n", "--screen", "^two"}).status, 0);
  EXPECT_TRUE(out_.Until("ready\n\f\none.\n\f\ntwo.\n\f\n"));
  EXPECT_EQ(Run({"snapshot", "mc", "--watch", "--last"}).status, 100);
}

TEST_F(VerbsTest, SnapshotWaitsForTheScreenThatAProgramLeaves) {
  auto mc = Body("mc", {"sh", "-c", "echo up; read x; echo bye"});
  ASSERT_TRUE(HistoryUntil(HasSubstr("up")));
  Program snapshot = Start({"snapshot", "mc", "--at-exit"}, out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", snapshot.pid(), " "))));
  EXPECT_EQ(RunToTheEndOf(*mc, {"send", "mc", "\\n"}).status, 0);
  EXPECT_EQ(snapshot.Wait(), ExitStatus{});
  EXPECT_EQ(out_.text(), "up\n\nbye\n");
  EXPECT_EQ(Run({"snapshot", "mc", "--at-exit"}).out, "up\n\nbye\n");
}

TEST_F(VerbsTest, HistoryPrintsWhatIsRemembered) {
  auto server = Server();
  EXPECT_EQ(Run({"history", "mc"}).out, "Done (1.0s)\r\n> ");
  EXPECT_EQ(Run({"history", "mc", "--text"}).out, "Done (1.0s)\n>\n");
  EXPECT_EQ(Run({"history", "mc", "--bytes", "2"}).out, "> ");
  EXPECT_EQ(Run({"history", "mc", "--bytes", "0"}).out, "");
  EXPECT_EQ(Run({"history", "mc", "-n", "1"}).out, "> ");
  EXPECT_EQ(Run({"history", "mc", "-n", "0"}).out, "");
  EXPECT_EQ(Run({"history", "mc", "--lines=9", "--text"}).out,
            "Done (1.0s)\n>\n");
  EXPECT_EQ(Run({"history", "mc", "--bytes=1", "--from=1"}).status, 100);
  Program follow = Start({"history", "-f", "--text"}, out_, err_);
  ASSERT_TRUE(out_.Until(HasSubstr("Done (1.0s)\n")));
  EXPECT_EQ(Run({"send", "mc", "more\\n"}).status, 0);
  ASSERT_TRUE(out_.Until(HasSubstr("[chat] more\n")));
  follow.Signal(SIGINT);
  EXPECT_EQ(follow.Wait(), ExitStatus{});
}

TEST_F(VerbsTest, HistoryFollowsLikeTail) {
  auto server = Server();
  EXPECT_EQ(Run({"send", "mc", "more\\n", "--wait-for", "chat"}).status, 0);
  Program follow = Start({"history", "-f", "-n", "1"}, out_, err_);
  ASSERT_TRUE(out_.Until("> "));
  EXPECT_EQ(Run({"send", "mc", "again\\n"}).status, 0);
  ASSERT_TRUE(out_.Until(testing::EndsWith("[chat] again\r\n> ")));
  EXPECT_THAT(out_.text(), Not(HasSubstr("[chat] more")));
}

TEST_F(VerbsTest, HistoryGoesOnAtAnOffset) {
  auto server = Server();
  const std::string status = Run({"status", "mc", "--json"}).out;
  EXPECT_THAT(status, HasSubstr("\"bytes\": 15,"));
  EXPECT_THAT(Run({"status", "mc"}).out, ContainsRegex("offsets +0 to 15\n"));
  EXPECT_EQ(Run({"history", "mc", "--from", "5", "--until", "8"}).out, "(1.");
  EXPECT_EQ(Run({"history", "mc", "--from", "13"}).out, "> ");
  EXPECT_EQ(Run({"history", "mc", "--from", "15"}).out, "");
  EXPECT_EQ(Run({"history", "mc", "--until", "4", "--text"}).out, "Done\n");
  const Result beyond = Run({"history", "mc", "--from", "16"});
  EXPECT_EQ(beyond.status, 111);
  EXPECT_THAT(beyond.err, HasSubstr("the output of mc ends at 15, before 16"));
  Program follow = Start(
      {"history", "mc", "-f", "--from", "13", "--until", "20"}, out_, err_);
  EXPECT_EQ(Run({"send", "mc", "more\\n"}).status, 0);
  EXPECT_EQ(follow.Wait(), ExitStatus{});
  EXPECT_EQ(out_.text().size(), 7U);
}

TEST_F(VerbsTest, HistoryWaitsForASessionThatIsNotThereYet) {
  const Result missing = Run({"history", "mc", "--wait", "0.01"});
  EXPECT_EQ(missing.status, 124);
  EXPECT_THAT(missing.err,
              HasSubstr("there was no session called mc within 10ms"));
  Program waits = Start({"history", "mc", "--wait", "60", "-f"}, out_, err_);
  auto server = Server();
  ASSERT_TRUE(out_.Until(HasSubstr("Done (1.0s)")));
  EXPECT_EQ(Run({"send", "mc", "more\\n"}).status, 0);
  ASSERT_TRUE(out_.Until(HasSubstr("[chat] more")));
}

// Each program has a screen of its own, as in its log.
TEST_F(VerbsTest, TheTextOfTwoProgramsIsTheLinesOfEach) {
  for (const char* word : {"one", "two"}) {
    auto body = Body("mc", {"printf", "%s\n\033[3A\033[2Kmenu", word});
    ASSERT_TRUE(body->program().Wait());
    ASSERT_TRUE(head_.log().Until(
        HasSubstr(absl::StrCat("pid=", body->pid(), " ended"))));
  }
  EXPECT_EQ(Run({"history", "mc", "--text"}).out, "one\nmenu\ntwo\nmenu\n");
}

TEST_F(VerbsTest, EndedTellsWhatTheKernelCouldNot) {
  struct {
    std::vector<std::string> words;  // s6's and systemd's
    const char* how;
    int status;
  } const kEnds[] = {
      {{"3", "0"}, "exit status 3", 3},
      {{"256", "15"}, "signal 15", 128 + SIGTERM},
      {{"exited", "7"}, "exit status 7", 7},
      {{"killed", "KILL"}, "signal 9", 128 + SIGKILL},
      {{"dumped", "SEGV"}, "signal 11", 128 + SIGSEGV},
  };
  // Nobody reaps the programs, so only the verb can tell, while clients wait
  // for it.  So they end at once, when we let go of the pipe.
  const TempDir folder;
  ASSERT_EQ(::mkfifo((folder / "end").c_str(), 0600), 0);
  Fd end(::open((folder / "end").c_str(), O_RDWR | O_CLOEXEC));
  std::vector<std::unique_ptr<BodyProcess>> bodies;
  std::vector<std::unique_ptr<Program>> clients;
  for (size_t i = 0; i < std::size(kEnds); ++i) {
    const std::string name = absl::StrCat("s", i);
    bodies.push_back(
        Body(name, {"sh", "-c", "exec 9< \"$0\"; echo ready; read x <&9",
                    folder / "end"}));
    clients.push_back(std::make_unique<Program>(
        Start({"attach", "-r", "--once", name}, out_, err_)));
    ASSERT_TRUE(head_.log().Until(
        HasSubstr(absl::StrCat("pid=", clients.back()->pid(), " "))));
    ASSERT_TRUE(TextUntil(
        [&] {
          return Run({"history", name}).out;
        },
        HasSubstr("ready")));
  }
  end.Reset();
  for (size_t i = 0; i < std::size(kEnds); ++i) {
    const std::string name = absl::StrCat("s", i);
    ASSERT_TRUE(head_.log().Until(HasSubstr(
        absl::StrCat("session=", name, " pid=", bodies[i]->pid(), " ended"))));
    std::vector<std::string> words = {"ended", name};
    words.insert(words.end(), kEnds[i].words.begin(), kEnds[i].words.end());
    EXPECT_EQ(Run(words).status, 0);
  }
  for (size_t i = 0; i < std::size(kEnds); ++i) {
    EXPECT_EQ(clients[i]->Wait(), ExitStatus{.code = kEnds[i].status});
    EXPECT_THAT(Run({"status", absl::StrCat("s", i)}).out,
                HasSubstr(kEnds[i].how));
  }
  EXPECT_EQ(Run({"ended", "s0", "x", "y"}).status, 100);
  EXPECT_EQ(Run({"ended", "s0", "3"}).status, 100);
  EXPECT_EQ(Run({"ended", "nosuch", "3", "0"}).status, 111);
}

TEST_F(VerbsTest, RecordMakesWhatAsciinemaPlays) {
  const TempDir folder;
  const std::string file = folder / "cast";
  auto server = Server();
  Program record = Start({"record", "--once", "mc", file}, out_, err_);
  ASSERT_TRUE(
      head_.log().Until(HasSubstr(absl::StrCat("pid=", record.pid(), " "))));
  EXPECT_EQ(Run({"send", "mc", "h\xc3\xa9llo\\n", "--wait-for", "> $"}).status,
            0);
  EXPECT_EQ(RunToTheEndOf(*server, {"stop", "mc", "--type", "stop\\n"}).status,
            0);
  EXPECT_EQ(record.Wait(), ExitStatus{});
  EXPECT_THAT(ReadFile(file),
              AllOf(StartsWith("{\"version\":2,\"width\":80,\"height\":24,"),
                    HasSubstr("[chat] h\xc3\xa9llo"), HasSubstr("Saving")));
  // It needs a terminal to read keys from.
  const std::string played =
      OutputOf({"script", "-qec",
                absl::StrCat("LC_ALL=C.UTF-8 asciinema cat ", Quote(file)),
                "/dev/null"});
  EXPECT_THAT(played,
              AllOf(HasSubstr("Done (1.0s)"), HasSubstr("[chat] h\xc3\xa9llo"),
                    HasSubstr("Saving")));
  // It never overwrites another recording.
  const Result again = Run({"record", "mc", file});
  EXPECT_EQ(again.status, 111);
  EXPECT_THAT(again.err, HasSubstr("File exists"));
}

TEST_F(VerbsTest, ARecordingOfVersion3EndsWithTheStatus) {
  auto server = Server();
  Program record =
      Start({"record", "--once", "--format", "v3", "mc"}, out_, err_);
  ASSERT_TRUE(out_.Until(HasSubstr("Done (1.0s)")));
  EXPECT_EQ(RunToTheEndOf(*server, {"stop", "mc", "--type", "stop\\n"}).status,
            0);
  EXPECT_EQ(record.Wait(), ExitStatus{});
  EXPECT_THAT(out_.text(),
              AllOf(StartsWith("{\"version\":3,\"term\":{\"cols\":80,"),
                    testing::EndsWith(",\"x\",\"4\"]\n")));
  EXPECT_EQ(Run({"record", "mc", "--format", "v1"}).status, 100);
}

TEST_F(VerbsTest, ARecordingIsItsOwnersOnly) {
  const TempDir folder;
  auto server = Server();
  const mode_t before = ::umask(0);
  Program record = Start({"record", "mc", folder / "cast"}, out_, err_);
  (void)::umask(before);
  ASSERT_TRUE(TextUntil([&] { return ReadFile(folder / "cast"); },
                        HasSubstr("Done (1.0s)")));
  struct stat file {};
  ASSERT_EQ(::stat((folder / "cast").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

// One text goes through everything that shows it: the log of head and of body,
// tables, a client's last line.  Nowhere is it obeyed, and nowhere escaped
// twice.
TEST_F(VerbsTest, WhatIsEscapedIsEscapedOnce) {
  const std::string name = "/no\x1b[2J\\a\xe2\x80\xae";
  const std::string shown = "/no\\x1b[2J\\\\a\\xe2\\x80\\xae";
  BodyProcess body(head_.socket(), {"--name", "a"}, {name});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
  EXPECT_EQ(body.said().text(), absl::StrCat("deptyr body: execute ", shown,
                                             ": No such file or directory\n"));
  const std::string how = absl::StrCat("could not be executed: execute ", shown,
                                       ": No such file or directory");
  ASSERT_TRUE(head_.log().Until(HasSubstr(how)));
  EXPECT_THAT(head_.log().text(), HasSubstr("registered: " + shown + "\n"));
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(how + "  " + shown + "\n"));
  EXPECT_THAT(Run({"status", "a"}).out,
              AllOf(HasSubstr(" " + shown + "\n"), HasSubstr(how + "\n")));
  EXPECT_THAT(Run({"status", "a", "--json"}).out,
              AllOf(HasSubstr("execute /no\\u001b[2J\\\\a\\u202e: No such"),
                    Not(HasSubstr("\xe2\x80\xae"))));
  EXPECT_THAT(Run({"send", "a", "x"}).err,
              HasSubstr("nothing was typed: a " + how + "\n"));
  // The user's own words come back as they can be seen.
  EXPECT_THAT(Run({"ls", "b\x1b\\"}).err, HasSubstr("b\\x1b\\\\"));
  EXPECT_THAT(Run({"\x1b\\"}).err,
              StartsWith("deptyr: unknown command \\x1b\\\\;"));
  const std::string socket = head_.socket() + "\x1b\\";
  EXPECT_THAT(Run({"ls", socket}).err, HasSubstr(head_.socket() + "\\x1b\\\\"));
}

TEST_F(VerbsTest, ARecordingHasEverySizeAndTheNextProgram) {
  auto server = Server();
  Program record = Start({"record", "mc"}, out_, err_);
  ASSERT_TRUE(out_.Until(HasSubstr("Done (1.0s)")));
  const Pty larger = Value(OpenPty({.rows = 30, .cols = 90}));
  const Program client = AttachOn(larger, {"mc"});
  EXPECT_TRUE(out_.Until(HasSubstr("\"r\",\"90x30\"]")));
  server->program().Signal(SIGKILL);
  (void)server->Wait();
  EXPECT_TRUE(out_.Until(HasSubstr("\"m\",\"ended")));
  const auto next = Server();
  EXPECT_TRUE(out_.Until(ContainsRegex("\"m\",\"ended.*999;1H.*Done")));
}

TEST_F(VerbsTest, ARecordingEndsWhenItIsInterrupted) {
  auto server = Server();
  Program record = Start({"record", "mc"}, out_, err_);
  ASSERT_TRUE(out_.Until(HasSubstr("Done (1.0s)")));
  record.Signal(SIGTERM);
  EXPECT_EQ(record.Wait(), ExitStatus{});
}

TEST_F(VerbsTest, WhatCannotBeWrittenIsAnError) {
  const auto server = Server();
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"ls"}, {"status", "mc"}, {"snapshot", "mc"}, {"history", "mc"}}) {
    std::vector<std::string> argv = {Deptyr()};
    argv.insert(argv.end(), words.begin(), words.end());
    const LogFile err;
    Program program = Program::Start(
        argv, {.fds = {{full.get(), 1}, {err.fd(), 2}},
               .env = {absl::StrCat("DEPTYR_SOCKET=", head_.socket())}});
    EXPECT_EQ(program.Wait(), ExitStatus{.code = 111}) << words[0];
    EXPECT_EQ(err.text(),
              absl::StrCat("deptyr ", words[0],
                           ": write the output: No space left on device\n"));
  }
}

TEST_F(VerbsTest, ARecordingOfNothingTouchesNoFile) {
  const TempDir folder;
  WriteFile(folder / "kept", "precious");
  EXPECT_EQ(Run({"record", "--overwrite", "nosuch", folder / "kept"}).status,
            111);
  EXPECT_EQ(ReadFile(folder / "kept"), "precious");
}

TEST_F(VerbsTest, WithoutHeadEachSaysSoInOneLine) {
  ASSERT_EQ(head_.Stop(), ExitStatus{});
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"ls"},
                                             {"status", "a"},
                                             {"events"},
                                             {"kick", "a"},
                                             {"send", "a", "x"},
                                             {"wait", "a", "--exit"},
                                             {"stop", "a", "--keys", "C-c"},
                                             {"snapshot"},
                                             {"history"},
                                             {"record", "a"},
                                             {"ended", "a", "0", "0"}}) {
    const Result result = Run(words);
    EXPECT_EQ(result.status, 111) << words[0];
    EXPECT_THAT(result.err,
                AllOf(StartsWith(absl::StrCat("deptyr ", words[0],
                                              ": connect to head at ")),
                      HasSubstr("does head run there?\n")));
  }
}

TEST_F(VerbsTest, AHeadThatIsSilentIsToldOfByEach) {
  head_.program().Signal(SIGSTOP);
  const std::vector<std::vector<std::string>> commands = {
      {"ls"},
      {"status", "a"},
      {"events"},
      {"kick", "a"},
      {"send", "a", "x"},
      {"wait", "a", "--exit"},
      {"wait", "a", "--exit", "--timeout", "1"},
      {"stop", "a", "--keys", "C-c"},
      {"snapshot"},
      {"history"},
      {"record", "a"},
      {"attach", "a"},
      {"upgrade"},
      {"ended", "a", "0", "0"}};
  std::vector<Program> programs;
  for (const std::vector<std::string>& words : commands) {
    programs.push_back(Start(words, out_, err_));
  }
  for (Program& program : programs) {
    EXPECT_EQ(program.Wait(), ExitStatus{.code = 111});
  }
  EXPECT_THAT(err_.lines(), testing::SizeIs(commands.size()));
  EXPECT_THAT(err_.lines(),
              testing::Each(HasSubstr(absl::StrCat(
                  ": head did not answer at ", head_.socket(), " within 1"))));
  head_.program().Signal(SIGCONT);
}

TEST_F(VerbsTest, WhatIsNoCommandIsSetRight) {
  EXPECT_EQ(Run({"atach"}).err,
            "deptyr: unknown command atach; did you mean attach?\n");
  EXPECT_EQ(Run({"sh"}).err,
            "deptyr: unknown command sh; deptyr run sh runs that program\n");
  EXPECT_EQ(Run({"frobnicate"}).err,
            "deptyr: unknown command frobnicate; see deptyr --help\n");
  EXPECT_EQ(Run({"ls", "--jsno"}).err,
            "deptyr ls: unknown option --jsno (did you mean --json?); see "
            "deptyr ls --help\n");
  const Result nothing = Run({});
  EXPECT_EQ(nothing.status, 100);
  EXPECT_THAT(nothing.err,
              AllOf(HasSubstr("deptyr run "), HasSubstr("deptyr ls "),
                    HasSubstr("deptyr attach ")));
}

TEST_F(VerbsTest, DoctorSaysWhatWorksAndWhatToDo) {
  const Result found = Run({"doctor"});
  EXPECT_EQ(found.status, 0) << found.out << found.err;
  EXPECT_THAT(
      found.out,
      AllOf(ContainsRegex("(ok|note) +kernel +Linux [0-9]"),
            ContainsRegex("ok +terminals +"),
            ContainsRegex(absl::StrCat("ok +socket +", head_.socket())),
            ContainsRegex(
                absl::StrCat("ok +head +deptyr .*pid ", head_.program().pid())),
            ContainsRegex("note +keeper +none: .*SIGHUP; run head as")));
  EXPECT_EQ(found.err, "");
  EXPECT_THAT(Run({"doctor", "--json"}).out,
              AllOf(StartsWith("{"), HasSubstr("\"about\": \"keeper\""),
                    HasSubstr("\"state\": \"note\"")));
}

TEST_F(VerbsTest, DoctorSaysWhyHeadCannotBeReached) {
  const Result found = Run({"doctor", "/nowhere/head.sock"});
  EXPECT_EQ(found.status, 111);
  EXPECT_THAT(found.out,
              ContainsRegex("fails +socket .*/nowhere.*deptyr run PROGRAM"));
  EXPECT_THAT(found.out, Not(HasSubstr("keeper")));
  EXPECT_EQ(Run({"doctor", "not-a-socket"}).status, 100);
}

TEST_F(VerbsTest, AttachAloneShowsTheOneThatRuns) {
  const auto quiet = Body("quiet", {"cat"});
  Body("ended", {"true"})->Wait();
  const Pty pty = Value(OpenPty({}));
  const Program client = AttachOn(pty, {});
  EXPECT_TRUE(head_.log().Until(ContainsRegex("joined session=quiet")))
      << head_.log().text();
}

TEST_F(VerbsTest, AttachAloneNeverShowsWhatNeverRan) {
  const auto ends = [&](const std::string& name,
                        const std::vector<std::string>& program) {
    BodyProcess body(head_.socket(), {"--name", name}, program);
    (void)body.Wait();
    ASSERT_TRUE(head_.log().Until(
        ContainsRegex(absl::StrCat("session=", name, " .*(ended|could not)"))));
  };
  ends("bad", {"/nonexistent"});
  const Result nothing = Run({"attach"});
  EXPECT_EQ(nothing.status, 111);
  EXPECT_THAT(nothing.err, HasSubstr("none of your sessions runs, and none "
                                     "has shown anything; deptyr ls lists"));
  ends("ran", {"echo", "something"});
  ends("worse", {"/nonexistent"});
  const Pty pty = Value(OpenPty({}));
  const Program client = AttachOn(pty, {});
  EXPECT_TRUE(head_.log().Until(HasSubstr("joined session=ran")));
}

TEST_F(VerbsTest, IfSeveralRunAttachAsksWhich) {
  const auto one = Body("one", {"sh", "-c", "echo first; exec cat"});
  const auto two = Body("two", {"sh", "-c", "echo second; exec cat"});
  const Result scripted = Run({"attach"});
  EXPECT_EQ(scripted.status, 100);
  EXPECT_THAT(scripted.err, HasSubstr("say which SESSION: one, two\n"));

  const Pty pty = Value(OpenPty({}));
  const Program client = AttachOn(pty, {});
  OutputReader screen(pty.controller.get());
  ASSERT_TRUE(screen.Until(AllOf(HasSubstr("one"), HasSubstr("two"))));
  (void)!::write(pty.controller.get(), "2", 1);
  EXPECT_TRUE(screen.Until(HasSubstr("second")));
}

TEST_F(VerbsTest, HelpAndVersionAreCommandsToo) {
  const Result help = Run({"help", "attach"});
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.out, Run({"attach", "--help"}).out);
  EXPECT_EQ(Run({"help"}).out, Run({"--help"}).out);
  EXPECT_EQ(Run({"help", "atach"}).status, 100);
  EXPECT_THAT(Run({"--version"}).out, StartsWith("deptyr "));
  for (const char* word : {"-V", "version"}) {
    EXPECT_EQ(Run({word}).out, Run({"--version"}).out);
  }
}

TEST_F(VerbsTest, WhatHasEndedCanBeForgotten) {
  auto server = Server();
  EXPECT_THAT(Run({"forget", "mc"}).err,
              HasSubstr("only what has ended can be forgotten"));
  ASSERT_EQ(Run({"signal", "mc", "KILL"}).status, 0);
  EXPECT_EQ(server->Wait(), ExitStatus{.signal = SIGKILL});
  ASSERT_EQ(Run({"wait", "mc", "--exit"}).status, 128 + SIGKILL);
  {
    const Program viewer = Start({"events", "mc"}, out_, err_);
    Program watcher = Start({"wait", "mc", "--quiet", "1000"}, out_, err_);
    ASSERT_TRUE(TextUntil(
        [this] {
          return Run({"status", "mc"}).out;
        },
        HasSubstr("attach")));
    EXPECT_THAT(Run({"forget", "mc"}).err, HasSubstr("somebody watches mc"));
    ASSERT_EQ(Run({"kick", "mc"}).status, 0);
    EXPECT_EQ(watcher.Wait(), ExitStatus{.code = 111});
  }
  const Result forgotten = Run({"forget", "mc"});
  EXPECT_EQ(forgotten.status, 0) << forgotten.err;
  EXPECT_EQ(Run({"ls", "--names"}).out, "");
  EXPECT_THAT(Run({"forget", "mc"}).err, HasSubstr("there is no session mc"));
}

TEST_F(VerbsTest, ASignalReachesTheProgram) {
  auto body = Body("mc", {"sh", "-c",
                          "trap 'exit 7' HUP; echo ready; "
                          "while :; do sleep 0.1; done"});
  ASSERT_TRUE(HistoryUntil(HasSubstr("ready")));
  EXPECT_EQ(Run({"signal", "mc", "NOSUCH"}).status, 100);
  EXPECT_EQ(Run({"signal", "mc"}).status, 100);
  EXPECT_EQ(Run({"signal", "mc", "SIGHUP"}).status, 0);
  EXPECT_EQ(body->Wait(), ExitStatus{.code = 7});
  ASSERT_EQ(Run({"wait", "mc", "--exit"}).status, 7);
  const Result late = Run({"signal", "mc", "HUP"});
  EXPECT_EQ(late.status, 111);
  EXPECT_THAT(late.err, HasSubstr("mc: no program runs"));
}

TEST_F(VerbsTest, ATerminalMayBecomeAsLargeAsThisOne) {
  auto body = Body("mc", {"cat"});
  const Pty pty = Value(OpenPty({.rows = 33, .cols = 99}));
  Program resize = Program::Start(
      {Deptyr(), "resize", head_.socket(), "mc", "-"},
      {.fds = {{pty.terminal.get(), 0}, {out_.fd(), 1}, {err_.fd(), 2}}});
  EXPECT_EQ(resize.Wait(), ExitStatus{});
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(" 33x99 "));
  const LogFile none;
  Program nowhere =
      Program::Start({Deptyr(), "resize", head_.socket(), "mc", "-"},
                     {.fds = {{none.fd(), 0}, {out_.fd(), 1}, {err_.fd(), 2}}});
  EXPECT_EQ(nowhere.Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(err_.text(), HasSubstr("and there is none; say ROWSxCOLS"));
}

TEST_F(VerbsTest, ATerminalIsResizedUnlessAClientDecides) {
  auto body = Body("mc", {"cat"});
  ASSERT_EQ(Run({"resize", "mc", "30x90"}).err, "");
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(" 30x90 "));
  EXPECT_EQ(Run({"resize", "mc", "90"}).status, 100);
  EXPECT_EQ(Run({"resize", "mc"}).status, 100);
  EXPECT_EQ(Run({"resize", "mc", "--size-policy", "any"}).status, 100);
  const Pty other = Value(OpenPty({.rows = 20, .cols = 70}));
  const Program client = AttachOn(other, {"mc"});
  ASSERT_TRUE(
      TextUntil([this] { return Run({"ls"}).out; }, HasSubstr(" 20x70 ")));
  const Result refused = Run({"resize", "mc", "30x90"});
  EXPECT_EQ(refused.status, 111);
  EXPECT_THAT(refused.err, HasSubstr("decides the size of mc; deptyr kick mc"));
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(" 20x70 "));
  ASSERT_EQ(Run({"resize", "mc", "--size-policy", "fixed", "30x90"}).err, "");
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(" 30x90 "));
  EXPECT_THAT(Run({"status", "--json", "mc"}).out,
              HasSubstr("\"size_policy\": \"fixed\""));
  ASSERT_EQ(Run({"resize", "mc", "--size-policy", "default"}).err, "");
  EXPECT_THAT(Run({"ls"}).out, HasSubstr(" 20x70 "));
}

}  // namespace
}  // namespace deptyr
