// The sizes of terminals: that of the program, in characters and in pixels, and
// those of viewers that have another one.

#include <fcntl.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd.h"
#include "lib/sys/pty.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tmux.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Full of lines, of which the last is in its last row; then each line that is
// typed is shown in the same place.
constexpr char kFull[] =
    "stty -echo; i=0; while [ $i -lt 30 ]; do i=$((i+1)); printf '\r\nline %d' "
    "$i; done; while read x; do printf '\r\n%s' \"$x\"; done";

// Returns what a larger terminal shows of a screen of `cols` columns.
std::string Framed(const std::string& screen, size_t cols,
                   absl::string_view vertical = "|",
                   absl::string_view horizontal = "-",
                   absl::string_view corner = "+") {
  std::string framed;
  for (const absl::string_view row :
       absl::StrSplit(absl::StripSuffix(screen, "\n"), '\n')) {
    const std::string blanks(cols - row.size(), ' ');
    absl::StrAppend(&framed, row, blanks, vertical, "\n");
  }
  for (size_t i = 0; i < cols; ++i) absl::StrAppend(&framed, horizontal);
  return absl::StrCat(framed, corner, "\n");
}

class ViewersTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& options, const std::string& size) {
    head_.emplace(options);
    body_.emplace(head_->socket(),
                  std::vector<std::string>{"--name", "a", "--size", size,
                                           "--term", Tmux::kTerm},
                  std::vector<std::string>{"sh", "-c", kFull});
    ASSERT_TRUE(head_->log().Until(HasSubstr("session=a pid=")));
    ASSERT_TRUE(TextUntil([this] { return Snapshot(); }, HasSubstr("line 30")));
  }
  std::string Snapshot() const {
    return OutputOf({Deptyr(), "snapshot", head_->socket(), "a"});
  }
  void Type(const std::string& text) const {
    OutputOf({Deptyr(), "send", head_->socket(), "a", text});
  }
  void Say(const std::string& line) const {
    OutputOf({Deptyr(), "send", head_->socket(), "a", absl::StrCat(line, "\\n"),
              "--wait-for", line});
  }
  std::string Attach(const std::string& options) const {
    return absl::StrCat("export LC_ALL=C; ", Quote(Deptyr()), " attach -q ",
                        options, " ", Quote(head_->socket()),
                        " a; echo left; exec cat");
  }

  std::optional<HeadProcess> head_;
  std::optional<BodyProcess> body_;
};

TEST_F(ViewersTest, ALargerOneThatOnlyLooksSeesTheScreen) {
  Begin({}, "10x60");
  const Tmux tmux(Attach("-r"), {20, 80});
  const auto shows = [&tmux, this] {
    return tmux.Until(
        absl::StrCat(Framed(Snapshot(), 60), std::string(9, '\n')));
  };
  ASSERT_TRUE(shows());
  Say("scrolled");
  EXPECT_TRUE(shows());
  tmux.Press({"C-\\"});
  EXPECT_TRUE(tmux.Until(HasSubstr("left")));
}

TEST_F(ViewersTest, TheBellAndTheTitleReachOneThatOnlyLooks) {
  Begin({}, "10x60");
  Type("\\x07rang before\\n");
  const Tmux tmux(Attach("-r"), {20, 80});
  ASSERT_TRUE(tmux.Until(HasSubstr("rang before")));
  EXPECT_EQ(tmux.Ask("#{window_bell_flag}"), "0");
  Type("\\x1b]2;a title\\x07\\n");
  ASSERT_TRUE(tmux.Answers("#{pane_title}", "a title"));
  EXPECT_EQ(tmux.Ask("#{window_bell_flag}"), "0");
  Type("\\x07\\n");
  EXPECT_TRUE(tmux.Answers("#{window_bell_flag}", "1"));
}

TEST_F(ViewersTest, ASmallerOneSeesThePartWithTheCursor) {
  Begin({"--size-policy", "fixed"}, "24x80");
  const Tmux tmux(Attach(""), {4, 10});
  ASSERT_TRUE(tmux.Until("line 27\nline 28\nline 29\nline 30\n"));
  tmux.Type("0123456789abc\n");
  EXPECT_TRUE(tmux.Until(" 28\n 29\n 30\n456789abc\n"));
}

TEST_F(ViewersTest, OneThatFitsAgainGoesOnWithTheStream) {
  Begin({"--size-policy", "fixed"}, "10x60");
  const Tmux tmux(Attach(""), {20, 80});
  ASSERT_TRUE(tmux.Until(HasSubstr("line 30")));
  tmux.Resize({10, 60});
  ASSERT_TRUE(tmux.Until(Snapshot()));
  tmux.Type("typed\n");
  ASSERT_TRUE(tmux.Until(HasSubstr("typed")));
  EXPECT_EQ(tmux.Screen(), Snapshot());
  tmux.Resize({15, 70});
  EXPECT_TRUE(
      tmux.Until(absl::StrCat(Framed(Snapshot(), 60), std::string(4, '\n'))));
}

// A raw listener may ask for the size in band, once it is told to.
class AskedTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& options) {
    std::vector<std::string> all = options;
    all.insert(all.end(), {"--raw", folder_ / "raw"});
    head_.emplace(all);
    body_.emplace(head_->socket(), std::vector<std::string>{"--name", "a"},
                  std::vector<std::string>{Actor(), "sizes"});
    ASSERT_TRUE(head_->log().Until(HasSubstr("session=a pid=")));
    raw_.emplace(Connection::To(folder_ / "raw"));
  }
  static std::string Subscription(int cols, int rows) {
    return absl::StrCat("\x1b]2811;?;columns=", cols, ";lines=", rows,
                        "\x1b\\");
  }

  TempDir folder_;
  std::optional<HeadProcess> head_;
  std::optional<BodyProcess> body_;
  std::optional<Connection> raw_;
};

TEST_F(AskedTest, ARawClientsTerminalTellsItsSize) {
  Begin({"--ask-size"});
  ASSERT_TRUE(raw_->output().Until(HasSubstr(Subscription(0, 0))));
  raw_->Send("\x1b]2811;columns=100;lines=30\x1b\\");
  ASSERT_TRUE(raw_->output().Until(HasSubstr("size 30x100")));
  ASSERT_TRUE(raw_->output().Until(HasSubstr(Subscription(100, 30))));
  raw_->Send("\x1b]2811;columns=90;li");
  raw_->Send("nes=40\x1b\\");
  EXPECT_TRUE(raw_->output().Until(HasSubstr("size 40x90")));
}

TEST_F(AskedTest, AnUpgradeKeepsAsking) {
  Begin({"--ask-size"});
  ASSERT_TRUE(raw_->output().Until(HasSubstr(Subscription(0, 0))));
  OutputOf({Deptyr(), "upgrade", head_->socket()});
  raw_->Send("\x1b]2811;columns=100;lines=30\x1b\\");
  EXPECT_TRUE(raw_->output().Until(HasSubstr("size 30x100")));
}

TEST_F(AskedTest, HeadThatEndsTakesItBack) {
  Begin({"--ask-size"});
  ASSERT_TRUE(raw_->output().Until(HasSubstr(Subscription(0, 0))));
  (void)head_->Stop();
  EXPECT_TRUE(raw_->output().Until(HasSubstr("\x1b]2811;?\x1b\\")));
}

TEST_F(AskedTest, WithoutTheOptionNothingIsAsked) {
  Begin({});
  raw_->Send("\x1b]2811;columns=100;lines=30\x1b\\");
  raw_->Send(".");
  ASSERT_TRUE(raw_->output().Until(HasSubstr("lines=30^[\\.")));
  EXPECT_THAT(raw_->output().text(), Not(HasSubstr(Subscription(0, 0))));
  EXPECT_THAT(raw_->output().text(), Not(HasSubstr("size 30x100")));
}

// Head's own terminal is one more viewer.
TEST(HeadsViewerTest, SeesTheScreenAsAttachDoes) {
  const TempDir folder;
  const std::string socket = folder / "head";
  const Tmux tmux(absl::StrCat("exec ", Quote(Deptyr()),
                               " head --size-policy fixed ", Quote(socket)),
                  {12, 70});
  ASSERT_TRUE(tmux.Until(HasSubstr("waits for")));
  const BodyProcess body(
      socket, {"--name", "a", "--size", "8x60", "--term", Tmux::kTerm},
      {"sh", "-c", kFull});
  ASSERT_TRUE(tmux.Until(StartsWith("line 23 ")));
  EXPECT_EQ(tmux.Screen(),
            absl::StrCat(Framed(OutputOf({Deptyr(), "snapshot", socket, "a"}),
                                60, "│", "─", "┘"),
                         "\n\n\n"));
}

TEST_F(ViewersTest, AnUpgradeKeepsWhatTheySee) {
  Begin({"--size-policy", "fixed"}, "10x60");
  const Tmux tmux(Attach(""), {20, 80});
  ASSERT_TRUE(tmux.Until(HasSubstr("line 30")));
  OutputOf({Deptyr(), "upgrade", head_->socket()});
  tmux.Type("after it\n");
  ASSERT_TRUE(tmux.Until(HasSubstr("after it")));
  EXPECT_EQ(tmux.Screen(),
            absl::StrCat(Framed(Snapshot(), 60), std::string(9, '\n')));
}

// A session's own policy outlives its head, by an upgrade or a keeper.
TEST_F(ViewersTest, AProgramMayHaveAPolicyOfItsOwn) {
  head_.emplace();
  const BodyProcess body(head_->socket(),
                         {"--name", "b", "--size", "10x60", "--size-policy",
                          "fixed", "--term", Tmux::kTerm},
                         {"sh", "-c", kFull});
  ASSERT_TRUE(head_->log().Until(HasSubstr("session=b pid=")));
  const auto status = [this] {
    return OutputOf({Deptyr(), "status", head_->socket(), "b", "--json"});
  };
  EXPECT_THAT(status(), HasSubstr("\"size_policy\": \"fixed\""));
  OutputOf({Deptyr(), "upgrade", head_->socket()});
  EXPECT_THAT(status(), HasSubstr("\"size_policy\": \"fixed\""));
  const Tmux tmux(absl::StrCat(Quote(Deptyr()), " attach -q ",
                               Quote(head_->socket()), " b"),
                  {20, 80});
  ASSERT_TRUE(tmux.Until(StartsWith("line 21 ")));
  EXPECT_THAT(status(), HasSubstr("\"rows\": 10"));
}

TEST_F(ViewersTest, PixelsReachTheProgramAndStay) {
  Begin({}, "24x80");
  const auto size = [this] {
    const Fd terminal(
        ::open(absl::StrCat("/proc/", body_->pid(), "/fd/0").c_str(),
               O_RDONLY | O_NOCTTY | O_CLOEXEC));
    return Value(GetWindowSize(terminal.get()));
  };
  const Pty pty = Value(OpenPty({30, 100, 1000, 600}));
  Program attach =
      Program::Start({Deptyr(), "attach", "-q", head_->socket(), "a"},
                     {.fds = {{pty.terminal.get(), 0},
                              {pty.terminal.get(), 1},
                              {pty.terminal.get(), 2}}});
  ASSERT_TRUE(WaitFor([&] { return size().rows == 30; }));
  EXPECT_EQ(size(), (WindowSize{30, 100, 1000, 600}));
  OutputOf({Deptyr(), "upgrade", head_->socket()});
  EXPECT_EQ(size(), (WindowSize{30, 100, 1000, 600}));
}

}  // namespace
}  // namespace deptyr
