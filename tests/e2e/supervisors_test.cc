// Tests what must hold under each of a real s6, daemontools and runit
// ($SUPERVISOR), by the recipe with-services.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/supervision.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAreArray;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

namespace fs = std::filesystem;

// The commands of a supervisor; a service's folder follows.
struct Tools {
  std::string name;
  std::string process;    // that has the service's process for a child
  std::string supervise;  // starts such a process by hand
  std::string up, down, once, kill;
  std::string logger;  // a folder for lines follows
  std::vector<std::pair<std::string, std::string>> signals;
  // ./finish is told this of an exit with 42 and of SIGABRT; "" if there is no
  // such thing.
  std::string told_of_42, told_of_abort;
};

const Tools& TheTools() {
  static const auto* const all = new std::vector<Tools>{
      {.name = "s6",
       .process = "s6-supervise",
       .supervise = "s6-supervise",
       .up = "s6-svc -u",
       .down = "s6-svc -d",
       .once = "s6-svc -o",
       .kill = "s6-svc -k",
       .logger = "s6-log n1",
       .signals = {{"HUP", "s6-svc -h"},
                   {"ALRM", "s6-svc -a"},
                   {"INT", "s6-svc -i"},
                   {"QUIT", "s6-svc -q"},
                   {"USR1", "s6-svc -1"},
                   {"USR2", "s6-svc -2"},
                   {"WINCH", "s6-svc -y"},
                   {"CONT", "s6-svc -c"},
                   {"TERM", "s6-svc -t"}},
       .told_of_42 = "42 0",
       .told_of_abort = "256 6"},
      {.name = "daemontools",
       .process = "supervise",
       .supervise = "supervise",
       .up = "svc -u",
       .down = "svc -d",
       .once = "svc -o",
       .kill = "svc -k",
       .logger = "multilog",
       .signals = {{"HUP", "svc -h"},
                   {"ALRM", "svc -a"},
                   {"INT", "svc -i"},
                   {"CONT", "svc -c"},
                   {"TERM", "svc -t"}},
       .told_of_42 = "",
       .told_of_abort = ""},
      {.name = "runit",
       .process = "runsv",
       .supervise = "runsv",
       .up = "sv up",
       .down = "sv down",
       .once = "sv once",
       .kill = "sv kill",
       .logger = "svlogd",
       .signals = {{"HUP", "sv hup"},
                   {"ALRM", "sv alarm"},
                   {"INT", "sv interrupt"},
                   {"QUIT", "sv quit"},
                   {"USR1", "sv 1"},
                   {"USR2", "sv 2"},
                   {"CONT", "sv cont"},
                   {"TERM", "sv term"}},
       .told_of_42 = "42 0",
       .told_of_abort = "-1 6"},
  };
  for (const Tools& tools : *all) {
    if (tools.name == std::getenv("SUPERVISOR")) return tools;
  }
  std::abort();
}

// A service's folder, and what its supervisor does with it.
class Service {
 public:
  explicit Service(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  void Up() const { Tell(TheTools().up); }
  void Down() const { Tell(TheTools().down); }
  void Once() const { Tell(TheTools().once); }
  void Kill() const { Tell(TheTools().kill); }
  void Tell(const std::string& tool) const { MustShell(tool + " " + folder_); }

  // 0 while it is down.
  pid_t pid() const {
    // s6 and runit keep it in a file too, but each in a form of its own.
    if (TheTools().name == "runit") {
      return std::atoi(ReadFile(folder_ + "/supervise/pid").c_str());
    }
    if (TheTools().name == "s6") {
      return std::max(
          0, std::atoi(Shell("s6-svstat -o pid " + folder_).text.c_str()));
    }
    const std::string said = Shell("svstat " + folder_).text;
    const size_t at = said.find("(pid ");
    return at == std::string::npos ? 0 : std::atoi(said.c_str() + at + 5);
  }
  // Its process, once that is `program`.
  pid_t PidOf(const std::string& program, pid_t not_this = 0) const {
    pid_t result = 0;
    EXPECT_TRUE(WaitFor([&] {
      result = pid();
      return result > 0 && result != not_this && ProgramOf(result) == program;
    })) << folder_
        << " has no " << program;
    return result;
  }

 private:
  std::string folder_;
};

std::string Scandir() {
  return std::getenv("SCANDIR");
}
Service Head() {
  return Service(Scandir() + "/deptyr-head");
}
std::string HeadLog() {
  return ReadFile(Head().folder() + "/log/main/current");
}

testing::AssertionResult HeadLogGets(const std::string& text) {
  if (WaitFor([&] { return absl::StrContains(HeadLog(), text); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "no " << text << " in\n"
                                     << LastLines(HeadLog());
}

void StartHead() {
  Head().Up();
  EXPECT_TRUE(WaitFor([] { return fs::exists(kHeadSocket); }));
}

class PrivateRun : public testing::Environment {
 public:
  void SetUp() override {
    SetUpPrivateRun();
    (void)::setenv("SVDIR", Scandir().c_str(), 1);
    (void)::setenv("SVWAIT", "60", 1);  // seconds, else 7
    StartHead();
  }
};
const auto* const kPrivateRun =
    testing::AddGlobalTestEnvironment(new PrivateRun);

class SupervisorsTest : public testing::Test {
 protected:
  // Sessions, and files in kFiles, have the test's name.
  const std::string name_ =
      testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string socket_ = File(".sock");
  const std::string log_ = File(".log");

  void TearDown() override {
    for (const Service& service : services_) service.Down();
  }

  static std::string File(const std::string& suffix) {
    return absl::StrCat(
        kFiles, "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(), suffix);
  }

  // Makes a new service with that `run`; its log is log_.
  Service NewService(const std::string& script) {
    static int slots = 0;
    services_.emplace_back(absl::StrCat(Scandir(), "/slot", ++slots));
    const std::string& folder = services_.back().folder();
    WriteScript(folder + "/run",
                "#!/bin/sh\nexec 2>> " + log_ + "\n" + script + "\n");
    WriteScript(folder + "/finish",
                "#!/bin/sh\necho $1 $2 >> " + File(".finish") + "\n");
    fs::remove(folder + "/down");
    return services_.back();
  }
  std::string Body(const std::string& program,
                   const std::string& socket = kHeadSocket) {
    return absl::StrCat("deptyr body --name ", name_, " ", socket, " -- ",
                        program);
  }

  testing::AssertionResult LogGets(const std::string& text) {
    if (WaitFor([&] { return absl::StrContains(ReadFile(log_), text); })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << "only " << ReadFile(log_);
  }
  // Whether ./finish was told so, if there is such a thing.
  testing::AssertionResult SupervisorSaw(const std::string& status) {
    if (TheTools().told_of_42.empty() ||
        WaitFor([&] { return ReadFile(File(".finish")) == status + "\n"; })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << ReadFile(File(".finish"));
  }

 private:
  std::vector<Service> services_;
};

TEST_F(SupervisorsTest, TheSupervisedPidIsTheProgram) {
  const Service example(Scandir() + "/example");
  example.Up();
  const pid_t pid = example.PidOf("htop");
  EXPECT_EQ(NameOf(ParentOf(pid)), TheTools().process);
  EXPECT_TRUE(HeadLogGets(absl::StrCat("session=example pid=", pid,
                                       " uid=", ::getuid(), " registered")));
  example.Down();
  EXPECT_TRUE(HeadLogGets(absl::StrCat("session=example pid=", pid, " ended")));
}

TEST_F(SupervisorsTest, TheProgramHasATerminalOfItsOwn) {
  const Service service = NewService("exec " + Body("report " + name_));
  service.Up();
  const Report report(name_);
  // Its supervisor may write it down a little later.
  EXPECT_TRUE(WaitFor([&] { return report.pid() == service.pid(); }))
      << report.pid() << " and " << service.pid();
  EXPECT_THAT(report["fd0"],
              AllOf(StartsWith("/dev/pts/"), EndsWith(" read-write")));
  EXPECT_EQ(report["fd1"], report["fd0"]);
  EXPECT_EQ(report["fd2"], report["fd0"]);
  EXPECT_EQ(report["terminal"], "controls us");
  EXPECT_EQ(report["foreground"], "yes");
  EXPECT_EQ(report["session-leader"], "yes");
}

TEST_F(SupervisorsTest, AllElseIsAsTheSupervisorGaveIt) {
  const std::string given =
      "cd /usr; umask 027; ulimit -n 300; ulimit -c 0; trap '' USR2 HUP\n"
      "exec 7< /etc/passwd 9>> " +
      File(".nine") +
      "\n"
      "export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=mine MINE=1\n"
      "export NOTIFY_SOCKET=/run/nonesuch TERM=vt100\n"
      "exec env --block-signal=USR1 nice -n 3 ";
  NewService(given + Body("report " + name_)).Up();
  NewService(given + "report " + name_ + "-direct").Up();
  const Report report(name_);
  const Report direct(name_ + "-direct");
  EXPECT_THAT(
      direct.AsFound({}),
      AllOf(Contains("umask 23"), Contains("cwd /usr"),
            Contains("fd 7 /etc/passwd read-only"), Contains("env TERM=vt100"),
            Contains(absl::StrCat("nice ", ::nice(0) + 3))));
  const std::vector<std::string> except = {"LISTEN_PID", "OLDPWD",
                                           "DEPTYR_SESSION", "DEPTYR_SOCKET"};
  EXPECT_THAT(report.AsFound(except), ElementsAreArray(direct.AsFound(except)));
  EXPECT_EQ(report["listen-pid"], "ours");
  EXPECT_THAT(report.AsFound({}),
              AllOf(Contains("env DEPTYR_SESSION=" + name_),
                    Contains(absl::StrCat("env DEPTYR_SOCKET=", kHeadSocket))));
}

TEST_F(SupervisorsTest, ASupervisorOnATerminalKeepsIt) {
  // Somebody who tries a service by hand starts it like this.
  const Service service(File("-service"));
  WriteFile(service.folder() + "/x", "");
  WriteScript(service.folder() + "/run",
              "#!/bin/sh\nexec " + Body("report " + name_) + "\n");
  Pty pty = OpenPty({}).value();
  const Program supervisor = Program::Fork(
      [&] {
        if (!BecomeTerminalProcess(3).ok()) return 1;
        (void)::execlp(TheTools().supervise.c_str(),
                       TheTools().supervise.c_str(), service.folder().c_str(),
                       nullptr);
        return 127;
      },
      {.fds = {{pty.terminal.get(), 3}}, .env = {}});
  const Report report(name_);
  EXPECT_EQ(report["terminal"], "controls us");
  EXPECT_EQ(ParentOf(report.pid()), supervisor.pid());
  // It goes on with the next.
  fs::remove(File(""));
  ASSERT_EQ(::kill(report.pid(), SIGKILL), 0);
  EXPECT_NE(Report(name_).pid(), report.pid());
  EXPECT_FALSE(supervisor.HasEnded());
  ASSERT_EQ(::kill(Report(name_).pid(), SIGKILL), 0);
}

TEST_F(SupervisorsTest, SignalsReachTheProgramItself) {
  const Service service = NewService("exec " + Body("report " + name_));
  service.Up();
  const Report report(name_);
  for (const auto& [signal, tool] : TheTools().signals) {
    service.Tell(tool);
    EXPECT_TRUE(report.Had(signal)) << tool;
  }
}

TEST_F(SupervisorsTest, TheExitStatusIsThePrograms) {
  NewService("exec " + Body("sh -c 'exit 42'")).Once();
  EXPECT_TRUE(SupervisorSaw(TheTools().told_of_42));
  EXPECT_TRUE(HeadLogGets("ended: exit status 42"));
}

TEST_F(SupervisorsTest, TheSignalThatEndsItIsThePrograms) {
  NewService("ulimit -c 0; exec " + Body("sh -c 'kill -ABRT $$'")).Once();
  EXPECT_TRUE(SupervisorSaw(TheTools().told_of_abort));
  EXPECT_TRUE(HeadLogGets("ended: signal 6 (Aborted)"));
}

TEST_F(SupervisorsTest, AProgramThatIsNotThereIs127AndOneLineInEachLog) {
  NewService("exec " + Body("nonesuch")).Once();
  EXPECT_TRUE(SupervisorSaw("127 0"));
  EXPECT_TRUE(HeadLogGets("could not be executed: execute nonesuch: No such"));
  ASSERT_TRUE(LogGets("\n"));
  EXPECT_EQ(ReadFile(log_),
            "deptyr body: execute nonesuch: No such file or directory\n");
}

// A bar, colors, a line that was corrected, and what a dying program says.
TEST_F(SupervisorsTest, TheLoggerHasWhatTheProgramShowed) {
  const std::string pipe = File(".pipe");
  const std::string folder = File(".logs");
  MustShell("mkfifo " + pipe + " && mkdir " + folder);
  // s6-supervise kills what its service leaves in its process group, so the
  // logger is in a session of its own before the program ends.
  const std::string shows =
      "sh -c 'until [ -e " + folder + "/current ]; do sleep .01; done; " +
      R"(printf "\033[32mready\033[m\n 10%%\r100%%\nhellp\bo\n"; )"
      R"(echo no such thing >&2; exit 3')";
  NewService("setsid " + TheTools().logger + " " + folder + " < " + pipe +
             " & exec " + Body(shows) + " > " + pipe)
      .Once();
  std::string log;
  EXPECT_TRUE(WaitFor([&] {
    log = ReadFile(folder + "/current");
    return absl::StrContains(log, "exit status 3");
  })) << ReadFile(log_);
  EXPECT_THAT(
      log, testing::MatchesRegex("ready\n100%\nhello\nno such thing\n"
                                 "deptyr: pid [0-9]+ ended: exit status 3\n"));
}

TEST_F(SupervisorsTest, AProgramThatCannotBeExecutedIs126) {
  NewService("exec " + Body("/etc/passwd")).Once();
  EXPECT_TRUE(SupervisorSaw("126 0"));
  EXPECT_TRUE(LogGets("deptyr body: execute /etc/passwd: Permission denied\n"));
}

TEST_F(SupervisorsTest, AfterAKillAViewerSeesTheNextRun) {
  Screen screen(socket_);
  const Service service = NewService(
      "exec " + Body("sh -c 'echo run $$; exec sleep 1000'", socket_));
  service.Up();
  const pid_t first = service.PidOf("sleep");
  ASSERT_TRUE(screen.Shows(HasSubstr(absl::StrCat("run ", first, "\r\n"))));
  service.Kill();
  ASSERT_TRUE(screen.Shows(HasSubstr("ended: signal 9 (Killed)")));
  const pid_t second = service.PidOf("sleep", first);
  EXPECT_TRUE(screen.Shows(HasSubstr(absl::StrCat("run ", second, "\r\n"))));
  EXPECT_EQ(NameOf(ParentOf(second)), TheTools().process);
}

TEST_F(SupervisorsTest, AfterACrashTheNextRunIsTheSameSession) {
  const Service service = NewService("exec " + Body("sleep 1000"));
  service.Up();
  const pid_t first = service.PidOf("sleep");
  ASSERT_EQ(::kill(first, SIGSEGV), 0);
  const pid_t second = service.PidOf("sleep", first);
  EXPECT_TRUE(HeadLogGets(
      absl::StrCat("session=", name_, " pid=", first, " ended: signal 11")));
  EXPECT_TRUE(HeadLogGets(absl::StrCat("session=", name_, " pid=", second,
                                       " uid=", ::getuid(), " registered")));
}

TEST_F(SupervisorsTest, ABodyThatIsThereBeforeHeadWaitsAndIsServed) {
  const Service service =
      NewService("exec " + Body("report " + name_, socket_));
  service.Up();
  ASSERT_TRUE(LogGets("waiting up to 2m for head: connect to head at " +
                      socket_ +
                      ": No such file or directory; does head run there?\n"));
  const pid_t pid = service.PidOf("deptyr");
  Screen screen(socket_);
  EXPECT_EQ(Report(name_).pid(), pid);
  EXPECT_EQ(service.pid(), pid);
}

TEST_F(SupervisorsTest, ABodyKilledWhileItWaitsIsStartedAgain) {
  const Service service =
      NewService("exec " + Body("report " + name_, socket_));
  service.Up();
  ASSERT_TRUE(LogGets("waiting up to"));
  const pid_t pid = service.PidOf("deptyr");
  service.Kill();
  const pid_t next = service.PidOf("deptyr", pid);
  Screen screen(socket_);
  EXPECT_EQ(Report(name_).pid(), next);
}

TEST_F(SupervisorsTest, AProgramWhoseSupervisorDiedKeepsItsSession) {
  const Service service = NewService("exec " + Body("sleep 1000"));
  service.Up();
  const pid_t orphan = service.PidOf("sleep");
  const pid_t supervisor = ParentOf(orphan);
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  // The supervisor's successor starts another body, in vain.
  ASSERT_TRUE(LogGets(absl::StrCat("deptyr body: head refused: the name ",
                                   name_, " is held by pid ", orphan)));
  EXPECT_TRUE(Lives(orphan));
  ASSERT_EQ(::kill(orphan, SIGKILL), 0);
  const pid_t next = service.PidOf("sleep", orphan);
  EXPECT_EQ(NameOf(ParentOf(next)), TheTools().process);
  EXPECT_TRUE(HeadLogGets(absl::StrCat("session=", name_, " pid=", next,
                                       " uid=", ::getuid(), " registered")));
}

TEST_F(SupervisorsTest, ReplaceHangsUpWhomADeadSupervisorLeft) {
  const Service service =
      NewService("exec deptyr body --replace --name " + name_ + " " +
                 kHeadSocket + " -- sleep 1000");
  service.Up();
  const pid_t orphan = service.PidOf("sleep");
  ASSERT_EQ(::kill(ParentOf(orphan), SIGKILL), 0);
  (void)service.PidOf("sleep", orphan);
  EXPECT_TRUE(WaitFor([&] { return !Lives(orphan); }));
  EXPECT_TRUE(HeadLogGets(
      absl::StrCat("session=", name_, " pid=", orphan, " was replaced")));
}

TEST_F(SupervisorsTest, HeadKilledIsRestartedAndSoAreItsPrograms) {
  const Service service = NewService("exec " + Body("sleep 1000"));
  service.Up();
  const pid_t first = service.PidOf("sleep");
  const pid_t head = Head().pid();
  Head().Kill();
  EXPECT_TRUE(WaitFor([&] { return !Lives(first); }));  // SIGHUP
  const pid_t second = service.PidOf("sleep", first);
  EXPECT_NE(Head().PidOf("deptyr", head), head);
  EXPECT_TRUE(HeadLogGets(absl::StrCat("session=", name_, " pid=", second,
                                       " uid=", ::getuid(), " registered")));
}

TEST_F(SupervisorsTest, HeadStoppedNamesWhoLostTheirTerminalAndEndsWith0) {
  const Service service = NewService("exec " + Body("report " + name_));
  service.Up();
  const Report report(name_);
  WriteScript(Head().folder() + "/finish",
              "#!/bin/sh\necho $1 $2 > " + File(".finish") + "\n");
  Head().Down();
  EXPECT_TRUE(report.Had("HUP"));
  EXPECT_TRUE(HeadLogGets(absl::StrCat(name_, " (pid ", report.pid(), ")")));
  EXPECT_TRUE(SupervisorSaw("0 0"));
  EXPECT_TRUE(WaitFor([] { return !fs::exists(kHeadSocket); }));
  StartHead();
}

TEST_F(SupervisorsTest, TheDocumentedCommandsWork) {
  for (const std::string& command : DocumentedCommands(TheTools().name, "sh")) {
    MustShell(absl::StrReplaceAll(
        command, {{"/run/service", Scandir()},
                  {"/etc/service", Scandir()},
                  {"/usr/local/share/deptyr/s6", SourceFile("s6")}}));
  }
  // daemontools acts later.
  EXPECT_TRUE(
      WaitFor([] { return Service(Scandir() + "/example").pid() == 0; }));
}

}  // namespace
}  // namespace deptyr
