// The lines that a program shows are in its supervisor's log, whatever the
// logger does.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/deptyr.h"
#include "tests/support/socket_pair.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The end of a log that its reader has.
class Logger {
 public:
  explicit Logger(Fd fd) : fd_(std::move(fd)) {
    EXPECT_TRUE(SetNonBlocking(fd_.get()).ok());
  }
  // Returns all that has come up to now.
  const std::string& text() {
    std::array<char, 65536> room;
    for (;;) {
      const IoResult got = ReadSome(fd_.get(), room);
      ended_ = got.state == IoState::kEnd;
      if (got.state != IoState::kDone) return text_;
      text_.append(room.data(), got.bytes);
    }
  }
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return text(); }, matcher);
  }
  // Waits until nobody can write to it any more.
  const std::string& all() {
    EXPECT_TRUE(WaitFor([this] {
      (void)text();
      return ended_;
    })) << text_;
    return text_;
  }

 private:
  Fd fd_;
  std::string text_;
  bool ended_ = false;
};

class LogTest : public testing::Test {
 protected:
  // Starts body with this standard output.
  Program Body(Fd log, const std::vector<std::string>& program,
               const std::vector<std::string>& options = {},
               const std::vector<std::string>& env = {}) {
    std::vector<std::string> argv = {Deptyr(), "body", "--name", "a"};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.insert(argv.end(), {head_.socket(), "--"});
    argv.insert(argv.end(), program.begin(), program.end());
    return Program::Start(
        argv, {.fds = {{null_.get(), 0}, {log.get(), 1}, {said_.fd(), 2}},
               .env = env});
  }
  // Everything that is in the log of a program that runs to its end; its pid is
  // PID.
  std::string LogOf(const std::vector<std::string>& program,
                    const std::vector<std::string>& options = {},
                    const std::vector<std::string>& env = {}) {
    Pipe pipe;
    Logger logger(std::move(pipe.read_end));
    Program body = Body(std::move(pipe.write_end), program, options, env);
    const std::string pid = absl::StrCat("pid ", body.pid(), " ");
    EXPECT_TRUE(body.Wait());
    return absl::StrReplaceAll(logger.all(), {{pid, "pid PID "}});
  }
  std::string Sh(const std::string& script,
                 const std::vector<std::string>& options = {},
                 const std::vector<std::string>& env = {}) {
    return LogOf({"sh", "-c", script}, options, env);
  }
  std::string Status() {
    return OutputOf({Deptyr(), "status", head_.socket(), "a"});
  }
  // Waits for what a viewer would see.
  testing::AssertionResult ShowsUntil(
      const testing::Matcher<const std::string&>& matcher) {
    EXPECT_TRUE(head_.log().Until(HasSubstr("registered")));
    return TextUntil(
        [this] {
          return OutputOf({Deptyr(), "history", "--text", head_.socket(), "a"});
        },
        matcher);
  }
  void Type(const std::string& keys) {
    (void)OutputOf({Deptyr(), "send", head_.socket(), "a", "--", keys});
  }

  HeadProcess head_;
  LogFile said_;
  const Fd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
};

constexpr char kEnd[] = "deptyr: pid PID ended: exit status 0\n";

TEST_F(LogTest, HasTheLinesOfAProgramAndHowItEnded) {
  EXPECT_EQ(Sh("echo one; printf 'two\\n\\n'; printf last; exit 3"),
            "one\ntwo\n\nlast\ndeptyr: pid PID ended: exit status 3\n");
}

TEST_F(LogTest, HasTheStyleThatIsAskedFor) {
  const std::string colours = "printf '\\033[31mred\\033[m\\n'";
  EXPECT_EQ(Sh(colours), absl::StrCat("red\n", kEnd));
  EXPECT_EQ(Sh(colours, {"--log", "ansi"}),
            absl::StrCat("\x1b[31mred\x1b[m\n", kEnd));
  EXPECT_EQ(Sh(colours, {"--log", "raw"}),
            absl::StrCat("\x1b[31mred\x1b[m\r\n", kEnd));
  EXPECT_EQ(Sh(colours, {"--log", "none"}), "");
  EXPECT_EQ(Sh(colours, {}, {"DEPTYR_LOG=none"}), "");
  EXPECT_EQ(Sh(colours, {"--log", "text"}, {"DEPTYR_LOG=raw"}),
            absl::StrCat("red\n", kEnd));
}

TEST_F(LogTest, AProgressBarIsItsLastState) {
  EXPECT_EQ(Sh("for i in 1 50 100; do printf '\\r%3d%%' $i; done; echo"),
            absl::StrCat("100%\n", kEnd));
}

TEST_F(LogTest, AFullScreenProgramIsTwoLines) {
  EXPECT_EQ(Sh("echo before; printf '\\033[?1049h\\033[Hmenu\\033[?1049l'"),
            absl::StrCat("before\ndeptyr: a full-screen program began\n"
                         "deptyr: it ended\n",
                         kEnd));
}

// It has ended before head has looked at anything.
TEST_F(LogTest, TheWordsOfAProgramThatDiesAtOnceAreThere) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Sh("echo Traceback: no; kill -9 $$"),
              "Traceback: no\ndeptyr: pid PID ended: signal 9 (Killed)\n");
  }
  // Body has said why on its standard error.
  EXPECT_EQ(LogOf({"/nowhere"}), "");
  EXPECT_THAT(said_.text(), HasSubstr("execute /nowhere: No such file"));
}

TEST_F(LogTest, APromptIsALineWithWhatWasTyped) {
  Pipe pipe;
  Logger logger(std::move(pipe.read_end));
  Program body = Body(std::move(pipe.write_end), {"bash", "--norc", "-i"}, {},
                      {"PS1=> ", "HISTFILE"});
  ASSERT_TRUE(ShowsUntil(HasSubstr(">")));
  Type(
      "echo onX\x7f"
      "e\r");
  ASSERT_TRUE(logger.Until(HasSubstr("\none\n")));
  Type("exit\r");
  EXPECT_TRUE(body.Wait());
  EXPECT_THAT(logger.all(), AllOf(HasSubstr("> echo one\none\n> exit\n"),
                                  Not(HasSubstr("\x1b"))));
}

TEST_F(LogTest, ALogMayBeASocket) {
  SocketPair sockets;
  Logger logger(std::move(sockets.theirs));
  Program body = Body(std::move(sockets.ours), {"echo", "hello"});
  EXPECT_TRUE(body.Wait());
  EXPECT_THAT(logger.all(), testing::StartsWith("hello\n"));
}

TEST_F(LogTest, EveryLineOfAFloodIsThereOrCounted) {
  constexpr int kLines = 300'000;
  const std::string log = LogOf({"seq", absl::StrCat(kLines)});
  int next = 1;
  for (absl::string_view line : absl::StrSplit(log, '\n')) {
    int number = 0;
    if (absl::SimpleAtoi(line, &number)) {
      EXPECT_EQ(number, next);
      next = number + 1;
    } else if (absl::StrContains(line, "lost")) {
      ASSERT_TRUE(absl::ConsumePrefix(&line, "deptyr: "));
      ASSERT_TRUE(absl::SimpleAtoi(line.substr(0, line.find(' ')), &number));
      next += number;
    }
  }
  EXPECT_EQ(next, kLines + 1);
  EXPECT_TRUE(absl::EndsWith(log, kEnd));
}

TEST_F(LogTest, ALoggerThatNeverReadsHoldsNobodyUp) {
  constexpr char kScript[] =
      "seq 200000; echo flooded; read line; echo said $line; exit 0";
  Pipe pipe;
  Program body = Body(std::move(pipe.write_end), {"sh", "-c", kScript});
  ASSERT_TRUE(ShowsUntil(HasSubstr("flooded")));
  Type("hello\r");
  EXPECT_TRUE(body.Wait());
  EXPECT_THAT(Status(), AllOf(HasSubstr("text, "), HasSubstr(" lines lost"),
                              Not(HasSubstr("text, 0 lines"))));
  // Now it reads, and is told.
  Logger logger(std::move(pipe.read_end));
  EXPECT_THAT(logger.all(), HasSubstr(" lines lost"));
}

TEST_F(LogTest, ALoggerThatDiesHoldsNobodyUp) {
  Pipe pipe;
  Program body = Body(std::move(pipe.write_end),
                      {"sh", "-c", "echo one; read line; echo $line"});
  Logger(std::move(pipe.read_end)).Until(HasSubstr("one"));
  Type("two\r");
  EXPECT_EQ(body.Wait(), ExitStatus{});
}

TEST_F(LogTest, AnUpgradeLosesNoLineAndDoublesNone) {
  Pipe pipe;
  Logger logger(std::move(pipe.read_end));
  Program body =
      Body(std::move(pipe.write_end),
           {"sh", "-c",
            "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done;"
            "printf 'half '; read word; echo $word"});
  for (int i = 0; i < 5; ++i) {
    (void)OutputOf({Deptyr(), "upgrade", head_.socket()});
  }
  ASSERT_TRUE(logger.Until(HasSubstr("line 3000\n")));
  (void)OutputOf({Deptyr(), "upgrade", head_.socket()});
  Type("of it\r");
  EXPECT_TRUE(body.Wait());
  std::string lines;
  for (int i = 1; i <= 3000; ++i) absl::StrAppend(&lines, "line ", i, "\n");
  EXPECT_EQ(logger.all(), absl::StrCat(lines, "half of it\nof it\ndeptyr: pid ",
                                       body.pid(), " ended: exit status 0\n"));
}

class LogFileTest : public testing::Test {
 protected:
  std::string Text() const { return ReadFile(folder_ / "a.log"); }
  testing::AssertionResult TextBecomes(
      const testing::Matcher<const std::string&>& matcher) const {
    return TextUntil([this] { return Text(); }, matcher);
  }
  // Says a line for each that is typed.
  std::unique_ptr<BodyProcess> Echo() {
    auto body = std::make_unique<BodyProcess>(
        head_.socket(), std::vector<std::string>{"--name", "a"},
        std::vector<std::string>{
            "sh", "-c",
            "stty -echo; echo ready; while read x; do echo \"got $x\"; done"});
    EXPECT_TRUE(TextBecomes(HasSubstr("\nready\n")));
    return body;
  }
  void Type(const std::string& line) {
    (void)OutputOf({Deptyr(), "send", "--enter", head_.socket(), "a", line});
  }

  const TempDir folder_;
  HeadProcess head_{{"--log-dir", folder_.path()}};
};

TEST_F(LogFileTest, HasLinesAndWhatHappened) {
  auto body = Echo();
  Type("one");
  EXPECT_TRUE(TextBecomes(testing::ContainsRegex(
      absl::StrCat("^deptyr: pid ", body->pid(),
                   " started: sh -c .*\nready\ndeptyr: client [0-9]+ of uid "
                   "[0-9]+, pid [0-9]+, attached\n(.*\n)*got one\n"))));
  const std::string resized = absl::StrCat("the size is 30x90\n");
  (void)OutputOf({Deptyr(), "resize", head_.socket(), "a", "30x90"});
  EXPECT_TRUE(TextBecomes(AllOf(HasSubstr(resized), HasSubstr(" left\n"))));
  Type("two");
  body->program().Signal(SIGKILL);
  EXPECT_TRUE(body->Wait());
  EXPECT_TRUE(TextBecomes(testing::EndsWith(absl::StrCat(
      "deptyr: pid ", body->pid(), " ended: signal 9 (Killed)\n"))));
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "a.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(LogFileTest, WhatATerminalObeysIsEscaped) {
  BodyProcess body(head_.socket(), {"--name=a"}, {"no\x1b]0;x\nsuch"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
  EXPECT_TRUE(TextBecomes(
      AllOf(HasSubstr("could not be executed: execute no\\x1b]0;x\\nsuch"),
            testing::Not(HasSubstr("\x1b")))));
}

TEST_F(LogFileTest, IsMadeAnewWhenItWasRenamed) {
  auto body = Echo();
  ASSERT_EQ(::rename((folder_ / "a.log").c_str(), (folder_ / "old").c_str()),
            0);
  head_.program().Signal(SIGHUP);
  ASSERT_TRUE(
      WaitFor([&] { return std::filesystem::exists(folder_ / "a.log"); }));
  Type("one");
  EXPECT_TRUE(TextBecomes(HasSubstr("got one\n")));
  EXPECT_THAT(ReadFile(folder_ / "old"), Not(HasSubstr("got one")));
  // And without a signal, soon.
  ASSERT_EQ(::rename((folder_ / "a.log").c_str(), (folder_ / "old").c_str()),
            0);
  EXPECT_TRUE(WaitFor([&] {
    Type("two");
    return std::filesystem::exists(folder_ / "a.log");
  }));
}

TEST_F(LogFileTest, GoesOnAtItsEndWhenItWasMadeShorter) {
  auto body = Echo();
  ASSERT_EQ(::truncate((folder_ / "a.log").c_str(), 0), 0);
  Type("one");
  EXPECT_TRUE(TextBecomes(
      AllOf(HasSubstr("got one\n"), testing::StartsWith("deptyr: client "))));
}

TEST_F(LogFileTest, LinesWaitUntilThereIsRoom) {
  // It has reached a limit that is far off for all other files.
  constexpr rlim_t kLarge = 1 << 20;
  auto body = Echo();
  ASSERT_EQ(::truncate((folder_ / "a.log").c_str(), kLarge), 0);
  const auto limit = [this](rlim_t bytes) {
    const rlimit wanted{bytes, RLIM_INFINITY};
    EXPECT_EQ(::prlimit(head_.pid(), RLIMIT_FSIZE, &wanted, nullptr), 0);
  };
  limit(kLarge);
  Type("one");
  EXPECT_TRUE(head_.log().Until(
      HasSubstr("session=a can't write to its log file: File too large")));
  limit(RLIM_INFINITY);
  EXPECT_TRUE(TextBecomes(HasSubstr("got one\n")));
}

TEST_F(LogFileTest, ALineThatWasCutIsMarkedAndTheNextBeginsALine) {
  // As a machine that lost its power may leave it.
  WriteFile(folder_ / "a.log", std::string("one\ntw\0\0\0", 9));
  const BodyProcess body(head_.socket(), {"--name", "a"}, {"echo", "hello"});
  EXPECT_TRUE(TextBecomes(testing::ContainsRegex(
      "^one\ntw \\[cut\\]\ndeptyr: pid [^\n]*\nhello\n")));
}

TEST_F(LogFileTest, WhatSomebodyElsePutThereIsLeftAlone) {
  WriteFile(folder_ / "b", "precious");
  ASSERT_EQ(::symlink("b", (folder_ / "a.log").c_str()), 0);
  BodyProcess body(head_.socket(), {"--name", "a"}, {"echo", "hello"});
  EXPECT_TRUE(body.Wait());
  EXPECT_TRUE(head_.log().Until(HasSubstr("session=a has no log file: ")));
  EXPECT_EQ(ReadFile(folder_ / "b"), "precious");
}

TEST(LogFileTimeTest, EachLineHasAStamp) {
  const TempDir folder;
  const HeadProcess head({"--log-dir", folder.path(), "--log-time"});
  BodyProcess body(head.socket(), {"--name", "a"}, {"printf", "one\ntwo\n"});
  EXPECT_TRUE(body.Wait());
  constexpr char kStamp[] =
      "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}[-+][0-9]{2}:[0-9]{2} ";
  EXPECT_TRUE(TextUntil(
      [&] { return ReadFile(folder / "a.log"); },
      testing::ContainsRegex(absl::StrCat("\n", kStamp, "one\n", kStamp,
                                          "two\n", kStamp, "deptyr: pid"))));
}

}  // namespace
}  // namespace deptyr
