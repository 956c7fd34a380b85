// Runs under a real systemd, by the recipe with-systemd; the units are those of
// systemd/, changed by drop-ins only.

#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/kernel.h"
#include "tests/support/supervision.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAreArray;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kUnits[] = "/etc/systemd/system/";

// A property of a unit, as `systemctl show` has it.
std::string Show(const std::string& unit, const std::string& property) {
  return std::string(absl::StripTrailingAsciiWhitespace(
      MustShell(absl::StrCat("systemctl show -P ", property, " ", unit))));
}

testing::AssertionResult Becomes(const std::string& unit,
                                 const std::string& property,
                                 const testing::Matcher<std::string>& matcher) {
  if (WaitFor([&] { return matcher.Matches(Show(unit, property)); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << property << " of " << unit << " is " << Show(unit, property) << "\n"
         << MustShell("journalctl -n 20");
}

pid_t MainPid(const std::string& unit) {
  return std::atoi(Show(unit, "MainPID").c_str());
}

// Returns what a unit's processes said themselves, at those priorities (0..7).
std::string JournalOf(const std::string& unit,
                      const std::string& priorities = "0..7") {
  return MustShell(absl::StrCat("journalctl -o cat _TRANSPORT=stdout -u ", unit,
                                " -p ", priorities));
}

testing::AssertionResult JournalGets(
    const std::string& unit, const testing::Matcher<std::string>& matcher) {
  if (WaitFor([&] { return matcher.Matches(JournalOf(unit)); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << LastLines(JournalOf(unit));
}

// Runs head on a kernel that doesn't tell how a program ended, if this is that
// unit's program instead of the test.
constexpr char kOldKernelHead[] = "DEPTYR_TEST_OLD_KERNEL_HEAD";
[[maybe_unused]] const bool is_old_kernel_head = [] {
  if (std::getenv(kOldKernelHead) == nullptr) return false;
  PretendOldKernel();
  (void)::execlp("deptyr", "deptyr", "head", kHeadSocket, nullptr);
  std::abort();
}();

class PrivateRun : public testing::Environment {
 public:
  void SetUp() override {
    SetUpPrivateRun();
    // Tests restart more often than five times in ten seconds.
    WriteFile(absl::StrCat(kUnits, "service.d/quick.conf"),
              "[Unit]\nStartLimitIntervalSec=0\n");
    MustShell("systemctl daemon-reload");
    MustShell("systemctl start deptyr-head.socket");
  }
};
const auto* const kPrivateRun =
    testing::AddGlobalTestEnvironment(new PrivateRun);

class SystemdTest : public testing::Test {
 protected:
  // Session, unit and files of a test have its name.
  const std::string name_ =
      testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string socket_ = File(".sock");

  void TearDown() override {
    for (const std::string& unit : written_) {
      (void)Shell("systemctl stop " + unit);
      std::filesystem::remove(kUnits + unit);
    }
    MustShell("systemctl daemon-reload");
  }

  static std::string File(const std::string& suffix) {
    return absl::StrCat(
        kFiles, "/",
        testing::UnitTest::GetInstance()->current_test_info()->name(), suffix);
  }

  // `text` without a section is for [Service].
  void Write(const std::string& unit, const std::string& text) {
    WriteFile(kUnits + unit, absl::StrContains(text, '[')
                                 ? text
                                 : absl::StrCat("[Service]\n", text, "\n"));
    written_.insert(written_.begin(), unit);
    MustShell("systemctl daemon-reload");
  }
  void WriteDocumented(const std::string& unit) {
    Write(unit, DocumentedFile(kUnits + unit));
  }
  void Start(const std::string& text) {
    Write(name_ + ".service", text);
    MustShell("systemctl start " + name_);
  }

  std::string Body(const std::string& program,
                   const std::string& socket = kHeadSocket) {
    return absl::StrCat("deptyr body --name ", name_, " ", socket, " -- ",
                        program, "\n");
  }

 private:
  std::vector<std::string> written_;
};

// --- The units ---------------------------------------------------------------

TEST_F(SystemdTest, TheUnitsHaveNoMistakes) {
  // It doesn't know ExecSearchPath=, by which `deptyr` is found here.
  EXPECT_EQ(MustShell("systemd-analyze verify --man=no deptyr-head.socket"
                      " deptyr-head.service deptyr@htop.service"
                      " deptyr-log@htop.service 2>&1"
                      " | grep -v 'Command deptyr is not executable' || :"),
            "");
}

TEST_F(SystemdTest, AHeadThatCannotStartIsTriedOnceASecond) {
  EXPECT_EQ(Show("deptyr-head.service", "RestartUSec"), "1s");
}

TEST_F(SystemdTest, HeadIsExposedToLessThanTwoAndAHalf) {
  MustShell("systemd-analyze security --offline=true --threshold=25 " +
            SourceFile("systemd/deptyr-head.service"));
}

TEST_F(SystemdTest, TheDocumentedCommandsWork) {
  for (const std::string& command : DocumentedCommands("systemd", "sh")) {
    MustShell(command);
  }
}

TEST_F(SystemdTest, TheServiceInReadmeWorks) {
  // The rest of the machine doesn't see this folder.
  MustShell("mount -n -t tmpfs tmpfs /srv");
  std::filesystem::create_directory("/srv/mc");
  WriteScript("/srv/mc/server",
              "#!/bin/sh\n"
              "echo Done\n"
              "while read -r line; do\n"
              "  [ \"$line\" != stop ] || { echo Saving; exit; }\n"
              "done\n");
  const char kPage[] = "README.md";
  Write("mc.service",
        DocumentedFile(kUnits + std::string("mc.service"), kPage));
  for (const std::string& command :
       DocumentedCommands("A service with a console", "sh", kPage)) {
    // The others there are for scripts, and need no unit.
    if (absl::StartsWith(command, "deptyr wait")) break;
    MustShell(command);
  }
  // The last of them sent a signal.
  EXPECT_TRUE(Becomes("mc", "NRestarts", "1"));
  EXPECT_TRUE(JournalGets(
      "mc", AllOf(HasSubstr("Done\n"), HasSubstr("ended: signal 1 (Hangup)"))));
  MustShell("deptyr wait mc --for Done && systemctl stop mc");
  EXPECT_TRUE(JournalGets("mc", HasSubstr("Saving\n")));
  EXPECT_EQ(Show("mc", "Result"), "success");
  MustShell("umount -n /srv");
}

TEST_F(SystemdTest, HeadIsNotRoot) {
  MustShell("systemctl start deptyr-head");
  EXPECT_NE(
      MustShell(absl::StrCat("stat -c %u /proc/", MainPid("deptyr-head"))),
      "0\n");
}

TEST_F(SystemdTest, HeadHasNoPrivilegesAndMayCallLittle) {
  MustShell("systemctl start deptyr-head");
  const std::string status =
      ReadFile(absl::StrCat("/proc/", MainPid("deptyr-head"), "/status"));
  for (const char* line :
       {"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n",
        "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n",
        "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"}) {
    EXPECT_THAT(status, HasSubstr(line));
  }
}

TEST_F(SystemdTest, TheSocketIsRootsOnlyAndGoesWithItsUnit) {
  EXPECT_EQ(MustShell(absl::StrCat("stat -c '%u %a' ", kHeadSocket)),
            "0 600\n");
  MustShell("systemctl stop deptyr-head.socket deptyr-head.service");
  EXPECT_FALSE(std::filesystem::exists(kHeadSocket));
  MustShell("systemctl start deptyr-head.socket");
}

// --- The program -------------------------------------------------------------

TEST_F(SystemdTest, TheMainPidIsTheProgramAndItsParentIsSystemd) {
  MustShell("systemctl start deptyr@htop");
  ASSERT_TRUE(
      WaitFor([] { return ProgramOf(MainPid("deptyr@htop")) == "htop"; }));
  const pid_t pid = MainPid("deptyr@htop");
  EXPECT_EQ(ParentOf(pid), 1);
  EXPECT_TRUE(JournalGets(
      "deptyr-head",
      HasSubstr(absl::StrCat("session=htop pid=", pid, " uid=0 registered"))));
  MustShell("systemctl stop deptyr@htop");
  EXPECT_TRUE(
      JournalGets("deptyr-head",
                  HasSubstr(absl::StrCat("session=htop pid=", pid, " ended"))));
}

TEST_F(SystemdTest, TheProgramHasATerminalOfItsOwn) {
  Start("User=games\nSupplementaryGroups=root\nExecStart=+" +
        Body("report " + name_));
  const Report report(name_);
  EXPECT_EQ(report.pid(), MainPid(name_));
  EXPECT_THAT(report["fd0"],
              AllOf(StartsWith("/dev/pts/"), EndsWith(" read-write")));
  EXPECT_EQ(report["fd1"], report["fd0"]);
  EXPECT_EQ(report["fd2"], report["fd0"]);
  EXPECT_EQ(report["terminal"], "controls us");
  EXPECT_EQ(report["foreground"], "yes");
}

TEST_F(SystemdTest, AllElseIsAsSystemdGaveIt) {
  Write(name_ + ".socket",
        "[Socket]\nListenStream=" + socket_ + "\nFileDescriptorName=mine\n");
  const std::string given = absl::StrCat(
      "Type=exec\nSockets=", name_, ".socket\nNotifyAccess=main\nUMask=0027\n",
      "IgnoreSIGPIPE=no\nLimitNOFILE=333:4444\nLimitCORE=0\nNice=5\n",
      "WorkingDirectory=/usr\nEnvironment=LANG=C MINE=1\n",
      "ExecStart=env --block-signal=USR1 --ignore-signal=USR2,HUP ");
  Start(given + Body("report " + name_));
  const Report report(name_);
  Write(name_ + "-direct.service", given + "report " + name_ + "-direct");
  MustShell("systemctl start " + name_ + "-direct");
  const Report direct(name_ + "-direct");

  EXPECT_EQ(direct["fd0"], "/dev/null read-only");
  EXPECT_THAT(direct.AsFound({}),
              AllOf(Contains("umask 23"), Contains("env LISTEN_FDS=1"),
                    Contains(StartsWith("fd 3 socket:")),
                    Contains(StartsWith("env NOTIFY_"))));
  // systemd makes these anew for each unit, and body adds some.
  const std::vector<std::string> except = {
      "INVOCATION_ID",  "JOURNAL_STREAM", "LISTEN_PID", "SYSTEMD_EXEC_PID",
      "DEPTYR_SESSION", "DEPTYR_SOCKET",  "TERM"};
  EXPECT_THAT(report.AsFound(except), ElementsAreArray(direct.AsFound(except)));
  EXPECT_EQ(report["listen-pid"], "ours");
  EXPECT_THAT(report.AsFound({}),
              AllOf(Contains("env DEPTYR_SESSION=" + name_),
                    Contains(absl::StrCat("env DEPTYR_SOCKET=", kHeadSocket)),
                    Contains("env TERM=xterm-256color"),
                    Contains(StartsWith("env JOURNAL_STREAM="))));
}

TEST_F(SystemdTest, WhatTheProgramShowsIsInItsUnitsJournal) {
  Start("ExecStart=" + Body("sh -c 'printf \"10%%%%\\r20%%%%\\n\"; read x'"));
  EXPECT_TRUE(JournalGets(name_, HasSubstr("20%\n")));
  MustShell("systemctl kill --kill-whom=main -s KILL " + name_);
  EXPECT_TRUE(JournalGets(name_, HasSubstr("ended: signal 9 (Killed)\n")));
  EXPECT_THAT(JournalOf("deptyr-head"), Not(HasSubstr("\n20%\n")));
}

TEST_F(SystemdTest, TheProgramTellsSystemdItselfThatItIsReady) {
  Start("Type=notify\nNotifyAccess=all\nExecStart=" +
        Body("sh -c 'systemd-notify --ready --status=plays; exec sleep 1000'"));
  EXPECT_EQ(Show(name_, "StatusText"), "plays");
}

TEST_F(SystemdTest, SignalsReachTheProgramItself) {
  Start("ExecStart=" + Body("report " + name_));
  const Report report(name_);
  for (const char* signal : {"HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"}) {
    MustShell(absl::StrCat("systemctl kill --kill-whom=main -s ", signal, " ",
                           name_));
    EXPECT_TRUE(report.Had(signal)) << signal;
  }
  EXPECT_EQ(MainPid(name_), report.pid());
  MustShell("systemctl stop " + name_);
  EXPECT_TRUE(report.Had("TERM"));
  EXPECT_EQ(Show(name_, "Result"), "success");
}

TEST_F(SystemdTest, TheExitStatusIsThePrograms) {
  Start("ExecStart=" + Body("sh -c 'exit 42'"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "42"));
  EXPECT_EQ(Show(name_, "ExecMainCode"), "1");  // exited
  EXPECT_EQ(Show(name_, "Result"), "exit-code");
  EXPECT_TRUE(JournalGets("deptyr-head", HasSubstr("ended: exit status 42")));
}

TEST_F(SystemdTest, TheSignalThatEndsItIsThePrograms) {
  Start("LimitCORE=0\nExecStart=" + Body("sh -c 'kill -ABRT $$$$'"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "6"));
  EXPECT_EQ(Show(name_, "ExecMainCode"), "2");  // killed
  EXPECT_EQ(Show(name_, "Result"), "signal");
  EXPECT_TRUE(
      JournalGets("deptyr-head", HasSubstr("ended: signal 6 (Aborted)")));
}

TEST_F(SystemdTest, AProgramThatIsNotThereIs127AndOneLineInEachLog) {
  Start("ExecStart=" + Body("nonesuch"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "127"));
  MustShell("journalctl --sync");
  EXPECT_EQ(JournalOf(name_),
            "deptyr body: execute nonesuch: No such file or directory\n");
  EXPECT_EQ(JournalOf(name_, "3..3"), JournalOf(name_));
  EXPECT_TRUE(JournalGets(
      "deptyr-head", HasSubstr("could not be executed: execute nonesuch")));
}

TEST_F(SystemdTest, AProgramThatCannotBeExecutedIs126) {
  Start("ExecStart=" + Body("/etc/passwd"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "126"));
  MustShell("journalctl --sync");
  EXPECT_EQ(JournalOf(name_),
            "deptyr body: execute /etc/passwd: Permission denied\n");
}

TEST_F(SystemdTest, ACommandLineThatIsWrongIs100) {
  Start("ExecStart=deptyr body --nonesuch " + socket_ + " -- true");
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "100"));
  MustShell("journalctl --sync");
  EXPECT_EQ(JournalOf(name_, "3..3"),
            "deptyr body: unknown option --nonesuch; see deptyr body --help\n");
}

TEST_F(SystemdTest, WhatNoRetryCanMendFailsAtOnceAndNamesTheSetting) {
  Start("RestrictAddressFamilies=AF_INET\nExecStart=" + Body("true"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "111"));
  EXPECT_TRUE(JournalGets(
      name_, AllOf(StartsWith("deptyr body: make a UNIX socket: Address family "
                              "not supported"),
                   HasSubstr("RestrictAddressFamilies="))));
}

TEST_F(SystemdTest, OnAnOldKernelTheUnitTellsHeadHowItsProgramEnded) {
  const std::string wrapper = absl::StrCat(kBinaries, "/old-kernel-head");
  std::filesystem::copy_file("/proc/self/exe", wrapper);
  Write("deptyr-head.service.d/old-kernel.conf",
        absl::StrCat("Environment=", kOldKernelHead,
                     "=1\nExecStart=\nExecStart=", wrapper));
  MustShell("systemctl restart deptyr-head.service");
  const std::string unit = absl::StrCat("deptyr@", name_, ".service");
  for (const auto& [program, how] :
       {std::pair("sh -c 'exit 42'", "ended: exit status 42\n"),
        std::pair("sh -c 'kill -KILL $$$$'", "ended: signal 9 (Killed)\n")}) {
    Write(unit + ".d/program.conf",
          "Restart=no\nExecStart=\nExecStart=" + Body(program));
    MustShell("systemctl start " + unit);
    EXPECT_TRUE(JournalGets("deptyr-head", HasSubstr(how)));
    // Until ExecStopPost= has ended, a unit without our Restart= would start
    // again.
    EXPECT_TRUE(Becomes(unit, "ActiveState", "failed"));
  }
  EXPECT_THAT(JournalOf(unit), Not(HasSubstr("deptyr ended")));
  // The next one has this machine's own kernel again.
  MustShell("systemctl stop deptyr-head.service");
}

TEST_F(SystemdTest, TheLogUnitHasTheLinesOfASession) {
  const std::string log = absl::StrCat("deptyr-log@", name_, ".service");
  MustShell("systemctl start " + log);
  Start("ExecStart=" + Body("printf 'one\\r2\\n'"));
  EXPECT_TRUE(JournalGets(log, HasSubstr("2ne\n")));
  MustShell("systemctl stop " + log);
}

// --- Restarts ----------------------------------------------------------------

TEST_F(SystemdTest, AfterACrashTheNextRunIsTheSameSession) {
  Start("Restart=always\nLimitCORE=0\nExecStart=" + Body("sleep 1000"));
  const pid_t first = MainPid(name_);
  ASSERT_TRUE(WaitFor([&] { return ProgramOf(first) == "sleep"; }));
  MustShell("systemctl kill --kill-whom=main -s SEGV " + name_);
  ASSERT_TRUE(Becomes(name_, "NRestarts", "1"));
  ASSERT_TRUE(Becomes(name_, "MainPID", Not("0")));
  EXPECT_TRUE(JournalGets(
      "deptyr-head",
      AllOf(HasSubstr(absl::StrCat("session=", name_, " pid=", first,
                                   " ended: signal 11 (Segmentation fault)")),
            HasSubstr(absl::StrCat("session=", name_, " pid=", MainPid(name_),
                                   " uid=0 registered")))));
}

TEST_F(SystemdTest, AViewerSeesTheCrashAndTheNextRun) {
  Screen screen(socket_);
  Start("Restart=always\nLimitCORE=0\nExecStart=" +
        Body("sh -c 'echo run $$$$; exec sleep 1000'", socket_));
  const pid_t first = MainPid(name_);
  ASSERT_TRUE(screen.Shows(HasSubstr(absl::StrCat("run ", first, "\r\n"))));
  MustShell("systemctl kill --kill-whom=main -s KILL " + name_);
  ASSERT_TRUE(screen.Shows(HasSubstr("ended: signal 9 (Killed)")));
  ASSERT_TRUE(Becomes(name_, "MainPID", Not(AnyOf("0", absl::StrCat(first)))));
  EXPECT_TRUE(
      screen.Shows(HasSubstr(absl::StrCat("run ", MainPid(name_), "\r\n"))));
}

TEST_F(SystemdTest, AViewerSeesWhyAProgramCouldNotBeExecuted) {
  Screen screen(socket_);
  Start("ExecStart=" + Body("nonesuch", socket_));
  EXPECT_TRUE(screen.Shows(
      HasSubstr("could not be executed: execute nonesuch: No such file")));
}

// --- Before, without and after head ------------------------------------------

TEST_F(SystemdTest, AProgramStartsHeadThroughItsSocket) {
  MustShell("systemctl stop deptyr-head.service");
  EXPECT_EQ(Show("deptyr-head.service", "ActiveState"), "inactive");
  Start("ExecStart=" + Body("report " + name_));
  EXPECT_EQ(Report(name_).pid(), MainPid(name_));
  EXPECT_EQ(Show("deptyr-head.service", "ActiveState"), "active");
  EXPECT_EQ(JournalOf(name_), "");
}

TEST_F(SystemdTest, ABodyThatIsThereBeforeHeadWaitsAndIsServed) {
  Start("ExecStart=" + Body("report " + name_, socket_));
  const pid_t pid = MainPid(name_);
  ASSERT_TRUE(JournalGets(
      name_, HasSubstr("waiting up to 2m for head: connect to head at " +
                       socket_ + ": No such file or directory")));
  EXPECT_EQ(ProgramOf(pid), "deptyr");
  Write(name_ + "-head.service",
        "Type=notify\nExecStart=deptyr head " + socket_);
  MustShell("systemctl start " + name_ + "-head");
  EXPECT_EQ(Report(name_).pid(), pid);
  EXPECT_EQ(Show(name_, "NRestarts"), "0");
}

TEST_F(SystemdTest, HeadIsReadyBeforeWhatComesAfterIt) {
  // Head's start is held up, and units ordered after it have to wait.
  MustShell("systemctl stop deptyr-head.service");
  MustShell("mkfifo -m 666 " + File(".go"));
  Write("deptyr-head.service.d/slow.conf",
        "ExecStart=\nExecStart=sh -c 'read go < " + File(".go") +
            "; exec deptyr head " + kHeadSocket + "'");
  Write(name_ + ".service",
        "[Unit]\nRequires=deptyr-head.service\nAfter=deptyr-head.service\n"
        "[Service]\nExecStart=sleep 1000\n");
  MustShell("systemctl start --no-block " + name_);
  ASSERT_TRUE(Becomes("deptyr-head.service", "MainPID", Not("0")));
  EXPECT_EQ(Show("deptyr-head.service", "ActiveState"), "activating");
  EXPECT_EQ(MainPid(name_), 0);
  MustShell("echo go > " + File(".go"));
  EXPECT_TRUE(Becomes(name_, "ActiveState", "active"));
  EXPECT_EQ(Show("deptyr-head.service", "ActiveState"), "active");
}

TEST_F(SystemdTest, StatusTellsOfTheSessions) {
  MustShell("systemctl restart deptyr-head.service");
  EXPECT_TRUE(Becomes("deptyr-head", "StatusText", StartsWith("0 program")));
  Start("ExecStart=" + Body("sleep 1000"));
  EXPECT_TRUE(Becomes("deptyr-head", "StatusText", StartsWith("1 program")));
  MustShell("systemctl stop " + name_);
  EXPECT_TRUE(Becomes("deptyr-head", "StatusText",
                      AllOf(StartsWith("0 program"), HasSubstr("1 ended"))));
}

TEST_F(SystemdTest, JournalLinesHaveTheirPriorities) {
  MustShell(
      absl::StrCat("systemctl start deptyr-head && "
                   "echo garbage | socat - UNIX-CONNECT:",
                   kHeadSocket));
  EXPECT_TRUE(JournalGets("deptyr-head", HasSubstr("deptyr: refused pid=")));
  EXPECT_THAT(JournalOf("deptyr-head", "4..4"), HasSubstr("deptyr: refused"));
  EXPECT_THAT(
      JournalOf("deptyr-head", "6..6"),
      AllOf(HasSubstr("deptyr: head pid="), Not(HasSubstr("deptyr: refused"))));
  EXPECT_THAT(JournalOf("deptyr-head"), Not(HasSubstr("<")));
  Write(name_ + ".service", "ExecStart=deptyr head /nonesuch/head.sock");
  MustShell("systemctl start " + name_);
  EXPECT_TRUE(JournalGets(name_, HasSubstr("/nonesuch")));
  EXPECT_EQ(JournalOf(name_), JournalOf(name_, "3..3"));
}

TEST_F(SystemdTest, HeadStoppedEndsWith0AndTheLogNamesWhoLostTheirTerminal) {
  Start("ExecStart=" + Body("report " + name_));
  const Report report(name_);
  MustShell("systemctl stop deptyr-head.service");
  EXPECT_TRUE(report.Had("HUP"));
  EXPECT_EQ(Show("deptyr-head.service", "Result"), "success");
  EXPECT_EQ(Show("deptyr-head.service", "ExecMainStatus"), "0");
  EXPECT_TRUE(JournalGets(
      "deptyr-head",
      HasSubstr(absl::StrCat("get SIGHUP: ", name_, " (pid ", report.pid()))));
}

TEST_F(SystemdTest, HeadStoppedRemovesTheSocketItMade) {
  Start("Type=notify\nExecStart=deptyr head " + socket_);
  EXPECT_EQ(MustShell("stat -c %a " + socket_), "600\n");
  MustShell("systemctl stop " + name_);
  EXPECT_EQ(Show(name_, "Result"), "success");
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(SystemdTest, StoppedTogetherHeadOutlivesItsPrograms) {
  // This program takes its time.
  MustShell("mkfifo " + File(".go"));
  WriteScript(File(".sh"),
              "#!/bin/sh\n"
              "trap 'echo > " +
                  File(".stopping") + "; read go < " + File(".go") +
                  "; exit 0' TERM\n"
                  "echo > " +
                  File(".started") + "\nsleep 1000 & wait\n");
  // One transaction stops both, as at a shutdown.
  const std::string part_of = "[Unit]\nPartOf=" + name_ + ".target\n";
  const std::string unit = "deptyr@" + name_ + ".service";
  Write(name_ + ".target", "[Unit]\n");
  Write("deptyr-head.service.d/part.conf", part_of);
  Write(unit + ".d/program.conf",
        part_of + "[Service]\nExecStart=\nExecStart=" + Body(File(".sh")));
  MustShell("systemctl start " + name_ + ".target " + unit);
  ASSERT_TRUE(
      WaitFor([] { return std::filesystem::exists(File(".started")); }));
  MustShell("systemctl stop " + name_ + ".target");
  ASSERT_TRUE(
      WaitFor([] { return std::filesystem::exists(File(".stopping")); }));
  EXPECT_THAT(MustShell("systemctl list-jobs"),
              ContainsRegex("deptyr-head.service +stop waiting"));
  MustShell("echo go > " + File(".go"));
  EXPECT_TRUE(Becomes(unit, "ActiveState", "inactive"));
  EXPECT_EQ(Show(unit, "Result"), "success");
  EXPECT_TRUE(Becomes("deptyr-head.service", "ActiveState", "inactive"));
}

TEST_F(SystemdTest, HeadKilledIsRestartedAndItsProgramsGoOn) {
  Write("deptyr@" + name_ + ".service.d/program.conf",
        "ExecStart=\nExecStart=" + Body("sleep 1000"));
  const std::string unit = "deptyr@" + name_;
  MustShell("systemctl start " + unit);
  const pid_t program = MainPid(unit);
  const pid_t head = MainPid("deptyr-head");
  ASSERT_TRUE(WaitFor([&] { return ProgramOf(program) == "sleep"; }));
  MustShell("systemctl kill -s KILL deptyr-head.service");
  EXPECT_TRUE(
      JournalGets("deptyr-head",
                  HasSubstr(absl::StrCat("session=", name_,
                                         " taken back; runs, pid ", program))));
  EXPECT_NE(MainPid("deptyr-head"), head);
  EXPECT_EQ(MainPid(unit), program);
  EXPECT_EQ(Show(unit, "NRestarts"), "0");
  EXPECT_TRUE(WaitFor([] {
    return absl::StrContains(MustShell("journalctl -o cat -u deptyr-head"),
                             "code=killed, status=9/KILL");
  }));
  MustShell("systemctl stop " + unit);
}

// --- kill -9 -----------------------------------------------------------------

TEST_F(SystemdTest, ABodyKilledWhileItWaitsLeavesNothing) {
  Start("ExecStart=" + Body("report " + name_, socket_));
  ASSERT_TRUE(JournalGets(name_, HasSubstr("waiting up to")));
  MustShell("systemctl kill -s KILL " + name_);
  EXPECT_TRUE(Becomes(name_, "Result", "signal"));
  Screen screen(socket_);
  EXPECT_TRUE(screen.Shows(HasSubstr("waits for its first program")));
}

TEST_F(SystemdTest, ABodyKilledWhileItRegistersLeavesOneLineAndNoSession) {
  Write(name_ + "-head.service",
        "Type=notify\nExecStart=deptyr head " + socket_);
  MustShell("systemctl start " + name_ + "-head");
  MustShell("systemctl kill -s STOP " + name_ + "-head");
  Start("ExecStart=" + Body("report " + name_, socket_));
  const pid_t body = MainPid(name_);
  // It has sent its registration and waits for the answer: recvmsg(2).
  ASSERT_TRUE(WaitFor([&] {
    return absl::StartsWith(ReadFile(absl::StrCat("/proc/", body, "/syscall")),
                            "47 ");
  }));
  MustShell("systemctl kill -s KILL " + name_);
  EXPECT_TRUE(Becomes(name_, "Result", "signal"));
  MustShell("systemctl kill -s CONT " + name_ + "-head");
  EXPECT_TRUE(
      JournalGets(name_ + "-head", HasSubstr(absl::StrCat(" pid=", body,
                                                          " went away while it "
                                                          "registered\n"))));
  EXPECT_TRUE(Becomes(name_ + "-head", "StatusText", StartsWith("0 program")));
  EXPECT_FALSE(std::filesystem::exists(File("")));
}

TEST_F(SystemdTest, AfterAHeadThatIsKilledBeforeItAnswersTheNextOneServes) {
  Write(name_ + "-head.service",
        "Type=notify\nExecStart=deptyr head " + socket_);
  MustShell("systemctl start " + name_ + "-head");
  MustShell("systemctl kill -s STOP " + name_ + "-head");
  Start("ExecStart=" + Body("report " + name_, socket_));
  const pid_t body = MainPid(name_);
  ASSERT_TRUE(WaitFor([&] {
    return absl::StartsWith(ReadFile(absl::StrCat("/proc/", body, "/syscall")),
                            "47 ");
  }));
  MustShell("systemctl kill -s KILL " + name_ + "-head");
  EXPECT_TRUE(
      JournalGets(name_, HasSubstr("head went away without an answer")));
  // Starting a unit does nothing if systemd doesn't know that it ended.
  ASSERT_TRUE(Becomes(name_ + "-head", "ActiveState", "failed"));
  MustShell("systemctl start " + name_ + "-head");
  EXPECT_TRUE(JournalGets(
      name_ + "-head", HasSubstr(absl::StrCat("session=", name_, " pid=", body,
                                              " uid=0 registered"))));
}

TEST_F(SystemdTest, AllOfAUnitKilledIsTheEndOfItsSessionsProgram) {
  Start("ExecStart=" + Body("sh -c 'sleep 1000 & wait'"));
  const pid_t pid = MainPid(name_);
  ASSERT_TRUE(JournalGets(
      "deptyr-head", HasSubstr(absl::StrCat("session=", name_, " pid=", pid,
                                            " uid=0 registered"))));
  MustShell("systemctl kill -s KILL " + name_);
  EXPECT_TRUE(JournalGets(
      "deptyr-head", HasSubstr(absl::StrCat("session=", name_, " pid=", pid,
                                            " ended: signal 9 (Killed)"))));
}

// --- Other users -------------------------------------------------------------

TEST_F(SystemdTest, ProgramsOfOtherUsersConnectIfTheSocketsGroupSaysSo) {
  MustShell(absl::StrCat("ln ", kBinaries, "/report ", kBinaries, "/mytool"));
  Write("mytool.service", "ExecStart=false");
  WriteDocumented("mytool.service.d/terminal.conf");
  WriteDocumented("mytool.service.d/user.conf");
  MustShell("systemctl start mytool");
  ASSERT_TRUE(JournalGets("mytool", HasSubstr("Permission denied")));
  MustShell("systemctl stop mytool");  // or it might find the new socket first
  WriteDocumented("deptyr-head.socket.d/group.conf");
  MustShell("systemctl stop deptyr-head.socket deptyr-head.service");
  MustShell("systemctl start deptyr-head.socket");
  MustShell("systemctl start mytool");
  const Report report("--verbose");
  EXPECT_EQ(report["uid"], "65534");
  EXPECT_EQ(MainPid("mytool"), report.pid());
  EXPECT_TRUE(JournalGets(
      "deptyr-head", HasSubstr(absl::StrCat("session=mytool pid=", report.pid(),
                                            " uid=65534 registered"))));
  // Each user has their own names, because head tells all users apart.
  Start(absl::StrCat("User=games\nExecStart=deptyr body --name mytool ",
                     kHeadSocket, " -- true"));
  EXPECT_TRUE(Becomes(name_, "ExecMainStatus", "111"));
  EXPECT_TRUE(JournalGets(name_, HasSubstr("belongs to another user")));
}

TEST_F(SystemdTest, AGroupMayDoWhatTheUnitSays) {
  WriteDocumented("deptyr-head.socket.d/group.conf");
  // The rest of the machine doesn't see this folder.
  MustShell("mount -n -t tmpfs tmpfs /etc/default");
  WriteFile("/etc/default/deptyr", DocumentedFile("/etc/default/deptyr"));
  MustShell("systemctl stop deptyr-head.socket deptyr-head.service");
  MustShell("systemctl start deptyr-head.socket");
  Start("ExecStart=" + Body("cat"));
  ASSERT_TRUE(JournalGets(
      "deptyr-head",
      HasSubstr(absl::StrCat("session=", name_, " pid=", MainPid(name_),
                             " uid=0 registered"))));
  const auto as = [&](absl::string_view groups, absl::string_view verb,
                      absl::string_view text = "") {
    return Shell(absl::StrCat("setpriv --reuid nobody --regid nogroup ", groups,
                              " -- deptyr ", verb, " ", kHeadSocket, " ", name_,
                              " ", text));
  };
  const char kMember[] = "--groups games";
  EXPECT_EQ(as(kMember, "send --enter", "hello").text, "");
  EXPECT_TRUE(WaitFor([&] {
    return absl::StrContains(as(kMember, "snapshot").text, "hello");
  }));
  EXPECT_THAT(as(kMember, "kick").text, HasSubstr("may not administer"));
  EXPECT_THAT(as("--clear-groups", "snapshot").text,
              HasSubstr("Permission denied"));
  // The filter allows an upgrade, too.
  EXPECT_THAT(MustShell(absl::StrCat("deptyr upgrade ", kHeadSocket)),
              HasSubstr("head, pid"));
  EXPECT_EQ(as(kMember, "snapshot").status, ExitStatus{});
  EXPECT_THAT(MustShell("tr '\\0' ' ' < /proc/$(systemctl show -P MainPID "
                        "deptyr-head)/cmdline"),
              HasSubstr("head --allow group:games=type,resize /run"));
  MustShell("umount -n /etc/default");
}

// --- A user's own manager ----------------------------------------------------

TEST_F(SystemdTest, AUsersOwnManagerRunsTheUserUnits) {
  const std::string units = File("-units/");
  for (const char* unit :
       {"deptyr-head.socket", "deptyr-head.service", "deptyr@.service"}) {
    WriteFile(units + unit, ReadFile(SourceFile("systemd/user/") + unit));
  }
  // The machine's own units for users would add these.
  for (const char* target :
       {"basic", "default", "sockets", "timers", "paths", "shutdown"}) {
    WriteFile(absl::StrCat(units, target, ".target"),
              "[Unit]\nDefaultDependencies=no\n");
  }
  WriteFile(units + "service.d/path.conf",
            absl::StrCat("[Service]\nExecSearchPath=", kBinaries,
                         ":/usr/bin:/bin\n"));
  MustShell("install -d -o games -g games -m 700 /run/user /run/user/games");
  Start(
      "Type=notify\nDelegate=yes\nUser=games\n"
      "Environment=XDG_RUNTIME_DIR=/run/user/games SYSTEMD_UNIT_PATH=" +
      units + "\nExecStart=/lib/systemd/systemd --user\nKillSignal=SIGKILL\n");
  const auto as_user = [](const std::string& command) {
    return MustShell(
        "setpriv --reuid games --regid games --clear-groups "
        "env XDG_RUNTIME_DIR=/run/user/games " +
        command);
  };
  as_user("systemctl --user start deptyr-head.socket");
  as_user("systemctl --user start deptyr@htop");
  const auto main_pid = [&] {
    return std::atoi(
        as_user("systemctl --user show -P MainPID deptyr@htop").c_str());
  };
  ASSERT_TRUE(WaitFor([&] { return ProgramOf(main_pid()) == "htop"; }));
  EXPECT_EQ(ParentOf(main_pid()), MainPid(name_));
  EXPECT_EQ(as_user("stat -c '%U %a' /run/user/games/deptyr/head.sock"),
            "games 600\n");
  EXPECT_TRUE(WaitFor([&] {
    return absl::StartsWith(
        as_user("systemctl --user show -P StatusText deptyr-head"),
        "1 program");
  }));
}

}  // namespace
}  // namespace deptyr
