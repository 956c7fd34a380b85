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
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
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
using testing::HasSubstr;

using Lines = std::vector<std::string>;

// A terminal in which a shell runs a script.
class Emulator {
 public:
  virtual ~Emulator() = default;
  virtual std::string Screen() const = 0;
  // Returns that and what has left the top; nothing if it doesn't tell.
  virtual std::optional<std::string> ScreenAndHistory() const {
    return std::nullopt;
  }
  // Presses keys, by tmux's names.
  virtual void Press(const std::string& key) const = 0;
  virtual void Type(const std::string& text) const = 0;
  virtual void Paste(const std::string& text) const = 0;
  // Moves the mouse about for a while, if there is one.
  virtual void MoveMouse() {}
  // Whether its bell has rung; nothing if it doesn't tell.
  virtual std::optional<bool> Rang() const { return std::nullopt; }
};

class InTmux : public Emulator {
 public:
  explicit InTmux(const std::string& command)
      : tmux_(absl::StrCat("unset TMUX STY; ", command)) {}
  std::string Screen() const override { return tmux_.Screen(); }
  void Press(const std::string& key) const override { tmux_.Press({key}); }
  void Type(const std::string& text) const override { tmux_.Type(text); }
  void Paste(const std::string& text) const override {
    WriteFile(folder_ / "pasted", text);
    tmux_.Paste(folder_ / "pasted");
  }
  std::optional<bool> Rang() const override {
    return tmux_.Ask("#{window_bell_flag}") == "1";
  }

 protected:
  const Tmux& tmux() const { return tmux_; }
  const TempDir& folder() const { return folder_; }

 private:
  const TempDir folder_;
  const Tmux tmux_;
};

class TmuxItself final : public InTmux {
 public:
  using InTmux::InTmux;
  std::optional<std::string> ScreenAndHistory() const override {
    return tmux().ScreenAndHistory();
  }
};

class GnuScreen final : public InTmux {
 public:
  GnuScreen(const TempDir& folder, const std::string& run)
      : InTmux(absl::StrCat("mkdir -m 700 ", Quote(folder / "screens"),
                            "; SCREENDIR=", Quote(folder / "screens"),
                            " exec screen -S a -c ", Quote(folder / "screenrc"),
                            " ", run)),
        screens_(folder / "screens") {}
  std::optional<std::string> ScreenAndHistory() const override {
    const std::string file = folder() / "hardcopy";
    OutputOf({"screen", "-S", "a", "-X", "hardcopy", "-h", file},
             {.env = {absl::StrCat("SCREENDIR=", screens_)}});
    (void)WaitFor([&] { return !ReadFile(file).empty(); });
    return ReadFile(file);
  }

 private:
  const std::string screens_;
};

// It is the terminal at the other end of a line.  It ends late, so it says its
// number.
class Minicom final : public InTmux {
 public:
  Minicom(const TempDir& folder, const std::string& run)
      : InTmux(absl::StrCat(
            "socat PTY,link=", Quote(folder / "line"),
            ",raw,echo=0 EXEC:", Quote(run),
            ",pty,setsid,ctty,stderr & while [ ! -e ", Quote(folder / "line"),
            " ]; do sleep 0.01; done; echo $$ > ", Quote(folder / "minicom"),
            "; exec minicom -o -p $(readlink ", Quote(folder / "line"), ")")),
        pid_file_(folder / "minicom") {}
  ~Minicom() override {
    int pid = 0;
    if (absl::SimpleAtoi(absl::StripAsciiWhitespace(ReadFile(pid_file_)),
                         &pid)) {
      (void)::kill(pid, SIGKILL);
    }
  }

 private:
  const std::string pid_file_;
};

// On an X server that nobody sees.  It prints its screen when its terminal is
// told to (media copy), and xdotool types.
class Xterm final : public Emulator {
 public:
  Xterm(const TempDir& folder, const std::string& script)
      : printed_(folder / "printed"), tty_(folder / "tty") {
    server_.emplace(Program::Start(
        {"Xvfb", "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten",
         "tcp", "-noreset"},
        {.fds = {{number_.fd(), 3}, {log_.fd(), 1}, {log_.fd(), 2}}}));
    EXPECT_TRUE(number_.Until(testing::EndsWith("\n")));
    display_ =
        absl::StrCat("DISPLAY=:", absl::StripAsciiWhitespace(number_.text()));
    xterm_.emplace(Program::Start(
        {"xterm", "-geometry", "80x24+0+0", "-xrm",
         absl::StrCat("XTerm*printerCommand: cat > ", printed_), "-xrm",
         "XTerm*printerAutoClose: true", "-xrm", "XTerm*printAttributes: 0",
         "-xrm", "XTerm*allowWindowOps: true", "-xrm",
         "XTerm*disallowedPasteControls: NUL", "-e", "sh", "-c",
         absl::StrCat("tty > ", Quote(tty_), "; ", script)},
        {.fds = {{log_.fd(), 1}, {log_.fd(), 2}}, .env = {display_}}));
    // The window under the pointer has the keyboard.
    Do({"search", "--sync", "--onlyvisible", "--class", "xterm", "mousemove",
        "100", "100"});
  }
  // All of it, not only the scroll region (DECPEX).
  std::string Screen() const override { return Print("\x1b[?19h\x1b[i"); }
  std::optional<std::string> ScreenAndHistory() const override {
    return Print("\x1b[?11i");
  }
  void Press(const std::string& key) const override {
    Do({"key", key == "C-\\" ? "ctrl+backslash" : key});
  }
  void Type(const std::string& text) const override {
    Do({"type", "--delay", "0", "--", text});
  }
  // The middle button pastes what is selected (OSC 52).
  void Paste(const std::string& text) const override {
    WriteToTerminal(
        absl::StrCat("\x1b]52;p;", absl::Base64Escape(text), "\x1b\\"));
    Do({"click", "2"});
  }
  void MoveMouse() override {
    std::vector<std::string> words = {"xdotool"};
    for (int i = 1; i <= 50; ++i) {
      for (const std::string& word :
           {std::string("mousemove"), absl::StrCat(100 + i * 6),
            absl::StrCat(100), std::string("sleep"), std::string("0.01")}) {
        words.push_back(word);
      }
    }
    mouse_.emplace(Program::Start(words, {.env = {display_}}));
  }

 private:
  void Do(std::vector<std::string> words) const {
    words.insert(words.begin(), "xdotool");
    OutputOf(words, {.env = {display_}});
  }
  void WriteToTerminal(const std::string& bytes) const {
    const std::string tty(absl::StripAsciiWhitespace(ReadFile(tty_)));
    if (!tty.empty()) WriteFile(tty, bytes);
  }
  std::string Print(const std::string& command) const {
    std::filesystem::remove(printed_);
    WriteToTerminal(command);
    (void)WaitFor([this] { return absl::EndsWith(ReadFile(printed_), "\n"); },
                  absl::Seconds(5));
    return ReadFile(printed_);
  }

  const std::string printed_;
  const std::string tty_;
  std::string display_;
  LogFile log_;
  LogFile number_;
  std::optional<Program> server_;
  std::optional<Program> xterm_;
  std::optional<Program> mouse_;
};

std::unique_ptr<Emulator> Open(const std::string& name, const TempDir& folder,
                               const std::string& script) {
  const std::string file = folder / "script";
  const std::string run = absl::StrCat("sh ", Quote(file));
  // Minicom's line tells no size.
  WriteFile(
      file,
      absl::StrCat("export LC_ALL=C\n",
                   name == "minicom" ? "stty rows 24 cols 80\n" : "", script));
  if (name == "xterm") return std::make_unique<Xterm>(folder, run);
  if (name == "tmux") return std::make_unique<TmuxItself>(run);
  if (name == "screen") {
    WriteFile(folder / "screenrc",
              "startup_message off\naltscreen on\nautodetach off\nvbell off\n");
    return std::make_unique<GnuScreen>(folder, run);
  }
  if (name == "minicom") return std::make_unique<Minicom>(folder, run);
  return std::make_unique<InTmux>(absl::StrCat("exec dvtm ", Quote(run)));
}

class TerminalsTest : public testing::TestWithParam<const char*> {
 protected:
  // Opens the terminal, in which a shell attaches to the program and then runs
  // `then`.
  void Attach(const std::string& program, const std::string& size = "24x80",
              const std::string& options = "-q",
              const std::string& then = "exec cat -v") {
    body_.emplace(
        head_.socket(),
        Lines{"--name", "a", "--size", size, "--term", "xterm-256color"},
        Lines{"sh", "-c", program});
    ASSERT_TRUE(head_.log().Until(HasSubstr("session=a pid=")));
    emulator_ = Open(
        GetParam(), folder_,
        absl::StrCat("printf 'the shell\\r\\n'\n", before_, Quote(Deptyr()),
                     " attach ", options, " ", Quote(head_.socket()),
                     " a\nprintf 'left %d\\r\\n' $?\n", then, "\n"));
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
  // Minicom shows sequences that it doesn't know as text, whoever writes them.
  static bool knows_more() {
    return GetParam() != absl::string_view("minicom");
  }
  void Detach() const { emulator_->Press("C-\\"); }
  void Say(const std::string& line) const { emulator_->Type(line + "\n"); }
  void Send(const std::string& text) const {
    OutputOf({Deptyr(), "send", head_.socket(), "a", text});
  }
  // The command that asks the terminal everything; `name` has the answers.
  std::string Ask(const std::string& name) const {
    return absl::StrCat("settings=$(stty -g); ", Quote(Actor()), " asks ",
                        Quote(folder_ / name), " ", name, "; stty $settings\n");
  }

  TempDir folder_;
  HeadProcess head_;
  std::string before_;  // what the shell does first
  std::optional<BodyProcess> body_;
  std::unique_ptr<Emulator> emulator_;
};

TEST_P(TerminalsTest, ShowsTheProgramAndTypesIntoIt) {
  Attach("stty -echo; echo ready; while read x; do echo got $x; done");
  ASSERT_TRUE(Until(ElementsAre("ready")));
  Say("hello");
  EXPECT_TRUE(Until(ElementsAre("ready", "got hello")));
  if (const auto all = emulator_->ScreenAndHistory()) {
    EXPECT_THAT(*all, HasSubstr("the shell")) << "it isn't erased";
  }
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
}

TEST_P(TerminalsTest, IsGivenBackAfterAFullScreen) {
  Attach(absl::StrCat(
      "printf '\\033[?1049h\\033[2J\\033[H\\033[?1000;1006h\\033[?1h\\033="
      "\\033[?25l\\033[2;5r",
      knows_more() ? "\\033[>1u\\033[>4;2m\\033]0;title\\007" : "",
      "\\033[H\\033[31mfull screen'; exec cat"));
  ASSERT_TRUE(Until(ElementsAre("full screen")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
  EXPECT_THAT(Shown(), ElementsAre("left 0"));
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
  const auto framed = [](const std::string& last) {
    const std::string beside(24, ' ');
    return ElementsAre(
        absl::StrCat("line ", last == "last" ? 4 : 3, beside, "|"),
        absl::StrCat("line ", last == "last" ? 5 : 4, beside, "|"),
        absl::StrCat("line ", last == "last" ? 6 : 5, beside, "|"),
        absl::StrCat(last, std::string(30 - last.size(), ' '), "|"),
        std::string(30, '-') + "+");
  };
  ASSERT_TRUE(Until(framed("line 6")));
  EXPECT_NE(emulator_->Rang(), true);
  Send("\\x07last\\n");
  EXPECT_TRUE(Until(framed("last")));
  EXPECT_TRUE(WaitFor([this] { return emulator_->Rang() != false; }));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
  EXPECT_THAT(Shown(), Contains(HasSubstr("last")));
}

// The arrow's key sends what the program has asked for, and then what the shell
// expects.
TEST_P(TerminalsTest, KeysAreTheProgramsAndThenTheShells) {
  const std::string keys = absl::StrCat("exec ", Quote(Actor()), " keys 3");
  Attach(absl::StrCat("printf '\\033[?1h'; ", keys), "24x80", "-q", keys);
  ASSERT_TRUE(Until(ElementsAre("keys:")));
  emulator_->Press("Up");
  ASSERT_TRUE(Until(ElementsAre("keys: 1b 4f 41 done")));
  Detach();
  ASSERT_TRUE(Until(Contains("keys:")));
  emulator_->Press("Up");
  EXPECT_TRUE(Until(Contains("keys: 1b 5b 41 done")));
}

// Answers and reports of the mouse may come after the detach key.
TEST_P(TerminalsTest, WhatIsOnItsWayIsNotTypedIntoTheShell) {
  Attach(
      "stty raw -echo; cat > /dev/null & printf '\\033[?1003;1006hready'; "
      "while :; do printf '\\033[6n'; sleep 0.002; done");
  ASSERT_TRUE(Until(ElementsAre("ready")));
  emulator_->MoveMouse();
  Detach();
  ASSERT_TRUE(Until(Contains("left 0")));
  Say("typed");
  EXPECT_TRUE(Until(Contains("typed")));
  EXPECT_THAT(Shown(), ElementsAre("left 0", "typed", "typed"));
}

constexpr const char* kAll[] = {"tmux", "screen", "dvtm", "minicom", "xterm"};
std::string NameOf(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}
INSTANTIATE_TEST_SUITE_P(Debians, TerminalsTest, testing::ValuesIn(kAll),
                         NameOf);

// These answer questions.  They answer the program as they answer the shell
// before, and the shell again as before, whatever the program has set.
class AnsweringTest : public TerminalsTest {};
TEST_P(AnsweringTest, AnswersTheProgramAndThenTheShellAsBefore) {
  before_ = Ask("before");
  Attach(absl::StrCat(
             "stty -echo; echo ready; read x; ", Ask("program"), "printf '",
             "\\033[?5;45h\\033[?7l\\033[4h\\033[20h\\033[3g\\033[3G\\033H"
             "\\033[2;5r\\033[1;31m",
             knows_more()
                 ? "\\033[?69h\\033[5;40s\\033[?1003;1006;1004;1007;2004h"
                   "\\033[?2026;2027;2031;2048h\\033[>1u\\033[>4;2m"
                   "\\033]4;1;#00ff00\\007\\033]10;#102030\\007"
                   "\\033]11;#400000\\007\\033]12;red\\007\\033]9;4;1;50\\007"
                   "\\033]22;hand\\007\\033]2;title\\007"
                   "\\033]8;;http://example.org/\\033\\\\"
                   "\\033[1\"q\\033[>1;3m\\033[>2;1m"
                   "\\033[?4;80;8452h\\033[?8l"
                 : "",
             "\\033[2J\\033[Hall set'; exec cat"),
         "24x80", "-q", Ask("after") + "exec cat");
  ASSERT_TRUE(Until(Contains("ready")));
  Say("");
  ASSERT_TRUE(Until(Contains("all set")));
  Detach();
  ASSERT_TRUE(Until(Contains("after")));
  // xterm has a tab stop beyond its last column, where nobody can set one.
  const auto read = [this](const char* name) {
    return absl::StrReplaceAll(ReadFile(folder_ / name), {{"/81", ""}});
  };
  const std::string before = read("before");
  EXPECT_THAT(before, testing::EndsWith("c"));
  EXPECT_EQ(read("program"), before);
  EXPECT_EQ(read("after"), before);
}
INSTANTIATE_TEST_SUITE_P(Debians, AnsweringTest,
                         testing::Values("tmux", "screen", "minicom", "xterm"),
                         NameOf);

// These mark what is pasted.
class PasteTest : public TerminalsTest {};
TEST_P(PasteTest, NothingThatIsPastedIsAKey) {
  Attach(
      absl::StrCat("printf '\\033[?2004h'; exec ", Quote(Actor()), " keys 15"));
  ASSERT_TRUE(Until(ElementsAre("keys:")));
  emulator_->Paste(
      "a\x1c"
      "b");
  EXPECT_TRUE(Until(
      ElementsAre("keys: 1b 5b 32 30 30 7e 61 1c 62 1b 5b 32 30 31 7e done")));
  Detach();
  EXPECT_TRUE(Until(Contains("left 0")));
}
INSTANTIATE_TEST_SUITE_P(Debians, PasteTest,
                         testing::Values("tmux", "screen", "xterm"), NameOf);

}  // namespace
}  // namespace deptyr
