// A terminal that takes no output, and a program that takes no input, cost
// nobody else anything.  Head runs in a real tmux that is stopped, by SIGSTOP
// or as ^S stops a terminal.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// 12 megabytes: more than the ring, the PTYs and tmux hold together.
constexpr int kLines = 300'000;
constexpr size_t kLongText = 300'000;

bool Exists(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0;
}

class FlowTest : public testing::Test {
 protected:
  FlowTest()
      : tmux_(absl::StrCat("exec ", Quote(Deptyr()), " head ", Quote(socket_),
                           " 2> ", Quote(log_))) {}
  void SetUp() override {
    ASSERT_TRUE(tmux_.Until(HasSubstr("waits for its first program")));
    terminal_ = Fd(::open(tmux_.Ask("#{pane_tty}").c_str(),
                          O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal_.valid());
  }
  testing::AssertionResult LogUntil(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return ReadFile(log_); }, matcher);
  }
  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    return BodyProcess(socket_, {"--name", name, "--term", Tmux::kTerm},
                       program);
  }
  BodyProcess Flood(const std::string& name) {
    return Body(name,
                {Actor(), "flood", absl::StrCat(kLines), FloodIsOver(name)});
  }
  std::string FloodIsOver(const std::string& name) {
    return folder_ / absl::StrCat("flood-", name);
  }
  // The last screen of the program when nobody is in its way.
  static std::string LastScreen() {
    std::string screen;
    for (int i = kLines - 21; i <= kLines; ++i) {
      absl::StrAppend(&screen, "line ", i, " of the flood, which is ", kLines,
                      " lines\n");
    }
    return absl::StrCat(screen, "the flood is over\n\n");
  }

  // Starts a raw program that reads nothing until its gate is opened; then it
  // reads kLongText bytes, prints their sum, and then whatever else comes.
  BodyProcess Late(const std::string& name) {
    EXPECT_EQ(::mkfifo(Gate().c_str(), 0600), 0);
    return Body(
        name, {"sh", "-c",
               absl::StrCat("stty raw -echo; echo ready; read gate < ", Gate(),
                            "; head -c ", kLongText, " | md5sum; exec cat")});
  }
  std::string Gate() { return folder_ / "gate"; }
  void PasteLongText() {
    std::string text;
    for (int i = 0; text.size() < kLongText; ++i)
      absl::StrAppend(&text, i, " ");
    text.resize(kLongText);
    WriteFile(folder_ / "text", text);
    tmux_.Paste(folder_ / "text");
  }
  std::string SumOfLongText() {
    constexpr size_t kDigits = 32;
    return OutputOf({"md5sum", folder_ / "text"}).substr(0, kDigits);
  }

  TempDir folder_;
  const std::string socket_ = folder_ / "head.sock";
  const std::string log_ = folder_ / "log";
  Tmux tmux_;
  Fd terminal_;
};

TEST_F(FlowTest, AFloodEndsWithTheScreenThatItsEndMakes) {
  BodyProcess body = Flood("a");
  EXPECT_TRUE(tmux_.Until(Eq(LastScreen())));
}

TEST_F(FlowTest, AStoppedTerminalHoldsNoProgramBack) {
  ASSERT_EQ(::tcflow(terminal_.get(), TCOOFF), 0);
  BodyProcess shown = Flood("shown");
  BodyProcess other = Flood("other");
  EXPECT_TRUE(WaitFor([&] { return Exists(FloodIsOver("shown")); }));
  EXPECT_TRUE(WaitFor([&] { return Exists(FloodIsOver("other")); }));
  ASSERT_THAT(tmux_.Screen(), Not(HasSubstr("flood")));
  ASSERT_EQ(::tcflow(terminal_.get(), TCOON), 0);
  EXPECT_TRUE(tmux_.Until(Eq(LastScreen())));
}

TEST_F(FlowTest, ATerminalWhoseReaderStoppedHoldsNoProgramBack) {
  ASSERT_EQ(::kill(tmux_.server_pid(), SIGSTOP), 0);
  BodyProcess body = Flood("a");
  EXPECT_TRUE(WaitFor([&] { return Exists(FloodIsOver("a")); }));
  ASSERT_EQ(::kill(tmux_.server_pid(), SIGCONT), 0);
  EXPECT_TRUE(tmux_.Until(Eq(LastScreen())));
}

TEST_F(FlowTest, AFullScreenProgramThatWasMissedIsAskedToRepaint) {
  ASSERT_EQ(::tcflow(terminal_.get(), TCOOFF), 0);
  // The program draws its screen at the start and when the size changes, and
  // blinks in between, as a clock does.
  BodyProcess body = Body(
      "a",
      {"bash", "-c",
       absl::StrCat("draw() { printf '\\033[2J\\033[Hthe frame\\033[9;9H'; }\n"
                    "trap draw WINCH\n"
                    "draw\n"
                    "head -c 3000000 /dev/zero | tr '\\0' '\\a'\n"
                    "> ",
                    FloodIsOver("a"),
                    "\n"
                    "while :; do read -t 0.05 x; [ $? -gt 128 ] || exit; "
                    "done")});
  ASSERT_TRUE(WaitFor([&] { return Exists(FloodIsOver("a")); }));
  ASSERT_EQ(::tcflow(terminal_.get(), TCOON), 0);
  EXPECT_TRUE(tmux_.Until(StartsWith("the frame\n")));
}

TEST_F(FlowTest, HeadEndsInTimeThoughItsTerminalIsStopped) {
  termios before{};
  ASSERT_EQ(::tcgetattr(terminal_.get(), &before), 0);
  ASSERT_EQ(::tcflow(terminal_.get(), TCOOFF), 0);
  BodyProcess body = Flood("a");
  ASSERT_TRUE(WaitFor([&] { return Exists(FloodIsOver("a")); }));
  ASSERT_EQ(::kill(tmux_.pane_pid(), SIGTERM), 0);
  EXPECT_EQ(tmux_.DeadStatus(), "0");
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_THAT(ReadFile(log_), HasSubstr("head has ended; these programs"));
}

TEST_F(FlowTest, KillingAStoppedWindowEndsHead) {
  ASSERT_EQ(::tcflow(terminal_.get(), TCOOFF), 0);
  BodyProcess body = Flood("a");
  ASSERT_TRUE(WaitFor([&] { return Exists(FloodIsOver("a")); }));
  terminal_.Reset();
  tmux_.KillWindow();
  EXPECT_EQ(body.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(LogUntil(HasSubstr("head ends: its terminal was closed")));
  EXPECT_TRUE(LogUntil(HasSubstr("head has ended; these programs")));
}

// Head's queue and the PTY hold some 36 KB.  Further keys wait in head's own
// terminal until there is room.  Once, nobody reported the room, and head was
// deaf to its keyboard from then on.
TEST_F(FlowTest, AllOfALongPasteArrivesAtAProgramThatReadsLate) {
  BodyProcess late = Late("late");
  ASSERT_TRUE(tmux_.Until(HasSubstr("ready")));
  PasteLongText();
  // Another program isn't affected.
  BodyProcess other = Body("other", {"sh", "-c", "exit 3"});
  EXPECT_EQ(other.Wait(), ExitStatus{.code = 3});
  EXPECT_TRUE(LogUntil(HasSubstr("ended: exit status 3")));
  WriteFile(Gate(), "open\n");
  EXPECT_TRUE(tmux_.Until(HasSubstr(SumOfLongText())));
  tmux_.Type("and more\n");
  EXPECT_TRUE(tmux_.Until(HasSubstr("and more")));
}

TEST_F(FlowTest, ACommandBehindALongPasteWaitsForIt) {
  BodyProcess late = Late("late");
  ASSERT_TRUE(tmux_.Until(HasSubstr("ready")));
  BodyProcess other = Body("other", {"sh", "-c", "echo this is it; exec cat"});
  PasteLongText();
  tmux_.Press({"C-\\", "n"});
  tmux_.Type("typed\n");
  WriteFile(Gate(), "open\n");
  ASSERT_TRUE(tmux_.Until(HasSubstr("this is it\ntyped\ntyped\n")));
  tmux_.Press({"C-\\", "n"});
  EXPECT_TRUE(tmux_.Until(HasSubstr(SumOfLongText())));
}

TEST_F(FlowTest, APasteThatItsProgramDidNotLiveToReadIsNotForTheNext) {
  BodyProcess late = Late("a");
  ASSERT_TRUE(tmux_.Until(HasSubstr("ready")));
  PasteLongText();
  late.program().Signal(SIGKILL);
  EXPECT_EQ(late.Wait(), ExitStatus{.signal = SIGKILL});
  ASSERT_TRUE(tmux_.Until(HasSubstr("a ended: signal 9")));
  // Head reads its keyboard again, because this key is behind the paste.
  tmux_.Press({"C-\\", "l"});
  ASSERT_TRUE(tmux_.Until(HasSubstr("*1  a  ended: signal 9")));
  tmux_.Press({"1"});
  BodyProcess next = Body("a", {Actor(), "keys", "2"});
  ASSERT_TRUE(tmux_.Until(HasSubstr("keys:")));
  tmux_.Type("ok");
  EXPECT_TRUE(tmux_.Until(HasSubstr("keys: 6f 6b done")));
}

}  // namespace
}  // namespace deptyr
