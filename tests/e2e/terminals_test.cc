// deptyr attach in terminals that Debian has and that need no window: each
// shows the program, and gets back what it had.  docs/terminals.md has the
// table.
//
// tmux and xterm are terminals by themselves; screen, dvtm and minicom are
// shown in a window of tmux, which tells what they show.

#include <signal.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/tmux.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::Contains;
using testing::ElementsAre;

using Lines = std::vector<std::string>;

// A terminal in which a shell runs a script.
class Emulator {
 public:
  virtual ~Emulator() = default;
  virtual std::string Screen() const = 0;
  // Presses keys, if it has a keyboard.
  virtual void Type(const std::string& text) const = 0;
  virtual bool has_keyboard() const { return true; }
};

void KillBy(const std::string& pid_file, int signal) {
  int pid = 0;
  const std::string text = ReadFile(pid_file);
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &pid));
  ASSERT_EQ(::kill(pid, signal), 0);
}

class InTmux final : public Emulator {
 public:
  // A program that ends late says its number in `pid_file`.
  explicit InTmux(const std::string& command, std::string pid_file = "")
      : tmux_(absl::StrCat("unset TMUX STY; ", command)),
        pid_file_(std::move(pid_file)) {}
  ~InTmux() override {
    if (!pid_file_.empty()) KillBy(pid_file_, SIGKILL);
  }
  std::string Screen() const override { return tmux_.Screen(); }
  void Type(const std::string& text) const override { tmux_.Type(text); }

 private:
  const Tmux tmux_;
  const std::string pid_file_;
};

// On an X server that nobody sees.  It prints its screen when its terminal is
// told to (media copy).
class Xterm final : public Emulator {
 public:
  Xterm(const TempDir& folder, const std::string& script)
      : printed_(folder / "printed"), tty_(folder / "tty") {
    server_.emplace(Program::Start(
        {"Xvfb", "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten",
         "tcp"},
        {.fds = {{number_.fd(), 3}, {log_.fd(), 1}, {log_.fd(), 2}}}));
    EXPECT_TRUE(number_.Until(testing::EndsWith("\n")));
    const std::string display(absl::StripAsciiWhitespace(number_.text()));
    xterm_.emplace(Program::Start(
        {"xterm", "-geometry", "80x24", "-xrm",
         absl::StrCat("XTerm*printerCommand: cat > ", printed_), "-xrm",
         "XTerm*printerAutoClose: true", "-xrm", "XTerm*printAttributes: 0",
         "-e", "sh", "-c", absl::StrCat("tty > ", Quote(tty_), "; ", script)},
        {.fds = {{log_.fd(), 1}, {log_.fd(), 2}},
         .env = {absl::StrCat("DISPLAY=:", display)}}));
  }
  std::string Screen() const override {
    const std::string tty(absl::StripAsciiWhitespace(ReadFile(tty_)));
    if (tty.empty()) return "";
    std::filesystem::remove(printed_);
    // All of it, not only the scroll region (DECPEX).
    WriteFile(tty, "\x1b[?19h\x1b[i");
    (void)WaitFor([this] { return absl::EndsWith(ReadFile(printed_), "\n"); },
                  absl::Seconds(5));
    return ReadFile(printed_);
  }
  void Type(const std::string&) const override {}
  bool has_keyboard() const override { return false; }

 private:
  const std::string printed_;
  const std::string tty_;
  LogFile log_;
  LogFile number_;
  std::optional<Program> server_;
  std::optional<Program> xterm_;
};

std::unique_ptr<Emulator> Open(const std::string& name, const TempDir& folder,
                               const std::string& script) {
  const std::string file = folder / "script";
  const std::string run = absl::StrCat("sh ", Quote(file));
  WriteFile(file, script);
  if (name == "xterm") return std::make_unique<Xterm>(folder, run);
  if (name == "tmux") return std::make_unique<InTmux>(run);
  if (name == "screen") {
    WriteFile(folder / "screenrc",
              "startup_message off\naltscreen on\nautodetach off\n");
    return std::make_unique<InTmux>(
        absl::StrCat("mkdir -m 700 ", Quote(folder / "screens"),
                     "; SCREENDIR=", Quote(folder / "screens"),
                     " exec screen -c ", Quote(folder / "screenrc"), " ", run));
  }
  if (name == "dvtm") {
    return std::make_unique<InTmux>(absl::StrCat("exec dvtm ", Quote(run)));
  }
  // minicom is the terminal at the other end of a line.
  const std::string line = folder / "line";
  WriteFile(file, absl::StrCat("stty rows 24 cols 80\n", script));
  return std::make_unique<InTmux>(
      absl::StrCat(
          "socat PTY,link=", Quote(line), ",raw,echo=0 EXEC:", Quote(run),
          ",pty,setsid,ctty,stderr & while [ ! -e ", Quote(line),
          " ]; do sleep 0.01; done; echo $$ > ", Quote(folder / "minicom"),
          "; exec minicom -o -p $(readlink ", Quote(line), ")"),
      folder / "minicom");
}

class TerminalsTest : public testing::TestWithParam<const char*> {
 protected:
  void Attach(const std::string& program, const std::string& size = "24x80",
              const std::string& options = "-q") {
    body_.emplace(
        head_.socket(),
        Lines{"--name", "a", "--size", size, "--term", "xterm-256color"},
        Lines{"sh", "-c", program});
    ASSERT_TRUE(head_.log().Until(testing::HasSubstr("session=a pid=")));
    emulator_ =
        Open(GetParam(), folder_,
             absl::StrCat("printf 'the shell\\r\\n'\n", "sh -c 'echo $$ > ",
                          Quote(folder_ / "pid"), "; exec ", Quote(Deptyr()),
                          " attach ", options, " ", Quote(head_.socket()),
                          " a'\nprintf 'left %d\\r\\n' $?\nexec cat\n"));
  }
  // Returns the lines that are shown, without blanks and the emulator's own.
  Lines Shown() const {
    Lines lines;
    for (const absl::string_view row :
         absl::StrSplit(emulator_->Screen(), '\n')) {
      const absl::string_view line = absl::StripAsciiWhitespace(row);
      const bool own = absl::StrContains(line, "─") ||
                       absl::StrContains(line, "qqqq") ||
                       absl::StartsWith(line, "[1");
      if (!line.empty() && !own) lines.emplace_back(line);
    }
    return lines;
  }
  testing::AssertionResult Until(const testing::Matcher<Lines>& matcher) const {
    const bool found = WaitFor([&] { return matcher.Matches(Shown()); });
    return found
               ? testing::AssertionSuccess()
               : testing::AssertionFailure() << testing::PrintToString(Shown());
  }
  void Detach() const {
    if (emulator_->has_keyboard()) return emulator_->Type("\x1c");
    KillBy(folder_ / "pid", SIGTERM);
    // Nobody writes to the terminal between what attach writes at its end.
    const std::string attach = absl::StrCat(
        "/proc/", absl::StripAsciiWhitespace(ReadFile(folder_ / "pid")));
    EXPECT_TRUE(WaitFor([&] { return !std::filesystem::exists(attach); }));
  }
  void Say(const std::string& line) const {
    if (emulator_->has_keyboard()) return emulator_->Type(line + "\n");
    OutputOf({Deptyr(), "send", head_.socket(), "a", line + "\\n"});
  }

  TempDir folder_;
  HeadProcess head_;
  std::optional<BodyProcess> body_;
  std::unique_ptr<Emulator> emulator_;
};

TEST_P(TerminalsTest, ShowsTheProgramAndTypesIntoIt) {
  Attach("stty -echo; echo ready; while read x; do echo got $x; done");
  ASSERT_TRUE(Until(ElementsAre("ready")));
  Say("hello");
  EXPECT_TRUE(Until(ElementsAre("ready", "got hello")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
}

TEST_P(TerminalsTest, IsGivenBackAfterAFullScreen) {
  // Minicom shows such sequences as text, whoever writes them.
  const bool knows_more = GetParam() != absl::string_view("minicom");
  Attach(absl::StrCat(
      "printf '\\033[?1049h\\033[2J\\033[H\\033[?1000;1006h\\033[?1h\\033="
      "\\033[?25l\\033[2;5r",
      knows_more ? "\\033[>1u\\033]0;title\\007" : "",
      "\\033[H\\033[31mfull screen'; exec cat"));
  ASSERT_TRUE(Until(ElementsAre("full screen")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
  EXPECT_THAT(Shown(), ElementsAre("left 0"));
  if (!emulator_->has_keyboard()) return;
  Say("typed");
  EXPECT_TRUE(Until(ElementsAre("left 0", "typed", "typed")));
}

TEST_P(TerminalsTest, IsGivenBackInTheMiddleOfAString) {
  Attach("printf 'ready\\r\\n\\033]0;half of a title'; exec cat");
  ASSERT_TRUE(Until(Contains("ready")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
}

TEST_P(TerminalsTest, ShowsAScreenOfAnotherSize) {
  Attach(
      "stty -echo; for i in 1 2 3 4 5 6; do printf '\\r\\nline %d' $i; done; "
      "while read x; do printf \"\\r\\n$x\"; done",
      "4x30", "-q -r");
  ASSERT_TRUE(Until(ElementsAre("line 3", "line 4", "line 5", "line 6")));
  OutputOf({Deptyr(), "send", head_.socket(), "a", "last\\n"});
  EXPECT_TRUE(Until(ElementsAre("line 4", "line 5", "line 6", "last")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
  EXPECT_THAT(Shown(), Contains("last"));
}

INSTANTIATE_TEST_SUITE_P(Debians, TerminalsTest,
                         testing::Values("tmux", "screen", "dvtm", "minicom",
                                         "xterm"),
                         [](const auto& it) { return it.param; });

}  // namespace
}  // namespace deptyr
