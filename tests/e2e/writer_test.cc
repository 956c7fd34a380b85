// One client types while the others watch: who has the keys, and how they move.

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/deptyr.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr uid_t kFriend = 12345;
// Says what it has read.
constexpr char kEcho[] =
    "stty -echo; echo ready; while read x; do echo \"got $x.\"; done";

class WriterTest : public testing::Test {
 protected:
  void Begin(const std::vector<std::string>& options = {}) {
    head_.emplace(options);
    body_.emplace(head_->socket(), std::vector<std::string>{"--name", "a"},
                  std::vector<std::string>{"sh", "-c", kEcho});
    ASSERT_TRUE(head_->log().Until(HasSubstr("session=a pid=")));
    ASSERT_TRUE(TextUntil([this] { return Screen(); }, HasSubstr("ready")));
  }
  std::string Screen() const {
    return OutputOf({Deptyr(), "snapshot", head_->socket(), "a"});
  }
  std::string Attach(const std::string& options = "") const {
    return absl::StrCat(Quote(Deptyr()), " attach ", options, " ",
                        Quote(head_->socket()), " a; exec cat");
  }
  std::string Writer(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words = {Deptyr(), "writer", head_->socket(), "a"};
    words.insert(words.end(), options.begin(), options.end());
    return OutputOf(words);
  }
  struct Said {
    std::optional<ExitStatus> status;
    std::string err;
  };
  Said Try(const std::vector<std::string>& words) const {
    const LogFile err;
    std::vector<std::string> all = {Deptyr()};
    all.insert(all.end(), words.begin(), words.end());
    Program program = Program::Start(all, {.fds = {{err.fd(), 2}}});
    const auto status = program.Wait();
    return {status, err.text()};
  }
  testing::AssertionResult WriterUntil(
      const testing::Matcher<const std::string&>& matcher) const {
    return TextUntil([this] { return Writer(); }, matcher);
  }

  std::optional<HeadProcess> head_;
  std::optional<BodyProcess> body_;
};

TEST_F(WriterTest, AnExclusiveClientTypesAlone) {
  Begin();
  const Tmux watcher(Attach());
  ASSERT_TRUE(watcher.Until(HasSubstr("ready")));
  const Tmux writer(Attach("--exclusive"));
  ASSERT_TRUE(writer.Until(HasSubstr("only you type into a")));
  ASSERT_TRUE(watcher.Until(HasSubstr("client 2 of uid 0 has the keys of a")));
  watcher.Type("watcher\n");
  writer.Type("writer\n");
  ASSERT_TRUE(watcher.Until(HasSubstr("got writer.")));
  EXPECT_THAT(Screen(), Not(HasSubstr("watcher")));
  EXPECT_THAT(Writer(), HasSubstr("only client 2"));
  EXPECT_THAT(Writer({"--json"}), HasSubstr("\"client\":2,\"uid\":0"));
  // Until it leaves.
  writer.Press({"C-\\"});
  ASSERT_TRUE(watcher.Until(HasSubstr("nobody has the keys of a")));
  watcher.Type("later\n");
  EXPECT_TRUE(watcher.Until(HasSubstr("got later.")));
}

TEST_F(WriterTest, TheKeyTakesThemAndTheyGoBack) {
  Begin();
  const Tmux first(Attach("--exclusive"));
  ASSERT_TRUE(first.Until(HasSubstr("only you")));
  const Tmux second(Attach());
  ASSERT_TRUE(second.Until(HasSubstr("; ^T asks for them")));
  second.Press({"C-t"});
  ASSERT_TRUE(second.Until(HasSubstr("only you type into a")));
  ASSERT_TRUE(first.Until(HasSubstr("client 2 of uid 0 has the keys")));
  second.Type("two\n");
  ASSERT_TRUE(second.Until(HasSubstr("got two.")));
  second.Press({"C-\\"});
  ASSERT_TRUE(WriterUntil(HasSubstr("only client 1")));
  first.Type("one\n");
  EXPECT_TRUE(first.Until(HasSubstr("got one.")));
}

TEST_F(WriterTest, UnderOneWhoeverTypesFirstHasThem) {
  Begin({"--writers", "one"});
  const Tmux first(Attach());
  const Tmux second(Attach());
  ASSERT_TRUE(first.Until(HasSubstr("ready")));
  ASSERT_TRUE(second.Until(HasSubstr("ready")));
  EXPECT_THAT(Writer(), HasSubstr("whoever types first"));
  second.Type("two\n");
  ASSERT_TRUE(first.Until(AllOf(HasSubstr("got two."), HasSubstr("^T asks"))));
  first.Type("one\n");
  second.Type("two again\n");
  ASSERT_TRUE(first.Until(HasSubstr("got two again.")));
  EXPECT_THAT(Screen(), Not(HasSubstr("got one.")));
  // All may type again if the session has another policy.
  Writer({"--writers", "all", "--release"});
  first.Type("one\n");
  EXPECT_TRUE(first.Until(HasSubstr("got one.")));
}

TEST_F(WriterTest, AScriptIsToldOrTakesThem) {
  Begin();
  const Tmux writer(Attach("--exclusive"));
  ASSERT_TRUE(writer.Until(HasSubstr("only you")));
  const Said said = Try({"send", head_->socket(), "a", "plain\\n"});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("client 1 has the keys of a; --exclusive"));
  EXPECT_THAT(OutputOf({Deptyr(), "send", "--exclusive", head_->socket(), "a",
                        "script\\n", "--wait-for", "got", "--print"}),
              "got script.\n");
  EXPECT_THAT(Screen(), Not(HasSubstr("plain")));
  EXPECT_TRUE(WriterUntil(HasSubstr("only client 1")));
  OutputOf({Deptyr(), "stop", head_->socket(), "a", "--keys", "C-d"});
  EXPECT_EQ(body_->Wait(), ExitStatus{});
}

// They move together with the clients.
TEST_F(WriterTest, AnUpgradeLeavesThemWhereTheyAre) {
  Begin({"--writers", "one"});
  const Tmux before(Attach("--exclusive"));
  ASSERT_TRUE(before.Until(HasSubstr("only you")));
  const Tmux now(Attach("--exclusive"));
  ASSERT_TRUE(now.Until(HasSubstr("only you")));
  OutputOf({Deptyr(), "upgrade", head_->socket()});
  EXPECT_THAT(Writer(), HasSubstr("only client 2"));
  before.Type("before\n");
  now.Type("now\n");
  ASSERT_TRUE(now.Until(HasSubstr("got now.")));
  EXPECT_THAT(Screen(), Not(HasSubstr("got before")));
  now.KillWindow();
  EXPECT_TRUE(WriterUntil(HasSubstr("only client 1")));
}

TEST_F(WriterTest, SomebodyWithoutTheRightAsks) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
  Begin({"--mode", "0666", "--allow", absl::StrCat("uid:", kFriend, "=type")});
  // Others may reach what is there.
  const TempDir folder;
  fs::permissions(folder.path(), fs::perms(0755));
  fs::copy(Deptyr(), folder / "deptyr");
  fs::permissions(fs::path(head_->socket()).parent_path(), fs::perms(0755));
  const Tmux writer(Attach("--exclusive"));
  ASSERT_TRUE(writer.Until(HasSubstr("only you")));
  const std::string as_friend =
      absl::StrCat("exec setpriv --reuid ", kFriend, " --regid ", kFriend,
                   " --clear-groups ", Quote(folder / "deptyr"), " ");
  const std::string where = absl::StrCat(" ", Quote(head_->socket()), " a");
  const Tmux asker(absl::StrCat("cd /; ", as_friend, "attach", where));
  ASSERT_TRUE(asker.Until(HasSubstr("^T asks for them")));
  const Tmux refused(absl::StrCat("cd /; (", as_friend, "attach --exclusive",
                                  where, "); exec cat"));
  EXPECT_TRUE(refused.Until(HasSubstr("may not take them")));
  const Tmux policy(absl::StrCat("cd /; (", as_friend, "writer --release",
                                 where, "); exec cat"));
  EXPECT_TRUE(policy.Until(HasSubstr("may not take them")));
  EXPECT_THAT(Writer(), HasSubstr("only client 1"));
  asker.Press({"C-t"});
  ASSERT_TRUE(asker.Until(HasSubstr("asked for the keys")));
  ASSERT_TRUE(writer.Until(HasSubstr("asks for the keys of a; ^T gives them")));
  EXPECT_THAT(Writer(), HasSubstr("asks for the keys"));
  writer.Press({"C-t"});
  ASSERT_TRUE(asker.Until(HasSubstr("only you type")));
  asker.Type("friend\n");
  EXPECT_TRUE(writer.Until(HasSubstr("got friend.")));
}

TEST_F(WriterTest, HeadsOwnTerminalHasAKeyForIt) {
  TempDir folder;
  const std::string socket = folder / "head";
  const Tmux head(absl::StrCat(Quote(Deptyr()), " head ", Quote(socket)));
  ASSERT_TRUE(head.Until(HasSubstr("waits for its first program")));
  const BodyProcess body(socket, {"--name", "a"}, {"sh", "-c", kEcho});
  ASSERT_TRUE(head.Until(HasSubstr("ready")));
  const Tmux other(
      absl::StrCat(Quote(Deptyr()), " attach ", Quote(socket), " a; exec cat"));
  ASSERT_TRUE(other.Until(HasSubstr("ready")));
  head.Press({"C-\\", "w"});
  ASSERT_TRUE(other.Until(HasSubstr("has the keys of a")));
  other.Type("other\n");
  head.Type("head\n");
  ASSERT_TRUE(other.Until(HasSubstr("got head.")));
  EXPECT_THAT(other.Screen(), Not(HasSubstr("other")));
  head.Press({"C-\\", "w"});
  ASSERT_TRUE(other.Until(HasSubstr("nobody has the keys")));
  other.Type("other\n");
  EXPECT_TRUE(head.Until(HasSubstr("got other.")));
}

}  // namespace
}  // namespace deptyr
