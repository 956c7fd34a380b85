// deptyr filter and deptyr exec: a command that runs for as long as it is
// looked at.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uid_t kOwner = 12345;
constexpr gid_t kGroup = 23456;
constexpr uid_t kStranger = 12346;

class OneShotTest : public testing::Test {
 protected:
  // Runs it with this input, to the end; `words` begin with the subcommand.
  std::optional<ExitStatus> Run(const std::vector<std::string>& words,
                                absl::string_view input = "",
                                ProgramOptions how = {}) {
    WriteFile(folder_ / "input", input);
    const Fd in(::open((folder_ / "input").c_str(), O_RDONLY | O_CLOEXEC));
    said_.emplace();
    complained_.emplace();
    how.fds = {{in.get(), 0}, {said_->fd(), 1}, {complained_->fd(), 2}};
    return Start(words, std::move(how)).Wait();
  }
  static Program Start(const std::vector<std::string>& words,
                       ProgramOptions how) {
    std::vector<std::string> argv = {Deptyr()};
    argv.insert(argv.end(), words.begin(), words.end());
    return Program::Start(argv, how);
  }

  std::string said() const { return said_->text(); }
  std::string complained() const { return complained_->text(); }

  TempDir folder_;
  std::optional<LogFile> said_;
  std::optional<LogFile> complained_;
};

// --- filter

class FilterTest : public OneShotTest {};

TEST_F(FilterTest, ACommandHasATerminalAndItsBytesAreUnchanged) {
  EXPECT_EQ(Run({"filter", "sh", "-c",
                 "test -t 0 && test -t 1 && printf 'a\\nb\\r\\n'; stty size; "
                 "echo wrong >&2; exit 4"}),
            ExitStatus{.code = 4});
  EXPECT_EQ(said(), "a\nb\r\n24 80\n");
  EXPECT_EQ(complained(), "wrong\n");
}

TEST_F(FilterTest, AnyInputArrivesAsItIs) {
  std::string input;
  for (int i = 0; i < 256; ++i) {
    input += std::string(40, static_cast<char>(i));
    input.push_back(static_cast<char>(255 - i));
  }
  input += std::string(100'000, 'x');  // a line that no terminal takes at once
  input += "\n\n\x04\n";
  input += std::string(4000, 'y');
  for (const std::string& all : {input, input + "\n", input + "\n\x04"}) {
    EXPECT_EQ(Run({"filter", "cat"}, all), ExitStatus{}) << complained();
    EXPECT_TRUE(said() == all) << said().size() << " bytes of " << all.size();
  }
}

TEST_F(FilterTest, AnEndOfInputIsAnEndForAllThatRead) {
  EXPECT_EQ(Run({"filter", "sh", "-c", "cat; cat; read -r line; cat; echo end"},
                "input\n"),
            ExitStatus{});
  EXPECT_EQ(said(), "input\nend\n");
}

TEST_F(FilterTest, WithOutputOnlyTheInputIsLeftAlone) {
  const Pipe in;
  said_.emplace();
  Program filter = Start({"filter", "--output-only", "--", "grep", "a"},
                         {.fds = {{in.read_end.get(), 0}, {said_->fd(), 1}}});
  // Into a file, it would print nothing yet.
  ASSERT_EQ(::write(in.write_end.get(), "b\na\n", 4), 4);
  EXPECT_TRUE(said_->Until("a\n"));
  EXPECT_FALSE(filter.HasEnded());
  filter.Signal(SIGTERM);
  EXPECT_EQ(filter.Wait(), ExitStatus{.code = 128 + SIGTERM});

  EXPECT_EQ(Run({"filter", "--output-only", "sh", "-c",
                 "test ! -t 0 && test -t 1 && cat"},
                "\x04 untouched"),
            ExitStatus{});
  EXPECT_EQ(said(), "\x04 untouched");
}

TEST_F(FilterTest, ACommandWhoseReaderLeavesIsHungUp) {
  std::optional<Pipe> out(std::in_place);
  const Pipe in;
  Program filter =
      Start({"filter", "yes"},
            {.fds = {{in.read_end.get(), 0}, {out->write_end.get(), 1}}});
  OutputReader reader(out->read_end.get());
  ASSERT_TRUE(reader.Until(StartsWith("y\n")));
  out.reset();
  EXPECT_EQ(filter.Wait(), ExitStatus{.code = 128 + SIGHUP});
}

TEST_F(FilterTest, WhatACommandLeavesBehindIsHungUpAndNotWaitedFor) {
  EXPECT_EQ(Run({"filter", "sh", "-c", "sleep 1000 & echo $!; exit 3"}),
            ExitStatus{.code = 3});
  pid_t left = 0;
  ASSERT_TRUE(absl::SimpleAtoi(said(), &left));
  EXPECT_TRUE(WaitFor([left] { return !Runs(left); }));
}

TEST_F(FilterTest, ACommandThatIsntThereIsToldOf) {
  EXPECT_EQ(Run({"filter", "no-such-command"}), ExitStatus{.code = 127});
  EXPECT_EQ(complained(),
            "deptyr filter: execute no-such-command: No such file or "
            "directory\n");
  EXPECT_EQ(Run({"filter", "/etc/passwd"}), ExitStatus{.code = 126});
}

TEST_F(FilterTest, ACommandThatASignalEndedIsToldAsByAShell) {
  EXPECT_EQ(Run({"filter", "sh", "-c", "kill -KILL $$"}),
            ExitStatus{.code = 128 + SIGKILL});
}

TEST_F(FilterTest, OnATerminalItIsTransparent) {
  const Tmux tmux(
      absl::StrCat("tty; ", Quote(Deptyr()),
                   " filter sh -c 'tty; stty size; trap \"echo int\" "
                   "INT; cat; exit 5'; echo status $?; stty -a; "
                   "exec cat"),
      {20, 70});
  ASSERT_TRUE(tmux.Until(HasSubstr("20 70\n")));
  const std::vector<std::string> lines = absl::StrSplit(tmux.Screen(), '\n');
  EXPECT_THAT(lines[1], AllOf(StartsWith("/dev/pts/"), Not(lines[0])));
  tmux.Type("typed\n");
  ASSERT_TRUE(tmux.Until(HasSubstr("typed\ntyped\n")));
  tmux.Press({"C-c"});
  EXPECT_TRUE(tmux.Until(AllOf(HasSubstr("int\nstatus 5\n"),
                               HasSubstr(" icanon"), HasSubstr(" echo "))));
}

// --- exec

class ExecTest : public OneShotTest {
 protected:
  BodyProcess StartBody(const std::vector<std::string>& program,
                        ProgramOptions how = {}) {
    BodyProcess body(head_.socket(), {"--name", "a", "--log", "none"}, program,
                     std::move(how));
    EXPECT_TRUE(body.WaitExecuted()) << body.said().text();
    return body;
  }
  // Waits until the program of the session has written this.
  testing::AssertionResult Writes(const std::string& text) const {
    return WaitFor([&] {
      return absl::StrContains(
          OutputOf({Deptyr(), "history", head_.socket(), "a"}), text);
    })
               ? testing::AssertionSuccess()
               : testing::AssertionFailure() << "never wrote " << text;
  }
  std::optional<ExitStatus> Exec(const std::vector<std::string>& command,
                                 absl::string_view input = "",
                                 ProgramOptions how = {}) {
    std::vector<std::string> words = {"exec", head_.socket(), "a", "--"};
    words.insert(words.end(), command.begin(), command.end());
    return Run(words, input, std::move(how));
  }

  HeadProcess head_{{"--mode", "0666", "--allow", "any=see"}};
};

TEST_F(ExecTest, ACommandHasTheProgramsPlaceOurPipesAndReturnsItsStatus) {
  const BodyProcess body =
      StartBody({"sh", "-c",
                 absl::StrCat("cd ", folder_.path(),
                              " && echo there && exec sleep 1000")},
                {.env = {"PLACE=here"}});
  ASSERT_TRUE(Writes("there"));
  EXPECT_EQ(Exec({"sh", "-c",
                  "pwd; echo $PLACE ${DEPTYR_SESSION-none}; cat; "
                  "test -t 0 || exit 7"},
                 "input"),
            ExitStatus{.code = 7})
      << complained();
  EXPECT_EQ(said(), absl::StrCat(folder_.path(), "\nhere none\ninput"));
}

TEST_F(ExecTest, WhatCannotBeDoneIsToldInOneLine) {
  EXPECT_EQ(Exec({"true"}), ExitStatus{.code = 111});
  EXPECT_THAT(complained(), HasSubstr("there is no session a"));
  BodyProcess body = StartBody({"sleep", "1000"});
  EXPECT_EQ(Exec({"no-such-command"}), ExitStatus{.code = 127});
  EXPECT_EQ(complained(),
            "deptyr exec: execute no-such-command: No such file or "
            "directory\n");
  body.program().Signal(SIGKILL);
  (void)body.Wait();
  EXPECT_EQ(Exec({"true"}), ExitStatus{.code = 111});
  EXPECT_THAT(complained(), StartsWith("deptyr exec: a runs no program now; "));
}

TEST_F(ExecTest, SignalsReachTheCommand) {
  const BodyProcess body = StartBody({"sleep", "1000"});
  const Pipe in;
  said_.emplace();
  Program exec = Start({"exec", head_.socket(), "a", "--", "sh", "-c",
                        "trap 'echo term; exit 9' TERM; echo up; read -r line"},
                       {.fds = {{in.read_end.get(), 0}, {said_->fd(), 1}}});
  ASSERT_TRUE(said_->Until("up\n"));
  exec.Signal(SIGTERM);
  EXPECT_EQ(exec.Wait(), ExitStatus{.code = 9});
  EXPECT_EQ(said(), "up\nterm\n");
  EXPECT_TRUE(Runs(body.pid()));
}

TEST_F(ExecTest, OnATerminalItHasOneOfItsOwn) {
  const BodyProcess body = StartBody({"sleep", "1000"});
  const Tmux tmux(
      absl::StrCat("tty; ", Quote({Deptyr(), "exec", head_.socket(), "a"}),
                   " sh -c 'tty; stty size; echo $TERM; trap \"stty size\" "
                   "WINCH; while :; do sleep 1000 & wait; done'; "
                   "echo status $?; exec cat"),
      {20, 70});
  ASSERT_TRUE(tmux.Until(HasSubstr(Tmux::kTerm)));
  EXPECT_THAT(tmux.Screen(), HasSubstr("\n20 70\n"));
  const std::vector<std::string> lines = absl::StrSplit(tmux.Screen(), '\n');
  EXPECT_THAT(lines[1], AllOf(StartsWith("/dev/pts/"), Not(lines[0])));
  tmux.Resize({25, 71});
  ASSERT_TRUE(tmux.Until(HasSubstr("\n25 71\n")));
  tmux.Press({"C-c"});
  EXPECT_TRUE(tmux.Until(HasSubstr("status 130\n")));
}

// As `docker exec`, for those who have no right to the namespaces.
TEST_F(ExecTest, ThroughARouterTheOutsideComesIn) {
  const BodyProcess body =
      StartBody({"sleep", "1000"}, {.env = {"PLACE=here"}});
  const std::string raw = folder_ / "raw";
  Program router = Start(
      {"router", "--raw", raw, "--", Deptyr(), "exec", head_.socket(), "a",
       "--", "sh", "-c", "tty > /dev/null && echo $PLACE; read -r l; exit"},
      {});
  Connection client = Connection::To(raw);
  EXPECT_TRUE(client.output().Until(HasSubstr("here\r\n")));
  client.Send("\r");
  EXPECT_TRUE(client.output().UntilEnd());
}

// --- beside the program of another user, or in namespaces of its own

class ExecBesideOthersTest : public ExecTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become others";
    for (const std::string& folder :
         {folder_.path(),
          std::filesystem::path(head_.socket()).parent_path().string()}) {
      ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
    }
    // Others may not see the build tree.
    std::filesystem::copy_file(Deptyr(), folder_ / "deptyr");
  }
  std::string Line(const std::string& file, const std::string& label) {
    for (const absl::string_view line : absl::StrSplit(file, '\n')) {
      if (absl::StartsWith(line, label)) return std::string(line);
    }
    return "";
  }
};

TEST_F(ExecBesideOthersTest, RootsCommandIsOneOfTheProgramsUser) {
  const BodyProcess body =
      StartBody({"sleep", "1000"}, {.prepare = Become<kOwner, kGroup>});
  EXPECT_EQ(Exec({"id"}), ExitStatus{}) << complained();
  EXPECT_EQ(said(), "uid=12345 gid=12345 groups=12345,23456\n");
}

// It can't do what the program can't.
TEST_F(ExecBesideOthersTest, RootsCommandHasTheProgramsLimits) {
  const BodyProcess body =
      StartBody({"setpriv", "--bounding-set=-sys_admin,-sys_ptrace",
                 "--no-new-privs", "sleep", "1000"});
  ASSERT_TRUE(
      WaitFor([&] { return StatusFieldOf(body.pid(), "NoNewPrivs:") == "1"; }));
  EXPECT_EQ(Exec({"cat", "/proc/self/status"}), ExitStatus{}) << complained();
  const std::string own =
      ReadFile(absl::StrCat("/proc/", body.pid(), "/status"));
  for (const char* label : {"CapBnd:", "CapEff:", "CapPrm:", "NoNewPrivs:"}) {
    EXPECT_EQ(Line(said(), label), Line(own, label));
  }
}

TEST_F(ExecBesideOthersTest, AUserMayBesideTheirOwnProgramsOnly) {
  const BodyProcess body =
      StartBody({"sleep", "1000"}, {.prepare = Become<kOwner>});
  const auto as = [&](void (*become)()) {
    return Exec({"id", "-u"}, "", {.prepare = become});
  };
  EXPECT_EQ(as(Become<kOwner>), ExitStatus{}) << complained();
  EXPECT_EQ(said(), "12345\n");
  EXPECT_EQ(as(Become<kStranger>), ExitStatus{.code = 111});
  EXPECT_EQ(said(), "");
  EXPECT_THAT(complained(),
              AllOf(HasSubstr("Permission denied; only its own user and root"),
                    EndsWith("ptrace(2)\n")));
}

TEST_F(ExecBesideOthersTest, TheCommandIsInTheProgramsNamespaces) {
  Program container = Program::Start({"unshare",
                                      "--mount",
                                      "--uts",
                                      "--ipc",
                                      "--net",
                                      "--pid",
                                      "--fork",
                                      "--kill-child",
                                      "--mount-proc",
                                      "sh",
                                      "-c",
                                      "hostname inside; exec \"$@\"",
                                      "sh",
                                      Deptyr(),
                                      "body",
                                      "--name",
                                      "a",
                                      "--log",
                                      "none",
                                      head_.socket(),
                                      "--",
                                      "sleep",
                                      "1000"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=a pid=")));
  EXPECT_EQ(Exec({"sh", "-c",
                  "hostname; cat /proc/1/comm; cd /proc/self/ns; "
                  "for n in mnt uts ipc net pid; do "
                  "test $n -ef /proc/1/ns/$n || echo another $n; done; "
                  "exit 6"}),
            ExitStatus{.code = 6})
      << complained();
  EXPECT_EQ(said(), "inside\nsleep\n");
}

// It may be root's there, too, and executed again: #!/proc/self/exe.
TEST_F(ExecBesideOthersTest, TheProgramThatRootRunsOutsideIsNotSeenInside) {
  const BodyProcess body = StartBody({"unshare", "--mount", "sleep", "1000"});
  ASSERT_TRUE(WaitFor([&] {
    return std::filesystem::read_symlink(
               absl::StrCat("/proc/", body.pid(), "/exe"))
               .filename() == "sleep";
  }));
  EXPECT_EQ(Exec({"sh", "-c", "readlink /proc/$PPID/exe"}), ExitStatus{})
      << complained();
  EXPECT_EQ(said(), "/memfd:deptyr (deleted)\n");
}

TEST_F(ExecBesideOthersTest, ARootDirectoryOfItsOwnIsTheCommandsToo) {
  const std::string root = folder_ / "root";
  std::filesystem::create_directories(root + "/bin");
  std::filesystem::copy_file("/bin/busybox", root + "/bin/busybox");
  const BodyProcess body =
      StartBody({"chroot", root, "/bin/busybox", "sleep", "1000"});
  ASSERT_TRUE(WaitFor([&] {
    return std::filesystem::read_symlink(
               absl::StrCat("/proc/", body.pid(), "/root")) == root;
  }));
  EXPECT_EQ(Exec({"/bin/busybox", "ls", "/"}), ExitStatus{}) << complained();
  EXPECT_EQ(said(), "bin\n");
}

// Root of a user's own container; the groups of whoever comes in stay outside.
TEST_F(ExecBesideOthersTest, InAUserNamespaceTheCommandIsRootThereAndNoMore) {
  if (Program::Start({"unshare", "--map-root-user", "true"},
                     {.prepare = Become<kOwner>})
          .Wait() != ExitStatus{}) {
    GTEST_SKIP() << "no user namespaces here";
  }
  const BodyProcess body =
      StartBody({"unshare", "--map-root-user", "--mount", "sleep", "1000"},
                {.prepare = Become<kOwner>});
  ASSERT_TRUE(WaitFor([&] {
    return absl::StrContains(
        ReadFile(absl::StrCat("/proc/", body.pid(), "/uid_map")), "12345");
  }));
  const std::vector<std::string> command = {
      "sh", "-c", "id -u; awk '{print $2}' /proc/self/uid_map; id -G"};
  for (void (*become)() : {+[] {}, +Become<kOwner>}) {
    EXPECT_EQ(Exec(command, "", {.prepare = become}), ExitStatus{})
        << complained();
    EXPECT_EQ(said(),
              become == +Become<kOwner> ? "0\n12345\n0\n" : "0\n12345\n0\n");
  }
}

}  // namespace
}  // namespace deptyr
