// A program's questions to its terminal are answered once, whoever answers: a
// real program asks, a real terminal watches or none, and head is replaced.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

// It writes to its terminal what comes from one file, and to another what it
// reads there.
constexpr char kAsker[] = R"(
import os, select, sys, tty
tty.setraw(0)
questions = os.open(sys.argv[1], os.O_RDWR)
read = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(1, b"ready")
while True:
    for fd in select.select([0, questions], [], [])[0]:
        data = os.read(fd, 65536)
        if fd == 0:
            os.write(read, data)
        while fd == questions and data:
            data = data[os.write(1, data):]
)";

constexpr char kCursor[] = "\x1b[6n";
constexpr char kStatus[] = "\x1b[5n";
constexpr char kAttributes[] = "\x1b[c";
constexpr char kHeadsAttributes[] = "\x1b[?62;22c";

class AnswersTest : public testing::Test {
 protected:
  AnswersTest() {
    EXPECT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
    questions_ = Fd(::open(fifo_.c_str(), O_RDWR | O_CLOEXEC));
    body_.emplace(
        head_.socket(),
        std::vector<std::string>{"--name", "a", "--term", Tmux::kTerm},
        std::vector<std::string>{"/usr/bin/python3", "-c", kAsker, fifo_,
                                 folder_ / "read"});
    EXPECT_TRUE(head_.log().Until(HasSubstr("session=a")));
    EXPECT_TRUE(TextUntil(
        [this] {
          return OutputOf({Deptyr(), "history", head_.socket(), "a"});
        },
        HasSubstr("ready")));
  }

  void Ask(const std::string& bytes) {
    ASSERT_EQ(::write(questions_.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  // Waits until what the program has read matches.
  testing::AssertionResult Reads(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return ReadFile(folder_ / "read"); }, matcher);
  }
  void Forget() { WriteFile(folder_ / "read", ""); }
  void Upgrade() { (void)OutputOf({Deptyr(), "upgrade", head_.socket()}); }
  std::string Attach() const {
    return absl::StrCat("exec ", Quote(Deptyr()), " attach ",
                        Quote(head_.socket()), " a");
  }
  // tmux answers in the order of what it gets and of the keys that it is told
  // to press, so the key is the last that the program reads.
  testing::AssertionResult ReadsWithAKey(
      const Tmux& tmux, const testing::Matcher<const std::string&>& matcher) {
    tmux.Type("x");
    const auto last = Reads(EndsWith("x"));
    return last ? Reads(matcher) : last;
  }

  TempDir folder_;
  const std::string fifo_ = folder_ / "questions";
  Fd questions_;
  HeadProcess head_;
  std::optional<BodyProcess> body_;
};

TEST_F(AnswersTest, AProgramThatNobodyWatchesIsAnswered) {
  Ask(absl::StrCat("\x1b[5;7H", kCursor, kAttributes));
  EXPECT_TRUE(Reads(absl::StrCat("\x1b[5;7R", kHeadsAttributes)));
}

TEST_F(AnswersTest, ATerminalThatWatchesAnswersAlone) {
  const Tmux tmux(Attach());
  ASSERT_TRUE(tmux.Until(HasSubstr("ready")));
  Ask(absl::StrCat(kAttributes, kCursor, kStatus));
  ASSERT_TRUE(Reads(HasSubstr("\x1b[0n")));
  EXPECT_TRUE(ReadsWithAKey(
      tmux, MatchesRegex("\x1b\\[\\?1;[0-9;]*c\x1b\\[1;[0-9]+R\x1b\\[0nx")));

  Forget();
  tmux.Press({"C-\\"});
  ASSERT_TRUE(TextUntil(
      [this] {
        return OutputOf({Deptyr(), "ls", "--json", head_.socket()});
      },
      HasSubstr("\"clients\": 0")));
  Ask(kAttributes);
  ASSERT_TRUE(Reads(HasSubstr("c")));
  (void)OutputOf({Deptyr(), "send", head_.socket(), "a", "y"});
  EXPECT_TRUE(Reads(absl::StrCat(kHeadsAttributes, "y")));
}

// The model of the screen has ever more to do before it knows the cursor, so
// head is replaced before, while and after it answers.
TEST_F(AnswersTest, OverAnUpgradeHeadAnswersOnce) {
  constexpr int kRounds = 12;
  std::string acts;
  for (int i = 0; i < kRounds; ++i) {
    Forget();
    Ask(absl::StrCat("\x1b[H", acts, kCursor));
    Upgrade();
    Ask(kStatus);
    ASSERT_TRUE(Reads(EndsWith("\x1b[0n")));
    ASSERT_TRUE(Reads("\x1b[1;1R\x1b[0n")) << i;
    for (int act = 0; act < 300; ++act) acts += "\x1b#8";
  }
}

TEST_F(AnswersTest, OverAnUpgradeATerminalThatWatchesAnswersOnce) {
  constexpr int kRounds = 8;
  const Tmux tmux(Attach());
  ASSERT_TRUE(tmux.Until(HasSubstr("ready")));
  for (int i = 0; i < kRounds; ++i) {
    Forget();
    Ask(kAttributes);
    Upgrade();
    ASSERT_TRUE(Reads(HasSubstr("c")));
    ASSERT_TRUE(ReadsWithAKey(tmux, MatchesRegex("\x1b\\[\\?1;[0-9;]*cx")))
        << i;
  }
}

}  // namespace
}  // namespace deptyr
