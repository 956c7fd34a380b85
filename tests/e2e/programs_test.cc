// Runs real programs under body, shown by head in a real tmux: each looks as it
// does in a window of tmux itself, and obeys its keys.

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class ProgramsTest : public testing::Test {
 protected:
  ProgramsTest()
      : tmux_(absl::StrCat("exec ", Quote(Deptyr()), " head ", Quote(socket_),
                           " 2> ", Quote(folder_ / "log"))) {
    std::filesystem::create_directory(home_);
  }
  void SetUp() override {
    ASSERT_TRUE(tmux_.Until(HasSubstr("waits for its first program")));
  }

  // Both get this besides the test's own environment.
  std::vector<std::string> Environment() const {
    return {absl::StrCat("HOME=", home_), "LC_ALL=C.UTF-8", "PS1=prompt> ",
            "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "LESS",
            "LESSOPEN", "COLORTERM", "TMUX", "TMUX_PANE", "DISPLAY",
            // Another version may come from somebody's home.
            "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"};
  }
  void Start(const std::vector<std::string>& program) {
    body_.emplace(
        socket_,
        std::vector<std::string>{"--term", Tmux::kTerm, "--name=program"},
        program, ProgramOptions{.env = Environment()});
  }
  // Starts it in a window of tmux's own as well.
  void StartBoth(const std::vector<std::string>& program) {
    std::vector<std::string> words = {"env"};
    for (const std::string& variable : Environment()) {
      if (variable.find('=') != std::string::npos) {
        words.push_back(variable);
      } else {
        words.insert(words.begin() + 1, {"-u", variable});
      }
    }
    words.insert(words.end(), program.begin(), program.end());
    direct_.emplace(absl::StrCat("exec ", Quote(words)));
    Start(program);
  }
  void Press(const std::vector<std::string>& keys) {
    tmux_.Press(keys);
    if (direct_) direct_->Press(keys);
  }
  void Type(absl::string_view text) {
    tmux_.Type(text);
    if (direct_) direct_->Type(text);
  }
  void Resize(WindowSize size) {
    tmux_.Resize(size);
    direct_->Resize(size);
  }

  // Both windows come to match and to be the same, colours and cursor included.
  testing::AssertionResult BothUntil(
      const testing::Matcher<const std::string&>& matcher) {
    std::string ours;
    std::string theirs;
    const bool same = WaitFor([&] {
      if (!matcher.Matches(tmux_.Screen())) return false;
      ours = tmux_.StyledScreen();
      theirs = direct_->StyledScreen();
      return ours == theirs;
    });
    if (same) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "shown by head:\n"
           << tmux_.Screen() << "\nin tmux itself:\n"
           << direct_->Screen() << "\nwith its attributes:\n"
           << ours << "\nand:\n"
           << theirs;
  }
  // less, and who knows which else, loses a key that comes at the same time as
  // a new size.
  bool PressUntil(const std::string& key, absl::FunctionRef<bool()> done) {
    return WaitFor([&] {
      Press({key});
      return done();
    });
  }
  // Ends it by a key that means nothing afterwards.
  bool EndsAt(const std::string& key) {
    return PressUntil(key, [this] { return body_->program().HasEnded(); });
  }
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& matcher) {
    return tmux_.Until(matcher);
  }
  testing::AssertionResult Ends(const std::string& how) {
    return Until(
        HasSubstr(absl::StrCat("[deptyr: program ended: ", how, "; waiting")));
  }

  TempDir folder_;
  const std::string socket_ = folder_ / "head.sock";
  const std::string home_ = folder_ / "home";
  Tmux tmux_;
  std::optional<Tmux> direct_;
  std::optional<BodyProcess> body_;
};

std::string LongText() {
  std::string text;
  for (int i = 1; i <= 500; ++i) {
    absl::StrAppend(&text, "This is line ", i, " \xc3\xa4\xe6\xbc\xa2",
                    std::string(static_cast<size_t>(i) % 90, '.'), "\n");
  }
  return text;
}

TEST_F(ProgramsTest, Less) {
  WriteFile(folder_ / "text", LongText());
  StartBoth({"less", folder_ / "text"});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 1 ")));
  Press({"Space"});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 30 ")));
  Type("/line 400\n");
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 410 ")));
  Resize({40, 60});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 400 ")));
  ASSERT_TRUE(PressUntil("g", [this] {
    return tmux_.Screen() == direct_->Screen() &&
           absl::StrContains(tmux_.Screen(), "This is line 1 ");
  }));
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 1 ")));
  tmux_.Press({"C-\\", "r"});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 1 ")));
  ASSERT_TRUE(EndsAt("q"));
  EXPECT_EQ(body_->Wait(), ExitStatus{});
  EXPECT_TRUE(Ends("exit status 0"));
}

TEST_F(ProgramsTest, Vim) {
  WriteFile(folder_ / "text", LongText());
  WriteFile(home_ + "/.vimrc", "set mouse=a background=dark noswapfile\n");
  StartBoth({"vim", "-N", "-i", "NONE", folder_ / "text"});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 1 ")));
  Type(":set number hlsearch\n");
  ASSERT_TRUE(BothUntil(HasSubstr("  1 This is line 1 ")));
  Type(":vsplit\n250Gzz/line\n");
  ASSERT_TRUE(BothUntil(HasSubstr("250 This is line 250")));
  Resize({33, 101});
  ASSERT_TRUE(BothUntil(HasSubstr("250 This is line 250")));
  tmux_.Press({"C-\\", "l"});
  ASSERT_TRUE(Until(HasSubstr("1  program  runs")));
  tmux_.Press({"1"});
  ASSERT_TRUE(BothUntil(HasSubstr("250 This is line 250")));
  // From here on it is alone, because both would write the same file.
  direct_->Type("\x1b:qa!\n");
  direct_.reset();
  Type("\x1bggOtyped in vim");
  Press({"Escape"});
  ASSERT_TRUE(Until(HasSubstr("typed in vim")));
  Type(":wqa\n");
  EXPECT_EQ(body_->Wait(), ExitStatus{});
  EXPECT_EQ(ReadFile(folder_ / "text"),
            absl::StrCat("typed in vim\n", LongText()));
  // The modes that vim had set are gone.
  ASSERT_TRUE(Ends("exit status 0"));
  EXPECT_TRUE(tmux_.Answers("#{alternate_on} #{mouse_any_flag}", "0 0"));
}

TEST_F(ProgramsTest, MidnightCommander) {
  std::filesystem::create_directory(folder_ / "panel");
  for (const char* const name : {"alpha", "beta", "gamma"}) {
    WriteFile(folder_ / absl::StrCat("panel/", name), LongText());
  }
  StartBoth(
      {"mc", "-u", "-S", "default", folder_ / "panel", folder_ / "panel"});
  // Another file system's free space may change meanwhile, so it is left out.
  const auto panels = AllOf(HasSubstr("alpha"), HasSubstr("10Quit"));
  ASSERT_TRUE(Until(panels));
  ASSERT_TRUE(direct_->Until(panels));
  Press({"Down", "Down", "F3"});
  ASSERT_TRUE(
      BothUntil(AllOf(HasSubstr("This is line 1 "), HasSubstr("panel/beta"))));
  Press({"Space"});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 24 ")));
  Resize({30, 90});
  ASSERT_TRUE(BothUntil(HasSubstr("This is line 40 ")));
  Press({"F10"});
  ASSERT_TRUE(Until(panels));
  Press({"F9"});
  ASSERT_TRUE(Until(HasSubstr("Left")));
  Press({"Enter"});
  ASSERT_TRUE(Until(HasSubstr("Listing")));
  Press({"F10"});
  ASSERT_TRUE(Until(Not(HasSubstr("Listing"))));
  Press({"F10"});
  // It may ask first.
  ASSERT_TRUE(WaitFor([&] {
    if (tmux_.Screen().find("quit the Midnight") != std::string::npos) {
      Press({"Enter"});
    }
    return body_->program().HasEnded();
  }));
  EXPECT_EQ(body_->Wait(), ExitStatus{});
  ASSERT_TRUE(Ends("exit status 0"));
  EXPECT_TRUE(tmux_.Answers("#{alternate_on} #{mouse_any_flag}", "0 0"));
}

TEST_F(ProgramsTest, Rtorrent) {
  Start({"rtorrent", "-n", "-o", "system.daemon.set=false", "-o",
         "dht.mode.set=disable", "-o", "network.port_open.set=no"});
  ASSERT_TRUE(Until(AllOf(HasSubstr("*** rTorrent"), HasSubstr("[View: main]"),
                          HasSubstr("[Throttle"))));
  // It has a prompt of its own, on the line before the last.
  Press({"Enter"});
  ASSERT_TRUE(Until(HasSubstr("load.normal>")));
  Type("nothing");
  ASSERT_TRUE(Until(HasSubstr("load.normal> nothing")));
  Press({"C-g"});
  ASSERT_TRUE(Until(Not(HasSubstr("load.normal>"))));
  tmux_.Resize({30, 100});
  ASSERT_TRUE(Until(ContainsRegex("\n\\[Throttle [^\n]*\n$")));
  tmux_.Press({"C-\\", "r"});
  ASSERT_TRUE(Until(AllOf(HasSubstr("*** rTorrent"), HasSubstr("[View: main]"),
                          HasSubstr("[Throttle"))));
  ASSERT_TRUE(EndsAt("C-q"));
  EXPECT_EQ(body_->Wait(), ExitStatus{});
  EXPECT_TRUE(Ends("exit status 0"));
}

TEST_F(ProgramsTest, Htop) {
  Start({"htop", "--no-mouse"});
  const auto screen = AllOf(HasSubstr("Load average"), HasSubstr("PID USER"),
                            HasSubstr("F10Quit"));
  ASSERT_TRUE(Until(screen));
  Press({"F1"});
  ASSERT_TRUE(Until(HasSubstr("F5 t: tree view")));
  Press({"q"});
  ASSERT_TRUE(Until(screen));
  tmux_.Resize({40, 120});
  ASSERT_TRUE(Until(ContainsRegex("\nF1Help[^\n]*F10Quit[^\n]*\n$")));
  tmux_.Press({"C-\\", "r"});
  ASSERT_TRUE(Until(screen));
  ASSERT_TRUE(EndsAt("q"));
  EXPECT_EQ(body_->Wait(), ExitStatus{});
  EXPECT_TRUE(Ends("exit status 0"));
}

TEST_F(ProgramsTest, BashWithJobControl) {
  StartBoth({"bash", "--norc", "--noprofile", "-i"});
  ASSERT_TRUE(BothUntil(HasSubstr("prompt>")));
  // The shell doesn't complain that it has no job control.
  ASSERT_THAT(tmux_.Screen(), testing::StartsWith("prompt>"));
  // Check both, because a key also drops input that isn't read yet.
  const auto sleeping = [&](bool wanted) {
    const auto in = [&](pid_t shell) {
      const std::vector<pid_t> children = ChildrenOf(shell);
      return std::any_of(children.begin(), children.end(), [](pid_t child) {
        return StatFieldOf(child, 2 + 1) == "S" &&
               ExeOf(child).find("sleep") != std::string::npos;
      });
    };
    const pid_t direct = direct_->pane_pid();
    return WaitFor(
        [&] { return in(body_->pid()) == wanted && in(direct) == wanted; });
  };
  Type("sleep 1000\n");
  ASSERT_TRUE(sleeping(true));
  Press({"C-c"});
  ASSERT_TRUE(sleeping(false));
  ASSERT_TRUE(BothUntil(HasSubstr("^C\nprompt>")));
  Type("sleep 1001\n");
  ASSERT_TRUE(sleeping(true));
  Press({"C-z"});
  ASSERT_TRUE(
      BothUntil(ContainsRegex("\\[1\\]\\+  Stopped  +sleep 1001\nprompt>")));
  Type("fg\n");
  ASSERT_TRUE(sleeping(true));
  ASSERT_TRUE(BothUntil(HasSubstr("prompt> fg\nsleep 1001\n")));
  Press({"C-c"});
  ASSERT_TRUE(BothUntil(HasSubstr("sleep 1001\n^C\nprompt>")));
  // The line can be edited, and has a history.
  Type("echo tset");
  Press({"Left", "BSpace", "BSpace", "e", "s", "End", "Enter"});
  ASSERT_TRUE(BothUntil(HasSubstr("\ntest\nprompt>")));
  Press({"Up", "Enter"});
  ASSERT_TRUE(BothUntil(HasSubstr("\ntest\nprompt> echo test\ntest\n")));
  Type("tty > /dev/null && exit 7\n");
  EXPECT_EQ(body_->Wait(), ExitStatus{.code = 7});
  EXPECT_TRUE(Ends("exit status 7"));
}

TEST_F(ProgramsTest, APasswordIsNotEchoed) {
  StartBoth({"bash", "--norc", "--noprofile", "-c",
             "read -r -s -p 'Password: ' x; echo; "
             "echo length ${#x}; read -r -p 'Name: ' y; echo hello $y; "
             "read -r x"});
  ASSERT_TRUE(BothUntil(HasSubstr("Password:")));
  Type("secret\n");
  ASSERT_TRUE(BothUntil(HasSubstr("Password:\nlength 6\nName:")));
  EXPECT_THAT(tmux_.Screen(), Not(HasSubstr("secret")));
  Type("you\n");
  EXPECT_TRUE(BothUntil(HasSubstr("Name: you\nhello you\n")));
}

// It opens /dev/tty, and changes the settings of that.
TEST_F(ProgramsTest, APasswordIsReadFromTheControllingTerminal) {
  StartBoth({"/usr/bin/python3", "-c",
             "import getpass; p = getpass.getpass(); print(len(p)); "
             "n = input('Name: '); print('hello', n); input()"});
  ASSERT_TRUE(BothUntil(HasSubstr("Password:")));
  Type("secret\n");
  ASSERT_TRUE(BothUntil(HasSubstr("Password:\n6\nName:")));
  Type("you\n");
  EXPECT_TRUE(BothUntil(HasSubstr("Name: you\nhello you\n")));
}

}  // namespace
}  // namespace deptyr
