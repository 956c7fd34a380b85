// Tests head as a service: its socket, how it is given listeners and reports
// that it is ready, its log, and how it works on a machine that has little
// left.

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/unix_socket.h"
#include "tests/support/bound_socket.h"
#include "tests/support/deptyr.h"
#include "tests/support/kernel.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

bool Exists(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0;
}

std::string ModeOf(const std::string& path) {
  struct stat file {};
  constexpr mode_t kPermissions = 07777;
  if (::lstat(path.c_str(), &file) != 0) return "none";
  return absl::StrFormat("%o", file.st_mode & kPermissions);
}

ExitStatus Served(const std::string& socket) {
  BodyProcess body(socket, {"--wait=0"}, {"true"});
  return body.Wait().value_or(ExitStatus{.code = -1});
}

// --- the socket --------------------------------------------------------------

TEST(HeadSocketTest, ASecondHeadOnALiveSocketIsRefused) {
  HeadProcess first;
  HeadProcess second({}, {.socket = first.socket()});
  EXPECT_FALSE(second.ready());
  EXPECT_EQ(second.program().Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(second.log().lines(),
              ElementsAre(absl::StrCat(
                  "deptyr head: ", first.socket(),
                  " is already served by another process; stop that head "
                  "first or name another path")));
  // The first has lost nothing, not even its socket's file.
  EXPECT_EQ(Served(first.socket()), ExitStatus{});
}

TEST(HeadSocketTest, AmongManyThatStartAtOnceExactlyOneGetsTheSocket) {
  const TempDir folder;
  constexpr int kHeads = 20;
  std::vector<std::unique_ptr<HeadProcess>> heads;
  for (int round = 0; round < kHeads; ++round) {
    heads.push_back(std::make_unique<HeadProcess>(
        std::vector<std::string>(),
        HeadProcessOptions{.socket = folder / "sock", .at_once = true}));
  }
  int ready = 0;
  for (const auto& head : heads) ready += head->WaitReady() ? 1 : 0;
  EXPECT_EQ(ready, 1);
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
}

TEST(HeadSocketTest, AStaleSocketIsReplaced) {
  const TempDir folder;
  {
    HeadProcess killed({}, {.socket = folder / "sock"});
    killed.program().Signal(SIGKILL);
    (void)killed.program().Wait();
  }
  ASSERT_TRUE(Exists(folder / "sock"));
  HeadProcess head({}, {.socket = folder / "sock"});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
}

TEST(HeadSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  const TempDir folder;
  WriteFile(folder / "sock", "precious\n");
  HeadProcess head({}, {.socket = folder / "sock"});
  EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(head.log().text(), HasSubstr("exists and is not a socket"));
  EXPECT_EQ(ReadFile(folder / "sock"), "precious\n");
}

TEST(HeadSocketTest, AMissingFolderIsNamed) {
  HeadProcess head({}, {.socket = "/nonexistent/head.sock"});
  EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(
      head.log().lines(),
      ElementsAre(AllOf(StartsWith("deptyr head: "), HasSubstr("/nonexistent"),
                        EndsWith("No such file or directory; make it first"))));
}

TEST(HeadSocketTest, ItsOwnSocketIsRemovedAtTheEnd) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    HeadProcess head;
    EXPECT_TRUE(Exists(head.socket()));
    head.program().Signal(signal);
    EXPECT_EQ(head.program().Wait(), ExitStatus{}) << signal;
    EXPECT_FALSE(Exists(head.socket())) << signal;
  }
}

TEST(HeadSocketTest, AnothersSocketAtTheSamePathIsNot) {
  HeadProcess first;
  ASSERT_EQ(::unlink(first.socket().c_str()), 0);
  HeadProcess second({}, {.socket = first.socket()});
  ASSERT_TRUE(second.ready()) << second.log().text();
  EXPECT_EQ(first.Stop(), ExitStatus{});
  EXPECT_EQ(Served(first.socket()), ExitStatus{});
}

TEST(HeadSocketTest, HangupMakesALostSocketAgain) {
  HeadProcess head({"--mode=0640"});
  ASSERT_EQ(::unlink(head.socket().c_str()), 0);
  head.program().Signal(SIGHUP);
  ASSERT_TRUE(head.log().Until(HasSubstr("restored the socket")));
  EXPECT_EQ(ModeOf(head.socket()), "640");
  EXPECT_EQ(Served(head.socket()), ExitStatus{});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_FALSE(Exists(head.socket()));
}

// Returns a path of `length` bytes in `folder`.
std::string PathOfLength(const TempDir& folder, size_t length) {
  const std::string path = folder / "";
  return path + std::string(length - path.size(), 's');
}

TEST(HeadSocketTest, TheLongestPathThereIsWorks) {
  const TempDir folder;
  const std::string socket = PathOfLength(folder, 108);
  HeadProcess head({}, {.socket = socket});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_EQ(Served(socket), ExitStatus{});
  HeadProcess second({}, {.socket = socket});
  EXPECT_EQ(second.program().Wait(), ExitStatus{.code = 111});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_FALSE(Exists(socket));
}

TEST(HeadSocketTest, ALongerPathIsWrongUsage) {
  const TempDir folder;
  const std::string socket = PathOfLength(folder, 109);
  HeadProcess head({}, {.socket = socket});
  EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(head.log().lines(),
              ElementsAre(absl::StrCat("deptyr head: socket path of 109 bytes; "
                                       "the kernel allows 108: ",
                                       socket)));
}

TEST(HeadSocketTest, AStartedRelativePathIsFromItsFolder) {
  static std::string folder_path;
  const TempDir folder;
  folder_path = folder.path();
  HeadProcess head(
      {}, {.socket = "relative",
           .how = {.prepare = [] { (void)!::chdir(folder_path.c_str()); }}});
  ASSERT_TRUE(head.ready());
  EXPECT_EQ(Served(folder / "relative"), ExitStatus{});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_FALSE(Exists(folder / "relative"));
}

TEST(HeadSocketTest, TheSocketIsForItsOwnerWhateverTheUmask) {
  HeadProcess head({}, {.how = {.prepare = [] { (void)::umask(0); }}});
  EXPECT_EQ(ModeOf(head.socket()), "600");
}

TEST(HeadSocketTest, ModeAndGroupAreAsAskedFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const group* nogroup = ::getgrnam("nogroup");
  ASSERT_NE(nogroup, nullptr);
  for (const std::string& name :
       {std::string("nogroup"), absl::StrCat(nogroup->gr_gid)}) {
    HeadProcess head({"--mode", "0660", "--group", name});
    ASSERT_TRUE(head.ready()) << head.log().text();
    struct stat file {};
    ASSERT_EQ(::lstat(head.socket().c_str(), &file), 0);
    EXPECT_EQ(ModeOf(head.socket()), "660");
    EXPECT_EQ(file.st_gid, nogroup->gr_gid);
  }
}

TEST(HeadSocketTest, AnUnknownGroupIsWrongUsage) {
  HeadProcess head({"--group=no-such-group"});
  EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(head.log().text(), HasSubstr("no such group: no-such-group"));
  EXPECT_FALSE(Exists(head.socket()));
}

// We look while the system call that makes the file, and each after it, is held
// up at its end.
TEST(HeadSocketTest, AtNoInstantHasTheSocketAnotherModeThanAskedFor) {
  const TempDir folder;
  HeadProcess head(
      {"--mode=0660", "--group=0"},
      {.socket = folder / "sock",
       .wrapper =
           {"strace", "-o", "/dev/null", "-e",
            "trace=bind,umask,chmod,fchmodat,chown,fchownat,listen,renameat2",
            "-e",
            "inject=bind,umask,chmod,fchmodat,chown,fchownat,listen,"
            "renameat2:delay_exit=100000"},
       .at_once = true,
       .how = {.prepare = [] { (void)::umask(0); }}});
  std::vector<std::string> modes = {"none"};
  ASSERT_TRUE(WaitFor([&] {
    const std::string mode = ModeOf(folder / "sock");
    if (mode != modes.back()) modes.push_back(mode);
    return head.HasSaid();
  }));
  // On a busy machine we may miss a mode.
  EXPECT_THAT(modes, testing::IsSubsetOf({"none", "660"}));
  EXPECT_EQ(ModeOf(folder / "sock"), "660");
  for (const pid_t traced : ChildrenOf(head.pid())) {
    (void)::kill(traced, SIGTERM);
  }
  EXPECT_EQ(head.program().Wait(), ExitStatus{});
}

// --- sockets that are given to it --------------------------------------------

void SetListenPid() {
  (void)::setenv("LISTEN_PID", absl::StrCat(::getpid()).c_str(), 1);
}

TEST(HeadInheritedSocketTest, ASocketOfSystemdsIsServedAndStays) {
  const TempDir folder;
  const Fd socket = BindAndListen(folder / "sock");
  // A body that came before head waits in the backlog.
  BodyProcess early(folder / "sock", {}, {"sh", "-c", "exit 3"});
  ASSERT_NE(WaitForEvents(socket.get(), POLLIN), 0);
  HeadProcess head({}, {.socket = folder / "sock",
                        .how = {.fds = {{socket.get(), 3}},
                                .env = {"LISTEN_FDS=1"},
                                .prepare = SetListenPid}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_THAT(head.log().text(), HasSubstr("(inherited)"));
  EXPECT_EQ(early.Wait(), ExitStatus{.code = 3});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_TRUE(Exists(folder / "sock"));
  // The next head takes it over.
  HeadProcess next({}, {.socket = folder / "sock",
                        .how = {.fds = {{socket.get(), 3}},
                                .env = {"LISTEN_FDS=1"},
                                .prepare = SetListenPid}});
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
}

TEST(HeadInheritedSocketTest, OfSeveralItTakesTheOneThatIsMeant) {
  const TempDir folder;
  const Fd other = BindAndListen(folder / "other");
  const Fd socket = BindAndListen(folder / "sock");
  HeadProcess head({}, {.socket = folder / "sock",
                        .how = {.fds = {{other.get(), 3}, {socket.get(), 4}},
                                .env = {"LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"},
                                .prepare = SetListenPid}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
}

TEST(HeadInheritedSocketTest, OneNamedHeadIsMeantWhereverItIs) {
  const TempDir folder;
  const Fd socket = BindAndListen(folder / "elsewhere");
  const Fd other = BindAndListen(folder / "other");
  HeadProcess head({},
                   {.socket = folder / "sock",
                    .how = {.fds = {{other.get(), 3}, {socket.get(), 4}},
                            .env = {"LISTEN_FDS=2", "LISTEN_FDNAMES=a:head"},
                            .prepare = SetListenPid}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_EQ(Served(folder / "elsewhere"), ExitStatus{});
}

TEST(HeadInheritedSocketTest, WhatWasGivenToAnotherProcessIsNotItsOwn) {
  const TempDir folder;
  const Fd socket = BindAndListen(folder / "other");
  HeadProcess head({}, {.socket = folder / "sock",
                        .how = {.fds = {{socket.get(), 3}},
                                .env = {"LISTEN_FDS=1", "LISTEN_PID=1",
                                        "LISTEN_FDNAMES=head"}}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_THAT(head.log().text(), Not(HasSubstr("(inherited)")));
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
}

TEST(HeadInheritedSocketTest, NonsenseInTheEnvironmentIsSurvived) {
  for (const char* const count : {"-1", "999999999", "x", "", "2"}) {
    HeadProcess head({}, {.how = {.env = {absl::StrCat("LISTEN_FDS=", count),
                                          "LISTEN_FDNAMES=:::"},
                                  .prepare = SetListenPid}});
    EXPECT_TRUE(head.ready()) << count << ": " << head.log().text();
  }
}

TEST(HeadInheritedSocketTest, ASocketOnDescriptor0IsServed) {
  const TempDir folder;
  const Fd socket = BindAndListen(folder / "sock");
  HeadProcess head({}, {.socket = folder / "sock", .stdin_fd = socket.get()});
  ASSERT_TRUE(head.ready()) << head.log().text();
  EXPECT_THAT(head.log().text(), HasSubstr("(inherited)"));
  EXPECT_EQ(Served(folder / "sock"), ExitStatus{});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_TRUE(Exists(folder / "sock"));
}

// --- readiness and log -------------------------------------------------------

class NotifySocket {
 public:
  // An abstract name starts with '@'.
  explicit NotifySocket(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path);
    if (name[0] == '@') address.sun_path[0] = '\0';
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                            name.size())),
              0);
  }
  // Waits for a message that is `wanted`; those before it are forgotten.
  testing::AssertionResult Until(
      const testing::Matcher<const std::string&>& wanted) {
    std::vector<std::string> got;
    while (WaitForEvents(fd_.get(), POLLIN) != 0) {
      std::array<char, 4096> room;
      const ssize_t count = ::recv(fd_.get(), room.data(), room.size(), 0);
      got.emplace_back(room.data(),
                       static_cast<size_t>(std::max<ssize_t>(count, 0)));
      if (wanted.Matches(got.back())) return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << testing::PrintToString(got);
  }

 private:
  Fd fd_;
};

TEST(HeadReadinessTest, SystemdIsToldOfReadinessStatusAndTheEnd) {
  const TempDir folder;
  for (const std::string& name :
       {folder / "notify", absl::StrCat("@deptyr-test-", ::getpid())}) {
    NotifySocket notify(name);
    HeadProcess head({},
                     {.how = {.env = {absl::StrCat("NOTIFY_SOCKET=", name)}}});
    EXPECT_TRUE(notify.Until(HasSubstr("READY=1")));
    EXPECT_TRUE(notify.Until(HasSubstr("STATUS=0 programs run")));
    BodyProcess body(head.socket(), {},
                     {"sh", "-c", "env > " + folder / "env" + "; exec cat"});
    EXPECT_TRUE(notify.Until(HasSubstr("STATUS=1 programs run")));
    body.program().Signal(SIGKILL);
    (void)body.Wait();
    EXPECT_TRUE(notify.Until(HasSubstr("STATUS=0 programs run, 1 ended")));
    head.program().Signal(SIGTERM);
    EXPECT_TRUE(notify.Until(HasSubstr("STOPPING=1")));
    EXPECT_EQ(head.program().Wait(), ExitStatus{});
  }
}

TEST(HeadReadinessTest, ReadyMeansThatABodyIsServed) {
  for (int round = 0; round < 20; ++round) {
    HeadProcess head;
    ASSERT_TRUE(head.ready());
    EXPECT_EQ(Served(head.socket()), ExitStatus{});
  }
}

TEST(HeadLogTest, OneLineTellsOfAStartAndOneOfAnEnd) {
  HeadProcess head;
  BodyProcess body(head.socket(), {"--name=a"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3});
  ASSERT_TRUE(head.log().Until(HasSubstr("ended")));
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_THAT(
      head.log().lines(),
      ElementsAre(AllOf(StartsWith(absl::StrCat("deptyr: head pid=", head.pid(),
                                                " listens on ", head.socket())),
                        HasSubstr("if it ends, its programs get SIGHUP")),
                  absl::StrCat("deptyr: session=a pid=", body.pid(), " uid=",
                               ::getuid(), " registered: sh -c exit 3"),
                  StartsWith(absl::StrCat("deptyr: session=a pid=", body.pid(),
                                          " ended: exit status 3, after ")),
                  "deptyr: head ends: Terminated",
                  "deptyr: head has ended; no program ran"));
}

TEST(HeadLogTest, InTheJournalLinesHaveTheirSeverity) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()),
            0);
  const Fd ours(ends[0]);
  const Fd theirs(ends[1]);
  struct stat file {};
  ASSERT_EQ(::fstat(theirs.get(), &file), 0);
  HeadProcess head(
      {}, {.stderr_fd = theirs.get(),
           .how = {.env = {absl::StrCat("JOURNAL_STREAM=", file.st_dev, ":",
                                        file.st_ino)}}});
  OutputReader log(ours.get());
  EXPECT_TRUE(log.Until(StartsWith("<6>deptyr: head pid=")));
}

TEST(HeadLogTest, WhatAPersonNamesIsPrintedHarmlessly) {
  HeadProcess head;
  BodyProcess body(head.socket(), {"--name=a"},
                   {"sh", "-c", "exit 0", "\033]0;title\007\nforged line"});
  EXPECT_EQ(body.Wait(), ExitStatus{});
  ASSERT_TRUE(head.log().Until(HasSubstr("ended")));
  EXPECT_THAT(head.log().text(),
              AllOf(Not(HasSubstr("\033")), Not(HasSubstr("\nforged line"))));
}

// The reader of the log has stopped.
TEST(HeadLogTest, ALogThatIsFullHoldsNobodyUp) {
  const Pipe pipe;
  constexpr int kSmall = 4096;
  ASSERT_GE(::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, kSmall), 0);
  HeadProcess head({}, {.stderr_fd = pipe.write_end.get()});
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(Served(head.socket()), ExitStatus{});
  }
  // There is room again, so the number of lost lines is logged.
  OutputReader log(pipe.read_end.get());
  ASSERT_TRUE(log.Until(HasSubstr("registered")));
  ASSERT_EQ(Served(head.socket()), ExitStatus{});
  EXPECT_TRUE(log.Until(HasSubstr("log lines lost: the log was full\n")));
}

TEST(HeadLogTest, WithoutAStandardErrorItServesAllTheSame) {
  HeadProcess head({}, {.how = {.prepare = [] {
                          for (const int fd : {0, 1, 2}) (void)::close(fd);
                        }}});
  ASSERT_TRUE(head.ready());
  EXPECT_EQ(Served(head.socket()), ExitStatus{});
}

// --- the end -----------------------------------------------------------------

TEST(HeadEndTest, ItsEndHangsItsProgramsUpAndSaysSo) {
  HeadProcess head;
  BodyProcess a(head.socket(), {"--name=a"}, {"cat"});
  ASSERT_TRUE(a.WaitExecuted());
  BodyProcess b(head.socket(), {"--name=b"}, {"cat"});
  ASSERT_TRUE(b.WaitExecuted());
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_EQ(a.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_EQ(b.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_THAT(head.log().lines().back(),
              absl::StrCat("deptyr: head has ended; these programs lost their "
                           "terminal and get SIGHUP: a (pid ",
                           a.pid(), "), b (pid ", b.pid(), ")"));
}

TEST(HeadEndTest, ItsOwnTerminalSignalsAreNotInherited) {
  // It is ignored, as when a shell without job control starts a background job.
  HeadProcess head({}, {.how = {.prepare = [] {
                          (void)::signal(SIGINT, SIG_IGN);
                          (void)::signal(SIGTERM, SIG_IGN);
                        }}});
  head.program().Signal(SIGINT);
  EXPECT_EQ(head.program().Wait(), ExitStatus{});
}

TEST(HeadEndTest, ProgramsOutputIsTakenThoughNobodyWatches) {
  const TempDir folder;
  HeadProcess head({"--history=64K"});
  BodyProcess body(head.socket(), {},
                   {Actor(), "flood", "100000", folder / "done"});
  EXPECT_TRUE(WaitFor([&] { return Exists(folder / "done"); }));
}

// --- limits ------------------------------------------------------------------

TEST(HeadLimitTest, WithStdinAtDevNullItUsesNoTime) {
  HeadProcess head;
  BodyProcess body(head.socket(), {}, {"cat"});
  ASSERT_TRUE(head.log().Until(HasSubstr("registered")));
  const long before = CpuTimeOf(head.pid());
  // A head that spins would have used most of it.
  (void)WaitForEvents(head.program().pidfd(), POLLIN, absl::Seconds(1));
  EXPECT_LE(CpuTimeOf(head.pid()) - before, 2);
}

// There are programs that ended and let go of their terminals, programs whose
// children haven't, and programs that were stopped.
TEST(HeadLimitTest, WhatPeopleLeaveBehindCostsNoTime) {
  const TempDir folder;
  ASSERT_EQ(::mkfifo((folder / "gate").c_str(), 0600), 0);
  HeadProcess head;
  BodyProcess left(head.socket(), {"--name=left"},
                   {Actor(), "leftover", folder / "leftover"});
  EXPECT_EQ(left.Wait(), ExitStatus{});
  BodyProcess closed(
      head.socket(), {"--name=closed"},
      {"sh", "-c", "exec <&- >&- 2>&-; read x < " + folder / "gate"});
  BodyProcess stopped(head.socket(), {"--name=stopped"},
                      {"sh", "-c", "kill -STOP $$"});
  // This program doesn't reap it for now, so it is a zombie.
  BodyProcess zombie(head.socket(), {"--name=zombie"}, {"true"});
  ASSERT_TRUE(head.log().Until(
      AllOf(HasSubstr("session=left"), HasSubstr("session=closed"),
            HasSubstr("session=stopped"), HasSubstr("session=zombie"))));
  ASSERT_TRUE(head.log().Until(HasSubstr("ended (its supervisor knows how)")));
  const long before = CpuTimeOf(head.pid());
  (void)WaitForEvents(head.program().pidfd(), POLLIN, absl::Seconds(1));
  EXPECT_LE(CpuTimeOf(head.pid()) - before, 2);
  const pid_t leftover = std::atoi(ReadFile(folder / "leftover").c_str());
  EXPECT_EQ(::kill(leftover, SIGKILL), 0);
}

TEST(HeadLimitTest, OutOfDescriptorsNewcomersWaitAndAllElseGoesOn) {
  const TempDir folder;
  HeadProcess head({"--history=64K"}, {.how = {.prepare = [] {
                                         const rlimit limit{24, 24};
                                         (void)::setrlimit(RLIMIT_NOFILE,
                                                           &limit);
                                       }}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  std::vector<std::unique_ptr<BodyProcess>> bodies;
  while (head.log().text().find("can't accept connections") ==
             std::string::npos &&
         bodies.size() < 24) {
    bodies.push_back(std::make_unique<BodyProcess>(
        head.socket(),
        std::vector<std::string>{absl::StrCat("--name=b", bodies.size()),
                                 "--wait=60"},
        std::vector<std::string>{"sh", "-c", "tty > /dev/null && exec cat"}));
    const std::string sign = absl::StrCat("session=b", bodies.size() - 1, " ");
    ASSERT_TRUE(WaitFor([&] {
      const std::string log = head.log().text();
      return log.find(sign) != std::string::npos ||
             log.find("can't accept") != std::string::npos ||
             log.find("refused") != std::string::npos;
    }));
    if (head.log().text().find("refused") != std::string::npos) break;
  }
  // Running programs are still served.
  EXPECT_FALSE(bodies.front()->program().HasEnded());
  const auto errors = [&] {
    const auto lines = head.log().lines();
    return std::count_if(lines.begin(), lines.end(), [](const auto& line) {
      return absl::StrContains(line, "can't accept connections");
    });
  };
  EXPECT_LE(errors(), 1);
  const long before = CpuTimeOf(head.pid());
  (void)WaitForEvents(head.program().pidfd(), POLLIN, absl::Seconds(1));
  EXPECT_LE(CpuTimeOf(head.pid()) - before, 5);
  EXPECT_LE(errors(), 1);
  // There is room as soon as some have ended.
  bodies.erase(bodies.begin(), bodies.begin() + 4);
  BodyProcess late(head.socket(), {"--name=late"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(late.Wait(), ExitStatus{.code = 3});
}

// --- kernels before 6.5
// -------------------------------------------------------

TEST(HeadOldKernelTest, TheEndOfAProgramIsNoticedThoughNotHow) {
  HeadProcess head({}, {.how = {.prepare = PretendOldKernel}});
  ASSERT_TRUE(head.ready()) << head.log().text();
  BodyProcess body(head.socket(), {"--name=a"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3});
  EXPECT_TRUE(head.log().Until(
      HasSubstr(absl::StrCat("session=a pid=", body.pid(),
                             " ended (its supervisor knows how), after"))));
  BodyProcess next(head.socket(), {"--name=a"}, {"cat"});
  ASSERT_TRUE(
      head.log().Until(HasSubstr(absl::StrCat("pid=", next.pid(), " uid"))));
  BodyProcess refused(head.socket(), {"--name=a"}, {"true"});
  EXPECT_EQ(refused.Wait(), ExitStatus{.code = 111});
  next.program().Signal(SIGKILL);
  (void)next.Wait();
  EXPECT_TRUE(head.log().Until(
      HasSubstr(absl::StrCat("pid=", next.pid(), " ended (its supervisor"))));
}

// --- usage -------------------------------------------------------------------

struct UsageCase {
  const char* description;
  std::vector<std::string> words;
  const char* said;
};

class HeadUsageTest : public testing::TestWithParam<UsageCase> {};

TEST_P(HeadUsageTest, WrongUsageIsStatus100AndOneLine) {
  std::vector<std::string> words = {Deptyr(), "head"};
  words.insert(words.end(), GetParam().words.begin(), GetParam().words.end());
  const LogFile said;
  Program head =
      Program::Start(words, {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  EXPECT_EQ(head.Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(said.lines(), ElementsAre(AllOf(StartsWith("deptyr head: "),
                                              HasSubstr(GetParam().said))));
}

INSTANTIATE_TEST_SUITE_P(
    Usages, HeadUsageTest,
    testing::Values(
        UsageCase{"TwoSockets", {"/a", "/b"}, "unexpected argument: /b"},
        UsageCase{"OptionAfterTheSocket", {"/a", "--no-such"}, "--no-such"},
        UsageCase{"EmptyPath", {""}, "empty"},
        UsageCase{"UnknownOption", {"--no-such", "/a"}, "--no-such"},
        UsageCase{"BadMode", {"--mode=999", "/a"}, "not a mode: 999"},
        UsageCase{"BadKey", {"--command-key=x", "/a"}, "not a key: x"},
        UsageCase{"LittleHistory", {"--history=1K", "/a"}, "at least 64K"},
        UsageCase{"BadFd", {"--ready-fd=x", "/a"}, "descriptor"}),
    [](const auto& param) { return param.param.description; });

}  // namespace
}  // namespace deptyr
