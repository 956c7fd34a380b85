// Starts body in every way a supervisor or a person starts a program, and looks
// at what the program then has, and at the messages if it can't have that.

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/deptyr.h"
#include "tests/support/kernel.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

// Reads what tests/e2e/actor.cc writes in its role of `report`.
class Report {
 public:
  explicit Report(const std::string& path) {
    const bool there = WaitFor([&] {
      text_ = ReadFile(path);
      return !text_.empty();
    });
    EXPECT_TRUE(there) << path;
    lines_ = absl::StrSplit(text_, '\n', absl::SkipEmpty());
  }

  // The rest of the line that begins with `key`.
  std::string operator[](absl::string_view key) const {
    for (const std::string& line : lines_) {
      if (absl::StartsWith(line, absl::StrCat(key, " "))) {
        return line.substr(key.size() + 1);
      }
    }
    return absl::StrCat("no ", key);
  }
  std::string Env(absl::string_view name) const {
    for (const std::string& line : lines_) {
      if (absl::StartsWith(line, absl::StrCat("env ", name, "="))) {
        return line.substr(name.size() + 5);
      }
    }
    return "unset";
  }
  // Everything that has to be as the supervisor gave it.
  std::vector<std::string> AsFound() const {
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      const std::string& key = words[0];
      if (key == "fd" && words[1].size() == 1 && words[1] <= "2") continue;
      const std::string name =
          words.size() > 1 ? words[1].substr(0, words[1].find('=')) : "";
      if (key == "env" &&
          (name == "TERM" || name == "LINES" || name == "COLUMNS" ||
           name == "DEPTYR_SESSION" || name == "DEPTYR_SOCKET")) {
        continue;
      }
      for (const char* const wanted :
           {"fd", "env", "umask", "folder", "nice", "nofile", "blocked",
            "ignored", "pending", "parent", "dumpable"}) {
        if (key == wanted) found.push_back(line);
      }
    }
    return found;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> lines_;
};

// The PTY's client end has to be on 0, 1 and 2, controlling, and in the
// foreground.
void ExpectTerminal(const Report& report, pid_t pid) {
  EXPECT_EQ(report["pid"], absl::StrCat(pid));
  for (const char* const key :
       {"session", "group", "foreground", "terminal-session"}) {
    EXPECT_EQ(report[key], absl::StrCat(pid)) << key << "\n" << report.text();
  }
  EXPECT_EQ(report["dev-tty"], "works");
  for (const char* const key : {"fd 0", "fd 1", "fd 2"}) {
    EXPECT_THAT(report[key], testing::EndsWith(" rw tty")) << report.text();
    EXPECT_EQ(report[key], report["fd 0"]);
  }
}

class BodyTest : public testing::Test {
 protected:
  BodyProcess Body(const std::vector<std::string>& options,
                   const std::vector<std::string>& program,
                   ProgramOptions how = {}) {
    return BodyProcess(head_.socket(), options, program, std::move(how));
  }
  std::string ReportPath() { return folder_ / "report"; }
  std::vector<std::string> Reporter() {
    return {Actor(), "report", ReportPath()};
  }

  TempDir folder_;
  HeadProcess head_;
};

// --- how it is started -------------------------------------------------------

TEST_F(BodyTest, APlainChildBecomesTheTerminalsLeader) {
  BodyProcess body = Body({}, Reporter());
  const Report report(ReportPath());
  ExpectTerminal(report, body.pid());
  EXPECT_EQ(report["parent"], absl::StrCat(::getpid()));
  EXPECT_EQ(ExeOf(body.pid()), Actor());
}

TEST_F(BodyTest, ASessionLeaderBecomesTheTerminalsLeader) {
  BodyProcess body =
      Body({}, Reporter(), {.prepare = [] { (void)::setsid(); }});
  ExpectTerminal(Report(ReportPath()), body.pid());
}

TEST_F(BodyTest, AProcessGroupLeaderBecomesTheTerminalsLeader) {
  BodyProcess body =
      Body({}, Reporter(), {.prepare = [] { (void)::setpgid(0, 0); }});
  ExpectTerminal(Report(ReportPath()), body.pid());
}

// Its parent's group is in another session, so it can't join that.
TEST_F(BodyTest, AnOrphanedProcessGroupLeaderBecomesTheTerminalsLeader) {
  Program parent = Program::Fork([&] {
    (void)::setsid();
    const pid_t parent_pid = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      (void)::setpgid(0, 0);
      (void)WaitFor([&] { return ::getppid() != parent_pid; });
      const std::vector<std::string> words = {
          Deptyr(), "body",   head_.socket(), "--",
          Actor(),  "report", ReportPath()};
      std::vector<char*> argv;
      for (const std::string& word : words) {
        argv.push_back(const_cast<char*>(word.c_str()));
      }
      argv.push_back(nullptr);
      (void)::execv(argv[0], argv.data());
      ::_exit(1);
    }
    return 0;
  });
  EXPECT_EQ(parent.Wait(), ExitStatus{});
  const Report report(ReportPath());
  const pid_t pid = std::atoi(report["pid"].c_str());
  ExpectTerminal(report, pid);
  EXPECT_EQ(head_.Stop(), ExitStatus{});
}

TEST_F(BodyTest, ASessionLeaderWithATerminalGivesThatUp) {
  const Pty outer = Value(OpenPty({}));
  BodyProcess body =
      Body({}, Reporter(), {.fds = {{outer.terminal.get(), 0}}, .prepare = [] {
                              (void)::setsid();
                              (void)::ioctl(0, TIOCSCTTY, 0);
                            }});
  const Report report(ReportPath());
  ExpectTerminal(report, body.pid());
  // Nor is it hung up with it.
  EXPECT_THAT(report["ignored"], Not(HasSubstr("1 ")));
  EXPECT_EQ(::tcgetsid(outer.controller.get()), -1);
}

TEST_F(BodyTest, AnInteractiveShellsJobBecomesTheTerminalsLeader) {
  const Pty outer = Value(OpenPty({}));
  Program shell = Program::Start({"bash", "--norc", "--noprofile", "-i"},
                                 {.fds = {{outer.terminal.get(), 0},
                                          {outer.terminal.get(), 1},
                                          {outer.terminal.get(), 2}},
                                  .env = {"PS1=prompt> "},
                                  .prepare = [] {
                                    (void)::setsid();
                                    (void)::ioctl(0, TIOCSCTTY, 0);
                                  }});
  OutputReader screen(outer.controller.get());
  ASSERT_TRUE(screen.Until(HasSubstr("prompt>")));
  const auto type = [&](const std::string& line) {
    screen.Forget();
    (void)!::write(outer.controller.get(), line.data(), line.size());
  };
  type(absl::StrCat(Quote({Deptyr(), "body", head_.socket(), "--", Actor(),
                           "report", ReportPath()}),
                    " & echo job=$!.\n"));
  ASSERT_TRUE(screen.Until(testing::ContainsRegex("job=[0-9]+\\.")));
  const Report report(ReportPath());
  const size_t job = screen.text().rfind("job=");
  const pid_t pid = std::atoi(screen.text().c_str() + job + 4);
  ExpectTerminal(report, pid);
  EXPECT_EQ(report["parent"], absl::StrCat(shell.pid()));
  // The shell still has its own terminal, and its job.
  type("kill -TERM %1; wait %1; echo status=$?.\n");
  EXPECT_TRUE(screen.Until(HasSubstr("status=143.")));
}

// --- what it leaves as it is -------------------------------------------------

// Compares a program that is started directly with one that body starts.
class BodyAsFoundTest : public BodyTest {
 protected:
  void ExpectAsFound(const ProgramOptions& how,
                     const std::vector<std::string>& among = {},
                     const std::vector<std::string>& options = {}) {
    const std::string direct_path = folder_ / "direct";
    ProgramOptions direct_how = how;
    direct_how.fds.emplace_back(null_.get(), 0);
    Program direct =
        Program::Start({Actor(), "report", direct_path}, direct_how);
    const Report direct_report(direct_path);
    BodyProcess body = Body(options, Reporter(), direct_how);
    const Report report(ReportPath());
    ExpectTerminal(report, body.pid());
    EXPECT_EQ(report.AsFound(), direct_report.AsFound());
    EXPECT_THAT(report.AsFound(), IsSupersetOf(among));
  }
  const Fd null_{::open("/dev/null", O_RDWR | O_CLOEXEC)};
};

TEST_F(BodyAsFoundTest, NothingElseIsChanged) {
  ExpectAsFound({});
}

TEST_F(BodyAsFoundTest, InheritedDescriptorsStay) {
  const Pipe pipe;
  ExpectAsFound({.fds = {{pipe.read_end.get(), 3},
                         {pipe.write_end.get(), 4},
                         {null_.get(), 7},
                         {null_.get(), 300}}});
}

TEST_F(BodyAsFoundTest, BlockedAndIgnoredSignalsStay) {
  ExpectAsFound(
      {.prepare =
           [] {
             for (const int signal : {SIGPIPE, SIGHUP, SIGCHLD, SIGALRM}) {
               (void)::signal(signal, SIG_IGN);
             }
             sigset_t set;
             ::sigemptyset(&set);
             for (const int signal :
                  {SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGWINCH}) {
               ::sigaddset(&set, signal);
             }
             (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
           }},
      {"ignored 1 13 14 17", "blocked 1 10 15 17 28"});
}

// A shell starts a job in the background like this.
void IgnoreWhatATerminalSends() {
  for (const int signal :
       {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU}) {
    (void)::signal(signal, SIG_IGN);
  }
}

TEST_F(BodyTest, WhatItsTerminalSendsReachesAProgramThatWasToIgnoreIt) {
  BodyProcess body =
      Body({}, Reporter(), {.prepare = IgnoreWhatATerminalSends});
  EXPECT_EQ(Report(ReportPath())["ignored"], "1");
}

TEST_F(BodyAsFoundTest, KeptSignalsStayIgnored) {
  ExpectAsFound({.prepare = IgnoreWhatATerminalSends},
                {"ignored 1 2 3 20 21 22"}, {"--keep-signals"});
}

TEST_F(BodyTest, ItsTerminalHasFlowControlOnlyIfThatIsAskedFor) {
  for (const bool wanted : {false, true}) {
    const std::string file = folder_ / (wanted ? "with" : "without");
    std::vector<std::string> options = {"--name", wanted ? "with" : "without"};
    if (wanted) options.emplace_back("--ixon");
    BodyProcess body =
        Body(options, {"sh", "-c",
                       absl::StrCat("stty -a > ", file, "; echo done >> ", file,
                                    "; exec cat")});
    EXPECT_TRUE(TextUntil(
        [&] { return ReadFile(file); },
        AllOf(HasSubstr(wanted ? " ixon " : " -ixon "), HasSubstr("done"))));
  }
}

TEST_F(BodyAsFoundTest, UmaskFolderPriorityAndLimitsStay) {
  ExpectAsFound({.prepare =
                     [] {
                       (void)::umask(0137);
                       (void)!::chdir("/usr");
                       (void)::setpriority(PRIO_PROCESS, 0, 3);
                       const rlimit limit{200, 300};
                       (void)::setrlimit(RLIMIT_NOFILE, &limit);
                     }},
                {"umask 137", "folder /usr", "nice 3", "nofile 200 300"});
}

TEST_F(BodyAsFoundTest, TheEnvironmentStays) {
  ExpectAsFound(
      {.env = {"NOTIFY_SOCKET=/nonexistent", "LISTEN_FDS=1", "LISTEN_PID=77",
               "LISTEN_FDNAMES=a", "JOURNAL_STREAM=1:2", "INVOCATION_ID=abc",
               "EMPTY=", "HOME"}},
      {"env NOTIFY_SOCKET=/nonexistent", "env LISTEN_FDS=1",
       "env LISTEN_PID=77", "env LISTEN_FDNAMES=a", "env EMPTY="});
}

// LISTEN_PID names body's pid, which is then the program's.
TEST_F(BodyTest, ASocketPassedBySystemdIsTheProgramsOwn) {
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  BodyProcess body(head_.socket(), {}, Reporter(),
                   {.fds = {{listener.get(), 3}},
                    .env = {"LISTEN_FDS=1", "LISTEN_FDNAMES=web"},
                    .prepare = [] {
                      (void)::setenv("LISTEN_PID",
                                     absl::StrCat(::getpid()).c_str(), 1);
                    }});
  const Report report(ReportPath());
  EXPECT_EQ(report.Env("LISTEN_PID"), report["pid"]);
  EXPECT_EQ(report.Env("LISTEN_FDS"), "1");
  struct stat file {};
  ASSERT_EQ(::fstat(listener.get(), &file), 0);
  EXPECT_THAT(report["fd 3"], HasSubstr(absl::StrFormat(":%x", file.st_ino)));
}

// The parameter's bits say which of 0, 1 and 2 are open.
class BodyClosedFdsTest : public BodyTest,
                          public testing::WithParamInterface<int> {};

TEST_P(BodyClosedFdsTest, StandardDescriptorsMayBeClosedAtTheStart) {
  static int open_fds;
  open_fds = GetParam();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const ProgramOptions how = {.fds = {{null.get(), 0}, {null.get(), 5}},
                              .prepare = [] {
                                for (int fd = 0; fd <= 2; ++fd) {
                                  if ((open_fds & 1 << fd) == 0)
                                    (void)::close(fd);
                                }
                              }};
  BodyProcess body = Body({}, Reporter(), how);
  const Report report(ReportPath());
  ExpectTerminal(report, body.pid());
  EXPECT_EQ(report["fd 3"], "no fd 3");
  EXPECT_EQ(report["fd 4"], "no fd 4");
  EXPECT_THAT(report["fd 5"], testing::EndsWith(" rw"));
  EXPECT_EQ(report["fd 6"], "no fd 6");
}

TEST_P(BodyClosedFdsTest, WhatFailsIsSaidWhereSomebodyMayHearIt) {
  static int open_fds;
  open_fds = GetParam();
  BodyProcess body(folder_ / "nobody", {"--wait=0"}, {"true"}, {.prepare = [] {
                     for (int fd = 0; fd <= 2; ++fd) {
                       if ((open_fds & 1 << fd) == 0) (void)::close(fd);
                     }
                   }});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  const bool open = (open_fds & 1 << 2) != 0;
  EXPECT_THAT(body.said().lines(), testing::SizeIs(open ? 1 : 0));
}

TEST_P(BodyClosedFdsTest, AFallbackFindsThemClosedStill) {
  static int open_fds;
  open_fds = GetParam();
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  BodyProcess body(folder_ / "nobody", {"--wait=0", "--fallback"}, Reporter(),
                   {.fds = {{null.get(), 0}}, .prepare = [] {
                      for (int fd = 0; fd <= 2; ++fd) {
                        if ((open_fds & 1 << fd) == 0) (void)::close(fd);
                      }
                    }});
  const Report report(ReportPath());
  for (int fd = 0; fd <= 2; ++fd) {
    const std::string key = absl::StrCat("fd ", fd);
    const bool open = (open_fds & 1 << fd) != 0;
    EXPECT_EQ(report[key] != absl::StrCat("no ", key), open) << report.text();
  }
  EXPECT_EQ(report["fd 3"], "no fd 3");
}

INSTANTIATE_TEST_SUITE_P(Open, BodyClosedFdsTest, testing::Range(0, 8),
                         [](const auto& open) {
                           std::string name;
                           for (int fd = 0; fd <= 2; ++fd) {
                             if ((open.param & 1 << fd) != 0)
                               absl::StrAppend(&name, fd);
                           }
                           return name.empty() ? "None" : name;
                         });

// --- what it adds ------------------------------------------------------------

TEST_F(BodyTest, TheProgramIsToldItsSessionAndHeadsSocket) {
  BodyProcess body = Body({"--name", "the.name"}, Reporter());
  const Report report(ReportPath());
  EXPECT_EQ(report.Env("DEPTYR_SESSION"), "the.name");
  EXPECT_EQ(report.Env("DEPTYR_SOCKET"), head_.socket());
}

TEST_F(BodyTest, ARelativeSocketPathIsMadeAbsolute) {
  static std::string folder;
  folder = std::filesystem::path(head_.socket()).parent_path();
  BodyProcess body("head.sock", {}, Reporter(),
                   {.prepare = [] { (void)!::chdir(folder.c_str()); }});
  EXPECT_EQ(Report(ReportPath()).Env("DEPTYR_SOCKET"), head_.socket());
}

TEST_F(BodyTest, TheNameIsTheProgramsBasenameUnlessToldOtherwise) {
  BodyProcess body = Body({}, Reporter());
  EXPECT_EQ(Report(ReportPath()).Env("DEPTYR_SESSION"), "actor");
}

struct TermCase {
  const char* description;
  std::vector<std::string> env;
  std::vector<std::string> options;
  const char* expected;
};

class BodyTermTest : public BodyTest,
                     public testing::WithParamInterface<TermCase> {};

TEST_P(BodyTermTest, TermIsAsSaidElseAsInheritedElseTheUsual) {
  BodyProcess body =
      Body(GetParam().options, Reporter(), {.env = GetParam().env});
  EXPECT_EQ(Report(ReportPath()).Env("TERM"), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Terms, BodyTermTest,
    testing::Values(
        TermCase{"Unset", {"TERM"}, {}, "xterm-256color"},
        TermCase{"Empty", {"TERM="}, {}, "xterm-256color"},
        TermCase{"Dumb", {"TERM=dumb"}, {}, "xterm-256color"},
        TermCase{"Unknown", {"TERM=unknown"}, {}, "xterm-256color"},
        TermCase{"OfTheConsole", {"TERM=linux"}, {}, "xterm-256color"},
        TermCase{"Inherited", {"TERM=vt100"}, {}, "vt100"},
        TermCase{"SaidToBeTheConsole", {"TERM"}, {"--term=linux"}, "linux"},
        TermCase{"Said", {"TERM=vt100"}, {"--term=ansi"}, "ansi"},
        TermCase{"SaidWhereUnset", {"TERM"}, {"--term", "ansi"}, "ansi"}),
    [](const auto& param) { return param.param.description; });

// These would win over the terminal's size.
TEST_F(BodyTest, LinesAndColumnsOfTheSupervisorDoNotReachTheProgram) {
  BodyProcess body = Body({}, Reporter(), {.env = {"LINES=10", "COLUMNS=20"}});
  const Report report(ReportPath());
  EXPECT_EQ(report.Env("LINES"), "unset");
  EXPECT_EQ(report.Env("COLUMNS"), "unset");
}

TEST_F(BodyTest, TheTerminalHasTheSizeThatWasAskedFor) {
  BodyProcess body = Body({"--size", "33x111"}, Reporter());
  EXPECT_EQ(Report(ReportPath())["size"], "33x111");
}

TEST_F(BodyTest, TheTerminalHasAUsualSize) {
  BodyProcess body = Body({}, Reporter());
  EXPECT_EQ(Report(ReportPath())["size"], "24x80");
}

TEST_F(BodyTest, AProgramsOwnOptionsAreItsOwn) {
  BodyProcess body = Body({},
                          {"sh", "-c", "printf '%s|' \"$0\" \"$@\" > \"$OUT\"",
                           "a", "--", "--name", "x", "-h", ""},
                          {.env = {absl::StrCat("OUT=", folder_ / "out")}});
  EXPECT_EQ(body.Wait(), ExitStatus{});
  EXPECT_EQ(ReadFile(folder_ / "out"), "a|--|--name|x|-h||");
}

// --- containers --------------------------------------------------------------

class BodyContainerTest : public BodyTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  // A folder that holds the binary and nothing else: it needs no library.
  void FillRoot(const std::string& root) {
    std::filesystem::create_directories(absl::StrCat(root, "/dev/pts"));
    std::filesystem::create_directories(absl::StrCat(root, "/proc"));
    std::filesystem::copy(Deptyr(), absl::StrCat(root, "/deptyr"));
    std::filesystem::copy(Actor(), absl::StrCat(root, "/actor"));
    constexpr unsigned kTtyMajor = 5;
    constexpr unsigned kPtmxMinor = 2;
    constexpr mode_t kForAll = 0666;
    EXPECT_EQ(::mknod(absl::StrCat(root, "/dev/tty").c_str(), S_IFCHR | kForAll,
                      ::makedev(kTtyMajor, 0)),
              0);
    EXPECT_EQ(::mknod(absl::StrCat(root, "/dev/ptmx").c_str(),
                      S_IFCHR | kForAll, ::makedev(kTtyMajor, kPtmxMinor)),
              0);
  }
};

// A script that unshare(1) runs in namespaces of their own starts `body`.
TEST_F(BodyContainerTest, InAChrootTheProgramHasItsTerminal) {
  const std::string root = folder_ / "root";
  FillRoot(root);
  HeadProcess head({}, {.socket = root + "/head.sock"});
  ASSERT_TRUE(head.ready()) << head.log().text();
  // A chroot needs only devpts beside ptmx.  The mount goes with its namespace.
  const LogFile said;
  Program body = Program::Start(
      {"unshare", "--mount", "sh", "-c",
       absl::StrCat("mount -t devpts devpts ", root, "/dev/pts && exec chroot ",
                    root, " /deptyr body head.sock -- /actor report /report")},
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  const Report report(root + "/report");
  ExpectTerminal(report, body.pid());
  EXPECT_EQ(report.Env("DEPTYR_SOCKET"), "/head.sock");
  EXPECT_EQ(said.text(), "");
}

TEST_F(BodyContainerTest, WithoutAPtmxTheErrorNamesIt) {
  const std::string root = folder_ / "root";
  FillRoot(root);
  std::filesystem::remove(root + "/dev/ptmx");
  HeadProcess head({}, {.socket = root + "/head.sock"});
  const LogFile said;
  Program body = Program::Start(
      {"chroot", root, "/deptyr", "body", "head.sock", "--", "/actor", "sizes"},
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(said.lines(),
              ElementsAre(StartsWith("deptyr body: open a PTY, /dev/ptmx")));
}

TEST_F(BodyContainerTest, InNamespacesOfItsOwnTheProgramHasItsTerminal) {
  const std::string path = ReportPath();
  const LogFile said;
  // It is process 1 of its container.
  Program container = Program::Start(
      {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc",
       "--uts", "--net", Deptyr(), "body", "--name", "boxed", head_.socket(),
       "--", Actor(), "report", path},
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  const Report report(path);
  EXPECT_EQ(said.text(), "");
  ExpectTerminal(report, 1);
  // Head knows its pid outside, and how it ends.
  const std::vector<pid_t> children = ChildrenOf(container.pid());
  ASSERT_THAT(children, testing::SizeIs(1));
  EXPECT_TRUE(head_.log().Until(
      HasSubstr(absl::StrCat("session=boxed pid=", children[0]))));
  ASSERT_EQ(::kill(children[0], SIGKILL), 0);
  EXPECT_TRUE(head_.log().Until(HasSubstr(absl::StrCat(
      "session=boxed pid=", children[0], " ended: signal 9 (Killed)"))));
  (void)container.Wait();
}

// Its supervisor is process 1 there, in a group that has no number.
TEST_F(BodyContainerTest, AJobOfProcess1BecomesTheTerminalsLeader) {
  const LogFile said;
  const std::string body = Quote({Deptyr(), "body", head_.socket(), "--",
                                  Actor(), "report", ReportPath()});
  Program container = Program::Start(
      {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "bash",
       "-c", absl::StrCat("set -m; ", body, " & wait $!")},
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  const Report report(ReportPath());
  EXPECT_EQ(said.text(), "");
  ExpectTerminal(report, 2);
  EXPECT_EQ(report["parent"], "1");
}

// Head sees all of them with the pid 0.
TEST_F(BodyContainerTest, WhoIsOutsideHeadsNamespaceHasANameToThemselves) {
  HeadProcess head({}, {.wrapper = {"unshare", "--pid", "--fork",
                                    "--kill-child", "--mount-proc"}});
  BodyProcess first(head.socket(), {"--name", "a"}, {"cat"});
  ASSERT_TRUE(head.log().Until(HasSubstr("session=a pid=0")));
  BodyProcess second(head.socket(), {"--name", "a"}, {"true"});
  EXPECT_EQ(second.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(second.said().text(),
              HasSubstr("the name a is held by a process outside head's PID "
                        "namespace, which runs; choose another --name"));
  EXPECT_FALSE(first.program().HasEnded());
}

// --- head isn't there
// ---------------------------------------------------------

TEST_F(BodyTest, WithoutHeadAndWithoutWaitingItFailsAtOnceInOneLine) {
  const std::string socket = folder_ / "nobody";
  BodyProcess body(socket, {"--wait", "0"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(
      body.said().lines(),
      ElementsAre(absl::StrCat("deptyr body: connect to head at ", socket,
                               ": No such file or directory; does head "
                               "run there?")));
}

TEST_F(BodyTest, WithoutHeadItSaysThatItWaitsAndThenThatItWasInVain) {
  const std::string socket = folder_ / "nobody";
  BodyProcess body(socket, {"--wait", "0.2"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(HasSubstr("waiting up to 200ms for head"),
                          StartsWith("deptyr body: connect to head at ")));
}

TEST_F(BodyTest, AStaleSocketIsNoHead) {
  const std::string socket = folder_ / "stale";
  {
    ListeningSocket listener = Value(Listen(socket, {}));
    ASSERT_EQ(::link(socket.c_str(), (folder_ / "copy").c_str()), 0);
  }
  BodyProcess body(folder_ / "copy", {"--wait", "0"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().text(), HasSubstr("Connection refused"));
}

TEST_F(BodyTest, AHeadThatComesLaterServesIt) {
  const std::string socket = folder_ / "later";
  BodyProcess body(socket, {}, Reporter());
  ASSERT_TRUE(body.said().Until(HasSubstr("waiting up to")));
  HeadProcess head({}, {.socket = socket});
  ExpectTerminal(Report(ReportPath()), body.pid());
  EXPECT_TRUE(head.log().Until(HasSubstr("session=actor")));
}

// This socket listens, but accepts nobody.
TEST_F(BodyTest, AHeadWhoseBacklogIsFullIsWaitedFor) {
  const std::string socket = folder_ / "busy";
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof address),
            0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const Fd first = Value(Connect(socket, absl::Seconds(1)));
  {
    BodyProcess body(socket, {"--wait", "0.3"}, {"true"});
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
    EXPECT_THAT(body.said().text(), HasSubstr("connect to head at"));
  }
  // A body that waits is served as soon as it is accepted.
  BodyProcess body(socket, {}, Reporter());
  ASSERT_TRUE(WaitFor([&] { return body.program().Sleeps(); }));
  HeadProcess head({}, {.stdin_fd = listener.get()});
  ExpectTerminal(Report(ReportPath()), body.pid());
}

TEST_F(BodyTest, AHeadThatDoesNotAnswerIsGivenUp) {
  const std::string socket = folder_ / "silent";
  const ListeningSocket listener = Value(Listen(socket, {}));
  BodyProcess body(socket, {"--wait", "0"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(absl::StrCat("deptyr body: head did not answer at ",
                                       socket, " within 5s; is it stopped?")));
}

TEST_F(BodyTest, WhileAHeadDoesNotAnswerItSaysThatItWaitsForThat) {
  head_.program().Signal(SIGSTOP);
  BodyProcess body = Body({}, Reporter());
  ASSERT_TRUE(body.said().Until(HasSubstr("\n")));
  EXPECT_THAT(
      body.said().lines(),
      ElementsAre(absl::StrCat(
          "deptyr body: waiting up to 2m for head: it does not answer at ",
          head_.socket(), "; is it stopped?")));
  head_.program().Signal(SIGCONT);
  ExpectTerminal(Report(ReportPath()), body.pid());
  EXPECT_THAT(body.said().lines(), testing::SizeIs(1));
}

// Without --wait these would be waited for, for two minutes.
TEST_F(BodyTest, AFileThatIsNoSocketIsNotWaitedFor) {
  WriteFile(folder_ / "file", "");
  BodyProcess body(folder_ / "file", {"--fallback"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(absl::StrCat("deptyr body: connect to head at ",
                                       folder_ / "file",
                                       ": it is a file, not a socket")));
}

TEST_F(BodyTest, AProgramInThePlaceOfTheSocketIsNotWaitedFor) {
  const std::string path = folder_ / "mytool";
  WriteFile(path, "");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  const ProgramOptions how = {
      .env = {absl::StrCat("PATH=/nonexistent:", folder_.path())}};
  for (const std::string& name : {std::string("mytool"), path}) {
    BodyProcess body(name, {}, {"-d"}, how);
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 100});
    EXPECT_THAT(body.said().lines(),
                ElementsAre(StartsWith(absl::StrCat(
                    "deptyr body: HEAD-SOCKET comes before PROGRAM, but ", name,
                    " is a program; say -- ", name))));
  }
  // A path is taken at its word.
  BodyProcess body("./mytool", {"--wait=0"}, {"true"}, how);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().text(), HasSubstr("does head run there?"));
}

// Everybody who names no socket finds the same one, which head makes.
TEST_F(BodyTest, TheSocketMayBeLeftOut) {
  if (IsSocket("/run/deptyr/head.sock")) GTEST_SKIP() << "a head runs here";
  const ProgramOptions how = {
      .env = {"DEPTYR_SOCKET=",
              absl::StrCat("XDG_RUNTIME_DIR=", folder_.path())}};
  // It waits for a head that comes later.
  Program body = Program::Start(
      {Deptyr(), "body", "--name", "mc", "--", "sleep", "1000"}, how);
  ASSERT_TRUE(WaitFor([&] { return body.Sleeps(); }));
  Program head = Program::Start({Deptyr(), "head", "--headless"}, how);
  ASSERT_TRUE(WaitFor([&] { return IsSocket(folder_ / "deptyr/head.sock"); }));
  struct stat file {};
  ASSERT_EQ(::stat((folder_ / "deptyr").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0700U);
  EXPECT_TRUE(TextUntil(
      [&] {
        return OutputOf({Deptyr(), "ls", "--names"}, how);
      },
      Eq("mc\n")));
  body.Signal(SIGKILL);
  head.Signal(SIGTERM);
  EXPECT_EQ(head.Wait(), ExitStatus{});
}

TEST_F(BodyTest, OptionsMayFollowTheSocket) {
  Program body = Program::Start({Deptyr(), "body", head_.socket(), "--name",
                                 "mc", "--", "sleep", "1000"});
  EXPECT_TRUE(head_.log().Until(HasSubstr("session=mc")));
  body.Signal(SIGKILL);
}

// The program's words end the options, and "--" may be left out after the
// socket.
TEST_F(BodyTest, TheProgramKeepsItsOwnOptions) {
  for (const std::vector<std::string>& dashes :
       {std::vector<std::string>{}, std::vector<std::string>{"--"}}) {
    std::vector<std::string> words = {Deptyr(), "body", head_.socket()};
    words.insert(words.end(), dashes.begin(), dashes.end());
    for (const char* word : {"sh", "-c", "exit $#", "--", "--name", "--"}) {
      words.emplace_back(word);
    }
    Program body = Program::Start(words);
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 2});
  }
}

TEST_F(BodyTest, AFilterOfAddressFamiliesIsNotWaitedFor) {
  BodyProcess body =
      Body({}, {"true"},
           {.prepare = [] { RefuseSystemCalls({SYS_socket}, EAFNOSUPPORT); }});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(HasSubstr("RestrictAddressFamilies=")));
}

TEST_F(BodyTest, SomebodyElseBehindTheSocketIsNoticed) {
  const std::string socket = folder_ / "other";
  ListeningSocket listener = Value(Listen(socket, {}));
  BodyProcess body(socket, {}, {"true"});
  ASSERT_NE(WaitForEvents(listener.fd(), POLLIN), 0);
  Fd connection = *Value(Accept(listener.fd()));
  (void)!::write(connection.get(), "HTTP/1.1 400", 12);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(HasSubstr("whoever serves the socket is not a deptyr "
                                    "head")));
}

TEST_F(BodyTest, AHeadThatGoesAwayIsNoticed) {
  const std::string socket = folder_ / "other";
  ListeningSocket listener = Value(Listen(socket, {}));
  BodyProcess body(socket, {"--wait=0"}, {"true"});
  ASSERT_NE(WaitForEvents(listener.fd(), POLLIN), 0);
  Fd connection = *Value(Accept(listener.fd()));
  connection.Reset();
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(body.said().lines(), testing::SizeIs(1));
}

// --- fallback ----------------------------------------------------------------

TEST_F(BodyTest, AFallbackRunsTheProgramOnTheOriginalDescriptors) {
  const Pipe input;
  (void)!::write(input.write_end.get(), "hello\n", 6);
  BodyProcess body(folder_ / "nobody", {"--wait=0", "--fallback"},
                   {"sh", "-c",
                    "read x; echo out:$x; echo err:$x >&2; "
                    "[ -t 0 ] || echo none; exit 3"},
                   {.fds = {{input.read_end.get(), 0}}});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(AllOf(StartsWith("deptyr body: running sh without a "
                                           "terminal: connect to head at"),
                                HasSubstr("No such file")),
                          "out:hello", "err:hello", "none"));
}

TEST_F(BodyTest, AFallbackLeavesEverythingAsItWas) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const ProgramOptions how = {.fds = {{null.get(), 0}},
                              .env = {"TERM", "LINES=10"},
                              .prepare = IgnoreWhatATerminalSends};
  Program direct = Program::Start({Actor(), "report", folder_ / "direct"}, how);
  BodyProcess body(folder_ / "nobody", {"--wait=0", "--fallback"}, Reporter(),
                   how);
  const Report report(ReportPath());
  EXPECT_EQ(report.AsFound(), Report(folder_ / "direct").AsFound());
  for (const char* const name : {"TERM", "DEPTYR_SESSION", "DEPTYR_SOCKET"}) {
    EXPECT_EQ(report.Env(name), "unset") << name;
  }
  EXPECT_EQ(report.Env("LINES"), "10");
  EXPECT_EQ(report["session"], absl::StrCat(::getsid(0)));
}

// Two instances would be worse than none.
TEST_F(BodyTest, AFallbackIsNotForANameThatIsTaken) {
  BodyProcess first = Body({"--name", "a"}, {"cat"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=a")));
  BodyProcess second =
      Body({"--name", "a", "--fallback"}, {"sh", "-c", "exit 4"});
  EXPECT_EQ(second.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(second.said().text(), HasSubstr("head refused: the name a"));
}

TEST_F(BodyTest, AFallbackIsForAHeadThatIsNone) {
  const std::string socket = folder_ / "other";
  ListeningSocket listener = Value(Listen(socket, {}));
  BodyProcess body(socket, {"--fallback"}, {"sh", "-c", "exit 4"});
  ASSERT_NE(WaitForEvents(listener.fd(), POLLIN), 0);
  Fd connection = *Value(Accept(listener.fd()));
  (void)!::write(connection.get(), "HTTP/1.1 400", 12);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 4});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(HasSubstr("running sh without a terminal: whoever "
                                    "serves the socket is not a deptyr head")));
}

TEST_F(BodyTest, AFallbackThatCannotBeExecutedSaysSo) {
  BodyProcess body(folder_ / "nobody", {"--wait=0", "--fallback"},
                   {"/nonexistent"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
  EXPECT_THAT(body.said().lines(),
              ElementsAre(HasSubstr("without a terminal"),
                          "deptyr body: execute /nonexistent: No such file or "
                          "directory"));
}

// --- what can't be executed --------------------------------------------------

TEST_F(BodyTest, AProgramThatIsNotFoundIsToldToTheLogAndToHead) {
  BodyProcess body = Body({"--name", "a"}, {"no-such-program"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
  constexpr char kWhy[] = "execute no-such-program: No such file or directory";
  EXPECT_THAT(body.said().lines(),
              ElementsAre(absl::StrCat("deptyr body: ", kWhy)));
  EXPECT_TRUE(head_.log().Until(HasSubstr(absl::StrCat(
      "session=a pid=", body.pid(), " could not be executed: ", kWhy))));
}

TEST_F(BodyTest, AProgramThatMayNotBeExecutedIsToldToTheLogAndToHead) {
  WriteFile(folder_ / "script", "#!/bin/sh\n");
  BodyProcess body = Body({"--name", "a"}, {folder_ / "script"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 126});
  EXPECT_THAT(
      body.said().lines(),
      ElementsAre(absl::StrCat("deptyr body: execute ", folder_ / "script",
                               ": Permission denied")));
  EXPECT_TRUE(head_.log().Until(HasSubstr("could not be executed")));
}

TEST_F(BodyTest, AScriptWithoutItsInterpreterIsNotFound) {
  WriteFile(folder_ / "script", "#!/nonexistent/interpreter\n");
  std::filesystem::permissions(folder_ / "script",
                               std::filesystem::perms::owner_all);
  BodyProcess body = Body({}, {folder_ / "script"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 127});
}

// --- names -------------------------------------------------------------------

TEST_F(BodyTest, ANameThatALiveProgramHoldsIsRefused) {
  BodyProcess first = Body({"--name", "a"}, {"cat"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=a")));
  BodyProcess second = Body({"--name", "a"}, {"true"});
  EXPECT_EQ(second.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(
      second.said().lines(),
      ElementsAre(absl::StrCat(
          "deptyr body: head refused: the name a is held by pid ", first.pid(),
          ", which runs; choose another --name, or take its place "
          "with --replace")));
  EXPECT_TRUE(head_.log().Until(HasSubstr("name-taken")));
  EXPECT_FALSE(first.program().HasEnded());
}

TEST_F(BodyTest, ReplaceTakesTheNameAndHangsUpWhoHadIt) {
  BodyProcess first = Body({"--name", "a"}, {"cat"});
  ASSERT_TRUE(first.WaitExecuted());
  BodyProcess second = Body({"--name", "a", "--replace"}, Reporter());
  ExpectTerminal(Report(ReportPath()), second.pid());
  EXPECT_EQ(first.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(head_.log().Until(
      HasSubstr(absl::StrCat("session=a pid=", first.pid(), " was replaced"))));
}

TEST_F(BodyTest, TheNameIsFreeAsSoonAsItsProgramHasEnded) {
  for (int run = 0; run < 20; ++run) {
    BodyProcess body = Body({"--name", "a"}, {"true"});
    ASSERT_EQ(body.Wait(), ExitStatus{}) << body.said().text();
  }
}

// The program has ended, and nobody has reaped it yet.
TEST_F(BodyTest, AZombieHoldsNoName) {
  BodyProcess first = Body({"--name", "a"}, {"true"});
  ASSERT_NE(WaitForEvents(first.program().pidfd(), POLLIN), 0);
  BodyProcess second = Body({"--name", "a"}, {"true"});
  EXPECT_EQ(second.Wait(), ExitStatus{}) << second.said().text();
}

TEST_F(BodyTest, ALeftoverChildWithTheTerminalHoldsNoName) {
  BodyProcess first =
      Body({"--name", "a"}, {Actor(), "leftover", folder_ / "leftover"});
  EXPECT_EQ(first.Wait(), ExitStatus{});
  const pid_t leftover = std::atoi(ReadFile(folder_ / "leftover").c_str());
  ASSERT_TRUE(Runs(leftover));
  EXPECT_TRUE(head_.log().Until(HasSubstr("session=a pid=")));
  EXPECT_TRUE(head_.log().Until(HasSubstr("ended: exit status 0")));
  BodyProcess second = Body({"--name", "a"}, Reporter());
  ExpectTerminal(Report(ReportPath()), second.pid());
  // The leftover's terminal is hung up.
  EXPECT_TRUE(WaitFor([&] {
    const Fd its_terminal(
        ::open(absl::StrCat("/proc/", leftover, "/fd/0").c_str(),
               O_RDWR | O_NOCTTY | O_CLOEXEC));
    return !its_terminal.valid() && errno == EIO;
  }));
  EXPECT_EQ(::kill(leftover, SIGKILL), 0);
}

class BodyOtherUserTest : public BodyTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    // Other users can reach it here.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    std::filesystem::copy(Deptyr(), folder_ / "deptyr");
  }
  static void BecomeNobody() {
    const passwd* nobody = ::getpwnam("nobody");
    (void)::setgroups(0, nullptr);
    (void)!::setgid(nobody->pw_gid);
    (void)!::setuid(nobody->pw_uid);
    // Changing the user clears this.
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  Program AsNobody(const std::vector<std::string>& options,
                   const std::vector<std::string>& program,
                   const LogFile& said) {
    std::vector<std::string> words = {folder_ / "deptyr", "body"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {folder_ / "head.sock", "--"});
    words.insert(words.end(), program.begin(), program.end());
    return Program::Start(words, {.fds = {{said.fd(), 1}, {said.fd(), 2}},
                                  .prepare = BecomeNobody});
  }
};

TEST_F(BodyOtherUserTest, TheSocketIsForItsOwnerAlone) {
  HeadProcess head({}, {.socket = folder_ / "head.sock"});
  const LogFile said;
  // It isn't waited for that somebody changes that.
  Program body = AsNobody({}, {"true"}, said);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(said.lines(), ElementsAre(AllOf(HasSubstr("Permission denied; "),
                                              HasSubstr("--mode"))));
}

TEST_F(BodyOtherUserTest, ANameOfAnotherUserIsRefusedEvenToReplace) {
  HeadProcess head({"--mode=0666"}, {.socket = folder_ / "head.sock"});
  BodyProcess mine(head.socket(), {"--name", "a"}, {"cat"});
  ASSERT_TRUE(head.log().Until(HasSubstr("session=a")));
  const LogFile said;
  for (const auto& options : std::vector<std::vector<std::string>>{
           {"--name", "a"}, {"--name", "a", "--replace"}}) {
    Program body = AsNobody(options, {"true"}, said);
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
  }
  EXPECT_THAT(said.lines(),
              testing::Each("deptyr body: head refused: the name a belongs to "
                            "another user; choose another --name"));
  EXPECT_FALSE(mine.program().HasEnded());
  // It is refused also when the program has ended, and the other way round.
  mine.program().Signal(SIGKILL);
  (void)mine.Wait();
  Program late = AsNobody({"--name", "a"}, {"true"}, said);
  EXPECT_EQ(late.Wait(), ExitStatus{.code = 111});
  Program theirs = AsNobody({"--name", "b"}, {"cat"}, said);
  ASSERT_TRUE(head.log().Until(HasSubstr("session=b")));
  BodyProcess over(head.socket(), {"--name", "b", "--replace"}, {"true"});
  EXPECT_EQ(over.Wait(), ExitStatus{.code = 111});
  EXPECT_FALSE(theirs.HasEnded());
}

TEST_F(BodyOtherUserTest, AnotherUsersProgramIsServedWhereTheSocketLets) {
  HeadProcess head({"--mode=0666"}, {.socket = folder_ / "head.sock"});
  const LogFile said;
  Program body = AsNobody({"--name", "b"},
                          {"sh", "-c", "tty > /dev/null && exit 9"}, said);
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 9}) << said.text();
  EXPECT_TRUE(head.log().Until(AllOf(HasSubstr("uid=65534 registered"),
                                     HasSubstr("ended: exit status 9"))));
}

// --- usage -------------------------------------------------------------------

struct UsageCase {
  const char* description;
  std::vector<std::string> words;
  const char* said;
};

class BodyUsageTest : public testing::TestWithParam<UsageCase> {};

TEST_P(BodyUsageTest, WrongUsageIsStatus100AndOneLine) {
  std::vector<std::string> words = {Deptyr(), "body"};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  const LogFile said;
  Program body =
      Program::Start(words, {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(said.lines(), ElementsAre(AllOf(StartsWith("deptyr body: "),
                                              HasSubstr(GetParam().said))));
}

INSTANTIATE_TEST_SUITE_P(
    Usages, BodyUsageTest,
    testing::Values(
        UsageCase{"Nothing", {}, "no PROGRAM"},
        UsageCase{"NoProgram", {"/s"}, "no PROGRAM"},
        UsageCase{"NoProgramAfterDashes", {"/s", "--"}, "no PROGRAM"},
        UsageCase{"NoSocketAndNoProgram", {"--"}, "no PROGRAM"},
        UsageCase{"UnknownOptionAfterTheSocket", {"/s", "-x", "true"}, "-x"},
        UsageCase{"UnknownOption", {"--nmae=x", "/s", "true"}, "--nmae"},
        UsageCase{"ShortOption", {"-x", "/s", "true"}, "-x"},
        UsageCase{"BadSize", {"--size=80", "/s", "true"}, "not a size: 80"},
        UsageCase{
            "BadName", {"--name=a/b", "/s", "true"}, "not a session name: a/b"},
        UsageCase{"BadWait", {"--wait=soon", "/s", "true"}, "not a time"},
        UsageCase{"NoValue", {"--name"}, "--name needs a value"},
        UsageCase{
            "ValueForAFlag", {"--replace=yes", "/s", "true"}, "takes no value"},
        UsageCase{"LongPath",
                  {"--fallback", std::string(109, 'p'), "true"},
                  "socket path of 109 bytes; the kernel allows 108"},
        UsageCase{"EmptyPath", {"", "true"}, "empty"}),
    [](const auto& param) { return param.param.description; });

}  // namespace
}  // namespace deptyr
