// deptyr run: a program on a session in one command, with a head that it starts
// if there is none.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/process.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tmux.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class RunTest : public testing::Test {
 protected:
  // The heads that were started go on, because that is what they are for.
  ~RunTest() override {
    for (const pid_t head : Heads()) (void)::kill(head, SIGKILL);
    for (const pid_t head : Heads()) {
      EXPECT_TRUE(WaitFor([&] { return !Runs(head); }));
    }
  }

  ProgramOptions How() const {
    return {.env = {absl::StrCat("DEPTYR_SOCKET=", socket())}};
  }
  std::string socket() const { return folder_ / "deptyr/head.sock"; }
  // The heads that serve the socket, or are about to.
  std::vector<pid_t> Heads() const {
    std::vector<pid_t> heads;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      pid_t pid = 0;
      if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
      const std::vector<std::string> words =
          absl::StrSplit(ReadFile(entry.path() / "cmdline"), '\0');
      if (words.size() > 2 && words[1] == "head" &&
          words[words.size() - 2] == socket()) {
        heads.push_back(pid);
      }
    }
    return heads;
  }
  Program Start(const std::vector<std::string>& words,
                std::vector<std::pair<int, int>> fds = {}) const {
    std::vector<std::string> argv = {Deptyr(), "run"};
    argv.insert(argv.end(), words.begin(), words.end());
    ProgramOptions how = How();
    how.fds = std::move(fds);
    how.fds.emplace_back(null_.get(), 0);
    how.fds.emplace_back(complained_.fd(), 2);
    return Program::Start(argv, how);
  }
  // Runs to the end.
  std::optional<ExitStatus> Run(const std::vector<std::string>& words) const {
    return Start(words, {{said_.fd(), 1}}).Wait();
  }
  std::string Ask(const std::vector<std::string>& words) const {
    std::vector<std::string> argv = {Deptyr()};
    argv.insert(argv.end(), words.begin(), words.end());
    return OutputOf(argv, How());
  }

  TempDir folder_;
  Fd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  LogFile said_;
  LogFile complained_;
};

TEST_F(RunTest, TheProgramIsShownAndItsStatusIsRuns) {
  EXPECT_EQ(Run({"sh", "-c", "tty; echo here; exit 3"}), ExitStatus{.code = 3});
  EXPECT_THAT(said_.text(),
              AllOf(StartsWith("/dev/pts/"), EndsWith("\r\nhere\r\n")));
  EXPECT_EQ(complained_.text(), "[deptyr: sh ended: exit status 3]\n");
}

TEST_F(RunTest, ASignalIsToldAsByAShell) {
  EXPECT_EQ(Run({"sh", "-c", "kill -KILL $$"}), ExitStatus{.code = 137});
  EXPECT_THAT(complained_.text(), HasSubstr("signal 9"));
}

TEST_F(RunTest, HeadIsStartedInASessionOfItsOwnAndStays) {
  ASSERT_EQ(Run({"true"}), ExitStatus{}) << complained_.text();
  const std::vector<pid_t> heads = Heads();
  ASSERT_THAT(heads, testing::SizeIs(1));
  EXPECT_EQ(::getsid(heads[0]), heads[0]);
  EXPECT_TRUE(Runs(heads[0]));
  struct stat file {};
  ASSERT_EQ(::stat((folder_ / "deptyr").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0700U);
  // The next one uses it.
  EXPECT_EQ(Run({"false"}), ExitStatus{.code = 1});
  EXPECT_EQ(Heads(), heads);
  EXPECT_THAT(Ask({"ls"}), AllOf(HasSubstr("true "), HasSubstr("false ")));
}

TEST_F(RunTest, OfManyThatStartAtOnceOneStartsHead) {
  std::vector<Program> runs;
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) {
    names.push_back(absl::StrCat("n", i));
    runs.push_back(Start({"-d", "--name", names.back(), "sleep", "1000"},
                         {{said_.fd(), 1}}));
  }
  for (Program& run : runs) {
    EXPECT_EQ(run.Wait(), ExitStatus{}) << complained_.text();
  }
  EXPECT_THAT(said_.lines(), testing::UnorderedElementsAreArray(names));
  EXPECT_THAT(Heads(), testing::SizeIs(1));
}

TEST_F(RunTest, DetachedItPrintsTheNameOfAProgramThatRuns) {
  ASSERT_EQ(Run({"-d", "--size", "30x90", "cat"}), ExitStatus{})
      << complained_.text();
  EXPECT_EQ(said_.text(), "cat\n");
  EXPECT_THAT(Ask({"ls"}), AllOf(HasSubstr("running"), HasSubstr("30x90")));
  EXPECT_EQ(Ask({"send", "cat", "--enter", "hello", "--wait-for", "hello",
                 "--print"}),
            "hello\n");
}

TEST_F(RunTest, ATakenNameGetsANumberUnlessItWasSaid) {
  for (const char* name : {"sleep", "sleep-2", "sleep-3"}) {
    ASSERT_EQ(Run({"--detach", "sleep", "1000"}), ExitStatus{});
    EXPECT_EQ(said_.lines().back(), name);
  }
  EXPECT_EQ(complained_.text(), "");
  EXPECT_EQ(Run({"-d", "--name=sleep", "sleep", "1000"}),
            ExitStatus{.code = 111});
  EXPECT_THAT(complained_.lines(),
              ElementsAre(StartsWith(
                  "deptyr run: head refused: the name sleep is held by")));
}

// The program has the name in its environment, too.
TEST_F(RunTest, ANameWhoseProgramHasEndedIsFree) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(Run({"sh", "-c", "echo $DEPTYR_SESSION at $DEPTYR_SOCKET"}),
              ExitStatus{});
  }
  const std::string line = absl::StrCat("sh at ", socket(), "\r\n");
  EXPECT_EQ(said_.text(), line + line);
}

TEST_F(RunTest, ForAProgramThatIsntThereNothingIsStarted) {
  EXPECT_EQ(Run({"no-such-program"}), ExitStatus{.code = 127});
  EXPECT_EQ(Run({"/etc/passwd"}), ExitStatus{.code = 126});
  EXPECT_THAT(complained_.lines(),
              ElementsAre(HasSubstr("execute no-such-program: No such file"),
                          HasSubstr("execute /etc/passwd: Permission denied")));
  EXPECT_THAT(Heads(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "deptyr"));
}

TEST_F(RunTest, AProgramThatCantBeExecutedIsToldOnce) {
  const std::string script = folder_ / "script";
  WriteFile(script, "#!/nonexistent/interpreter\n");
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  EXPECT_EQ(Run({script}), ExitStatus{.code = 127});
  EXPECT_EQ(Run({"-d", script}), ExitStatus{.code = 127});
  EXPECT_THAT(complained_.lines(),
              ElementsAre(AllOf(StartsWith("[deptyr: script "),
                                HasSubstr(": No such file or directory")),
                          AllOf(StartsWith("deptyr run: execute "),
                                HasSubstr(": No such file or directory"))));
  EXPECT_EQ(said_.text(), "");
}

TEST_F(RunTest, TheProgramKeepsItsOptions) {
  EXPECT_EQ(Run({"--", "sh", "-c", "exit $#", "-d", "--name", "--"}),
            ExitStatus{.code = 2});
  EXPECT_EQ(Run({"sh", "-c", "exit $#", "-d", "--name", "--"}),
            ExitStatus{.code = 2});
}

TEST_F(RunTest, AHeadThatCantListenIsToldOf) {
  WriteFile(folder_ / "deptyr", "a file where the folder would be");
  EXPECT_EQ(Run({"true"}), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.lines(), ElementsAre(StartsWith("deptyr run: ")));
}

TEST_F(RunTest, AHeadThatDoesNotAnswerIsNotWaitedForForLong) {
  ASSERT_EQ(Run({"true"}), ExitStatus{});
  const pid_t head = Heads().at(0);
  ASSERT_EQ(::kill(head, SIGSTOP), 0);
  EXPECT_EQ(Run({"true"}), ExitStatus{.code = 111});
  EXPECT_THAT(complained_.lines().back(), HasSubstr("did not answer"));
  ASSERT_EQ(::kill(head, SIGCONT), 0);
}

// Nobody has to report the status: run is the program's parent.
TEST_F(RunTest, TheStatusIsKnownThoughHeadIsGone) {
  Program run = Start({"sh", "-c",
                       "trap 'exit 5' HUP; echo up; "
                       "while :; do sleep 1000 & wait; done"},
                      {{said_.fd(), 1}});
  ASSERT_TRUE(said_.Until(HasSubstr("up")));
  ASSERT_EQ(::kill(Heads().at(0), SIGKILL), 0);
  EXPECT_EQ(run.Wait(), ExitStatus{.code = 5});
}

TEST_F(RunTest, OnATerminalItIsDetachedAndTheProgramGoesOn) {
  const std::string command = absl::StrCat(
      "export DEPTYR_SOCKET=", Quote(socket()), "; ", Quote(Deptyr()),
      " run sh -c 'stty size; exec cat'; echo status $?; exec cat");
  const Tmux tmux(command, {20, 70});
  ASSERT_TRUE(tmux.Until(HasSubstr("20 70\n")));
  tmux.Type("typed\n");
  ASSERT_TRUE(tmux.Until(HasSubstr("typed\ntyped\n")));
  tmux.Press({"C-\\"});
  EXPECT_TRUE(tmux.Until(HasSubstr("[deptyr: detached from sh]\nstatus 0\n")));
  EXPECT_EQ(Ask({"ls", "--names"}), "sh\n");
  EXPECT_THAT(Ask({"ls"}), HasSubstr("running"));
}

}  // namespace
}  // namespace deptyr
