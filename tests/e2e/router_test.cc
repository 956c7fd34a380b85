// deptyr router: a program on a terminal of its own for everybody who connects.

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>

#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"
#include "tests/support/kernel.h"
#include "tests/support/other_user.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr uid_t kNobody = 65534;

class RouterTest : public testing::Test {
 protected:
  // It is ready when this returns, or has ended.
  void Start(const std::vector<std::string>& options,
             const std::vector<std::string>& command = {},
             const std::vector<std::string>& wrapper = {},
             ProgramOptions how = {}) {
    constexpr int kReadyFd = 40;
    Pipe pipe;
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    how.fds.insert(how.fds.end(), {{null.get(), 0},
                                   {log_.fd(), 1},
                                   {log_.fd(), 2},
                                   {pipe.write_end.get(), kReadyFd}});
    std::vector<std::string> words = wrapper;
    words.insert(words.end(),
                 {Deptyr(), "router", "--ready-fd", absl::StrCat(kReadyFd)});
    words.insert(words.end(), options.begin(), options.end());
    if (!command.empty()) words.push_back("--");
    words.insert(words.end(), command.begin(), command.end());
    router_.emplace(Program::Start(words, how));
    pipe.write_end.Reset();
    (void)WaitForEvents(pipe.read_end.get(), POLLIN);
  }
  void StartShell() {
    Start({"--raw", raw_, "--uwsgi", framed_},
          {"sh", "-c", "stty -echo; echo ready; exec env PS1= sh"});
  }
  // Returns the output of `command`, up to a line that says it is done.
  std::string Ask(Connection& client, const std::string& command) {
    client.output().Forget();
    client.Send(absl::StrCat(command, "; echo that was all\n"));
    EXPECT_TRUE(client.output().Until(HasSubstr("that was all\r\n")));
    const std::string text = client.output().text();
    return text.substr(0, text.find("that was all"));
  }
  Connection Attach() {
    Connection client = Connection::To(raw_);
    EXPECT_TRUE(client.output().Until(HasSubstr("ready\r\n")));
    return client;
  }
  std::vector<pid_t> Children() { return ChildrenOf(router_->pid()); }
  std::string Tcp() {
    std::string address = log_.text();
    address = address.substr(address.find("tcp:127.0.0.1:"));
    return address.substr(0, address.find(','));
  }

  TempDir folder_;
  const std::string raw_ = folder_ / "raw";
  const std::string framed_ = folder_ / "framed";
  LogFile log_;
  std::optional<Program> router_;
};

// --- a terminal for everybody

TEST_F(RouterTest, EveryConnectionHasATerminalOfItsOwn) {
  StartShell();
  Connection one = Attach();
  Connection two = Attach();
  EXPECT_THAT(Ask(one, "tty"), StartsWith("/dev/pts/"));
  EXPECT_NE(Ask(one, "tty"), Ask(two, "tty"));
  Ask(one, "here=one");
  EXPECT_EQ(Ask(two, "echo $here."), ".\r\n");
  EXPECT_EQ(Ask(one, "echo $here."), "one.\r\n");
}

TEST_F(RouterTest, ServesBothKindsAtOnce) {
  StartShell();
  Connection raw = Attach();
  Connection framed = Connection::To(framed_);
  ASSERT_TRUE(framed.output().Until(HasSubstr("ready")));
  EXPECT_EQ(Ask(raw, "stty size"), "24 80\r\n");
  framed.Send(SizeFrames(40, 100) + KeysFrame("stty size\n"));
  EXPECT_TRUE(framed.output().Until(HasSubstr("40 100")));
  EXPECT_EQ(Ask(raw, "stty size"), "24 80\r\n");
}

TEST_F(RouterTest, ListensOnTcpToo) {
  Start({"--raw", "tcp:127.0.0.1:0"}, {"echo", "hello"});
  EXPECT_TRUE(log_.Until(
      AllOf(HasSubstr("TCP carries no authentication"),
            HasSubstr("whoever reaches the port gets echo as uid"))));
  std::string address = log_.text();
  address = address.substr(address.find("tcp:127.0.0.1:"));
  Connection client = Connection::To(address.substr(0, address.find(',')));
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_EQ(client.output().text(), "hello\r\n");
}

TEST_F(RouterTest, AnAddressMayHoldAnEqualsSign) {
  Start({"--raw", folder_ / "a=b"}, {"echo", "hello"});
  Connection client = Connection::To(folder_ / "a=b");
  EXPECT_TRUE(client.output().Until("hello\r\n"));
}

TEST_F(RouterTest, NeedsSomewhereToListen) {
  Start({});
  EXPECT_EQ(router_->Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(log_.text(), HasSubstr("say --raw or --uwsgi"));
}

// --- which program

struct ShellCase {
  const char* name;
  std::vector<std::string> options;
  std::string is;  // what $0 says
};
class ShellTest : public RouterTest,
                  public testing::WithParamInterface<ShellCase> {};

std::string OwnShell() {
  return ::getpwuid(::geteuid())->pw_shell;
}

// Whatever SHELL says, which may be that of whoever started the router.
TEST_P(ShellTest, IsTheDefault) {
  std::vector<std::string> options = GetParam().options;
  if (!options.empty() && options[0] == "--user" && ::geteuid() != 0) {
    GTEST_SKIP() << "needs root, to be others";
  }
  options.insert(options.end(), {"--raw", raw_});
  Start(options, {}, {}, {.env = {"SHELL=/usr/bin/false", "ENV", "HOME=/"}});
  Connection client = Connection::To(raw_);
  client.Send("echo \"i am $0\"'!'\n");
  EXPECT_TRUE(client.output().Until(
      HasSubstr(absl::StrCat("i am ", GetParam().is, "!\r\n"))));
}

INSTANTIATE_TEST_SUITE_P(
    Shells, ShellTest,
    testing::Values(
        ShellCase{"Own", {}, OwnShell()},
        ShellCase{"OfAUser", {"--user", "root"}, "/bin/bash"},
        // Debian's base-passwd gives this one nologin.
        ShellCase{"OfAUserWithoutOne", {"--user", "daemon"}, "/bin/sh"},
        ShellCase{"Login",
                  {"--login"},
                  OwnShell().replace(0, OwnShell().rfind('/') + 1, "-")}),
    [](const auto& it) { return std::string(it.param.name); });

TEST_F(RouterTest, TheProgramHasTheUserFolderAndVariablesThatWereSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be another user";
  Start({"--user", "www-data", "--chdir", "/usr/share", "--env", "PLACE=a b",
         "--env", "HOME=/other", "--raw", raw_},
        {"sh", "-c",
         "id; pwd; echo $PLACE $HOME $USER; test -w $(tty) && echo own"});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_EQ(client.output().text(),
            "uid=33(www-data) gid=33(www-data) groups=33(www-data)\r\n"
            "/usr/share\r\na b /other www-data\r\nown\r\n");
}

TEST_F(RouterTest, AFolderThatIsntThereIsToldToTheClient) {
  Start({"--chdir", "/no/such/folder", "--raw", raw_}, {"true"});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_THAT(client.output().text(),
              HasSubstr("enter /no/such/folder: No such file or directory"));
}

TEST_F(RouterTest, AGreetingComesFirst) {
  Start({"--greeting", "Mind the gap.\nIt is wide.", "--raw", raw_},
        {"echo", "hello"});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_EQ(client.output().text(),
            "Mind the gap.\r\nIt is wide.\r\nhello\r\n");
}

TEST_F(RouterTest, SaysWhyTheProgramCanNotBeExecuted) {
  Start({"--raw", raw_}, {"/no/such/program"});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_EQ(client.output().text(),
            "deptyr: execute /no/such/program: No such file or directory\r\n");
  EXPECT_TRUE(log_.Until(HasSubstr("exit status 127")));
}

TEST_F(RouterTest, TheProgramIsGivenItsTerminalAndNothingElse) {
  Start({"--raw", raw_, "--size", "30x90"},
        {"sh", "-c",
         "ls -1 /proc/self/fd; stty size; echo $TERM$LINES$COLUMNS; ulimit -n;"
         "ps -o sid=,pid=,tpgid= $$"},
        {}, {.env = {"TERM=linux", "LINES=3", "COLUMNS=4"}, .prepare = [] {
               const rlimit limit{.rlim_cur = 500, .rlim_max = 1000};
               (void)::setrlimit(RLIMIT_NOFILE, &limit);
             }});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  const std::vector<std::string> lines =
      absl::StrSplit(client.output().text(), "\r\n");
  ASSERT_THAT(lines, SizeIs(9)) << client.output().text();
  EXPECT_THAT(std::vector<std::string>(lines.begin(), lines.begin() + 4),
              testing::ElementsAre("0", "1", "2", "3"));  // 3 is ls's own
  EXPECT_EQ(lines[4], "30 90");
  EXPECT_EQ(lines[5], "xterm-256color");
  EXPECT_EQ(lines[6], "500");
  const std::vector<std::string> ids =
      absl::StrSplit(lines[7], ' ', absl::SkipEmpty());
  EXPECT_THAT(ids, testing::Each(ids[0]));
}

// --- the program's end

class OutputTest : public RouterTest {
 protected:
  // The program writes 1 MiB of lines, and then its last words.
  void StartProgram() {
    Start({"--raw", raw_, "--uwsgi", framed_, "--raw", "tcp:127.0.0.1:0"},
          {"sh", "-c",
           "stty raw -echo; head -c 1048576 /dev/zero | tr '\\0' x;"
           "printf 'the end'"});
  }
  void HasAll(Connection& client) {
    EXPECT_TRUE(client.output().UntilEnd());
    EXPECT_TRUE(client.output().text() == std::string(1 << 20, 'x') + "the end")
        << client.output().text().size();
  }
};

TEST_F(OutputTest, ReachesTheClientBeforeTheConnectionEnds) {
  StartProgram();
  for (const std::string& address : {raw_, framed_, Tcp()}) {
    Connection client = Connection::To(address);
    HasAll(client);
  }
}

TEST_F(OutputTest, ReachesAClientThatReadsLate) {
  StartProgram();
  Connection late = Connection::To(raw_);
  Connection late_tcp = Connection::To(Tcp());
  // The program waits for long enough, and others come and go meanwhile.
  const absl::Time until = absl::Now() + absl::Milliseconds(500);
  while (absl::Now() < until) {
    Connection client = Connection::To(framed_);
    HasAll(client);
  }
  HasAll(late);
  HasAll(late_tcp);
}

TEST_F(OutputTest, ReachesAClientThatTypesWhatNobodyReads) {
  StartProgram();
  Connection client = Connection::To(Tcp());
  ASSERT_TRUE(client.output().Until(StartsWith("x")));  // it echoes no more
  // Unread input would turn a close into a reset, and a reset takes back bytes
  // that are on their way; with little room on our side, there are many.
  const int room = 1 << 14;
  ::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  const std::string typed(1 << 16, 't');
  while (client.SendSome(typed) > 0) {
  }
  HasAll(client);
}

TEST_F(RouterTest, TheProgramsEndLeavesNothing) {
  StartShell();
  {
    Connection client = Attach();
    client.Send("exit\n");
    EXPECT_TRUE(client.output().UntilEnd());
  }
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
  EXPECT_TRUE(log_.Until(HasSubstr("ended: exit status 0")));
}

// This is Linux 5.3, or a container's filter.
TEST_F(RouterTest, WhereAChildCantBeAskedForItsEndTheClientIsLetGoAtOnce) {
  Start({"--raw", raw_}, {"echo", "ready"}, {},
        {.prepare = [] { RefuseSystemCalls({SYS_waitid}, EINVAL); }});
  Connection client = Attach();
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_TRUE(log_.Until(HasSubstr("waitid(2) of a pidfd is needed")));
  EXPECT_TRUE(WaitUntilQuiet(router_->pid()));
}

// --- the connection's end

TEST_F(RouterTest, TheConnectionsEndHangsTheProgramUp) {
  Start({"--raw", raw_},
        {"sh", "-c",
         absl::StrCat("trap 'echo hung up > ", folder_ / "said",
                      "; exit' HUP; echo ready; read x; read x")});
  Connection client = Attach();
  client.Close();
  EXPECT_TRUE(
      WaitFor([&] { return ReadFile(folder_ / "said") == "hung up\n"; }));
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
}

// The program prints nothing, so nothing shows that nobody listens; and the
// kernel answers a probe for a socket that was closed.
TEST_F(RouterTest, TheEndOfATcpConnectionIsNoticedThoughNothingIsWritten) {
  Start({"--raw", "tcp:127.0.0.1:0"},
        {"sh", "-c", "stty raw; echo ready; exec sleep 1000"});
  constexpr absl::Duration kSoon = absl::Seconds(20);
  Connection idle = Connection::To(Tcp());
  ASSERT_TRUE(idle.output().Until(HasSubstr("ready\n")));
  idle.Close();
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }, kSoon));
  // Unread input keeps the router from reading that it closed.
  Connection busy = Connection::To(Tcp());
  ASSERT_TRUE(busy.output().Until(HasSubstr("ready\n")));
  const std::string typed(1 << 16, 't');
  while (busy.SendSome(typed) > 0) {
  }
  busy.Close();
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }, kSoon));
}

TEST_F(RouterTest, AHalfCloseOverTcpEndsInputAndNoOutput) {
  Start({"--raw", "tcp:127.0.0.1:0"},
        {"sh", "-c",
         absl::StrCat("echo ready; read x; until [ -e ", folder_ / "go",
                      " ]; do sleep 0.01; done; echo \"$x was last\"")});
  Connection closes = Connection::To(Tcp());
  ASSERT_TRUE(closes.output().Until(HasSubstr("ready")));
  Connection half = Connection::To(Tcp());
  ASSERT_TRUE(half.output().Until(HasSubstr("ready")));
  half.Send("line\n");
  half.HalfClose();
  closes.HalfClose();
  closes.Close();
  // Both are checked equally often.
  ASSERT_TRUE(WaitFor([&] { return Children().size() == 1; }));
  WriteFile(folder_ / "go", "");
  EXPECT_TRUE(half.output().UntilEnd());
  EXPECT_THAT(half.output().text(), HasSubstr("line was last"));
}

TEST_F(RouterTest, WhatIsStillToBeTypedDoesNotKeepTheProgram) {
  Start({"--raw", raw_}, {"sh", "-c", "stty raw; echo ready; exec sleep 1000"});
  Connection client = Connection::To(raw_);
  ASSERT_TRUE(client.output().Until(HasSubstr("ready\n")));
  const std::string typed(1 << 16, 't');
  while (client.SendSome(typed) > 0) {
  }
  client.Close();
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
}

TEST_F(RouterTest, AProgramThatIgnoresTheHangupIsReapedWhenItEnds) {
  Start({"--raw", raw_},
        {"sh", "-c",
         absl::StrCat("trap '' HUP; echo ready; until [ -e ", folder_ / "go",
                      " ]; do sleep 0.01; done")});
  Connection client = Attach();
  ASSERT_THAT(Children(), SizeIs(1));
  const pid_t pid = Children()[0];
  client.Close();
  ASSERT_TRUE(log_.Until(HasSubstr("client=1 left")));
  EXPECT_TRUE(Runs(pid));
  WriteFile(folder_ / "go", "");
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
}

TEST_F(RouterTest, AHalfCloseEndsInputAndNoOutput) {
  StartShell();
  Connection client = Attach();
  client.Send("read x; echo \"$x was last\"\nline\n");
  client.HalfClose();
  EXPECT_TRUE(client.output().Until(HasSubstr("line was last")));
}

TEST_F(RouterTest, ManyThatComeAndGoLeaveNothing) {
  StartShell();
  Attach().Close();
  ASSERT_TRUE(WaitFor([&] { return Children().empty(); }));
  ASSERT_TRUE(WaitUntilQuiet(router_->pid()));
  const size_t fds_before = CountFdsOf(router_->pid());
  for (int round = 0; round < 5; ++round) {
    std::vector<Connection> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(Connection::To(i % 2 == 0 ? raw_ : framed_));
    }
    // Some have a shell by now, some don't, and some are at their end.
    clients[0].Send("exit\n");
    clients[1].Send(KeysFrame("exit\n"));
  }
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
  EXPECT_TRUE(
      WaitFor([&] { return CountFdsOf(router_->pid()) == fds_before; }));
}

TEST_F(RouterTest, EndsWhatIsIdleForTooLong) {
  Start({"--idle-timeout", "0.2", "--raw", raw_}, {"cat"});
  Connection client = Connection::To(raw_);
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_TRUE(log_.Until(HasSubstr("was idle for 200ms")));
  EXPECT_TRUE(WaitFor([&] { return Children().empty(); }));
}

// --- who may

TEST_F(RouterTest, RefusesMoreThanItWasTold) {
  Start({"--max-connections", "2", "--raw", raw_}, {"cat"});
  std::optional<Connection> one(Connection::To(raw_));
  Connection two = Connection::To(raw_);
  Connection three = Connection::To(raw_);
  EXPECT_TRUE(three.output().UntilEnd());
  EXPECT_EQ(three.output().text(),
            "deptyr: there are 2 connections already; see "
            "--max-connections\r\n");
  one.reset();
  EXPECT_TRUE(log_.Until(HasSubstr("client=1 left")));
  Connection four = Connection::To(raw_);
  four.Send("x");
  EXPECT_TRUE(four.output().Until("x"));
}

TEST_F(RouterTest, RefusesMoreOfOneUserOrAddressThanItWasTold) {
  Start({"--max-user-connections", "2", "--max-address-connections", "1",
         "--raw", raw_, "--raw", "tcp:127.0.0.1:0"},
        {"cat"});
  Connection one = Connection::To(raw_);
  Connection two = Connection::To(raw_);
  Connection three = Connection::To(raw_);
  EXPECT_TRUE(three.output().UntilEnd());
  EXPECT_EQ(three.output().text(),
            absl::StrCat("deptyr: uid ", ::geteuid(),
                         " has 2 connections already; see "
                         "--max-user-connections\r\n"));
  Connection over_tcp = Connection::To(Tcp());
  over_tcp.Send("x");
  EXPECT_TRUE(over_tcp.output().Until("x"));
  Connection another = Connection::To(Tcp());
  EXPECT_TRUE(another.output().UntilEnd());
  EXPECT_EQ(another.output().text(),
            "deptyr: 127.0.0.1 has 1 connections already; see "
            "--max-address-connections\r\n");
  EXPECT_TRUE(log_.Until(HasSubstr("refused a client over TCP: limit: ")));
}

// A program that ignores the hang-up still counts for its user.
TEST_F(RouterTest, ProgramsThatStayCountForWhoLeftThem) {
  Start({"--max-user-connections", "2", "--raw", raw_},
        {"sh", "-c",
         absl::StrCat("trap '' HUP; echo ready; until [ -e ", folder_ / "go",
                      " ]; do sleep 0.01; done")});
  for (int i = 0; i < 2; ++i) {
    Attach().Close();
    ASSERT_TRUE(log_.Until(HasSubstr(absl::StrCat("client=", i + 1, " left"))));
  }
  Connection third = Connection::To(raw_);
  EXPECT_TRUE(third.output().UntilEnd());
  EXPECT_THAT(
      third.output().text(),
      HasSubstr("has 2 programs that didn't end with their connections; "
                "see --max-user-connections"));
  WriteFile(folder_ / "go", "");
  ASSERT_TRUE(WaitFor([&] { return Children().empty(); }));
  Attach();
}

TEST_F(RouterTest, ReportsItsConnectionsLimitsAndRefusals) {
  Start({"--max-connections", "1", "--raw", raw_}, {"cat"});
  Connection one = Connection::To(raw_);
  Connection two = Connection::To(raw_);
  EXPECT_TRUE(two.output().UntilEnd());
  router_->Signal(SIGUSR1);
  EXPECT_TRUE(log_.Until(
      HasSubstr("report: connections=1 hung-up=0 max-connections=1 "
                "max-user-connections=256 max-address-connections=256 "
                "refused=1 refused-limit=1\n")));
  one.Send("x");
  EXPECT_TRUE(one.output().Until("x"));
}

TEST_F(RouterTest, TellsHowItDoesAtItsStatusSocket) {
  const std::string socket = folder_ / "status";
  Start({"--raw", raw_, "--status-socket", socket}, {"cat"});
  Connection one = Connection::To(raw_);
  one.Send("x");
  ASSERT_TRUE(one.output().Until("x"));
  const auto json = nlohmann::json::parse(
      OutputOf({Deptyr(), "status", "--router", socket, "--json"}));
  EXPECT_EQ(json["pid"], router_->pid());
  EXPECT_EQ(json["connections"], 1);
  EXPECT_EQ(json["sockets"], raw_);
  EXPECT_EQ(json["clients"].size(), 1U);
  EXPECT_EQ(json["clients"][0]["kind"], "raw");
  EXPECT_EQ(json["clients"][0]["pid"], ::getpid());
  EXPECT_THAT(OutputOf({Deptyr(), "status", "--router", socket}),
              AllOf(HasSubstr("max-connections"), HasSubstr("CLIENT  KIND")));
  // Others keep theirs, however much is asked.
  Connection bad = Connection::To(socket);
  bad.Send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(bad.output().UntilEnd());
  one.Send("y");
  EXPECT_TRUE(one.output().Until("xy"));
}

class OtherUserTest : public RouterTest {
 protected:
  // Returns what another user is sent.
  std::string AsNobody() {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    const LogFile said;
    Program nobody = Program::Fork(
        [this] {
          if (::setresuid(kNobody, kNobody, kNobody) != 0) return 1;
          Connection client = Connection::To(raw_);
          (void)client.output().UntilEnd();
          std::fputs(client.output().text().c_str(), stdout);
          return 0;
        },
        {.fds = {{said.fd(), 1}}});
    EXPECT_EQ(nobody.Wait(), ExitStatus{});
    return said.text();
  }
};

TEST_F(OtherUserTest, IsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Start({"--mode", "0666", "--raw", raw_}, {"echo", "hello"});
  EXPECT_EQ(AsNobody(),
            "deptyr: uid 65534 is not allowed; see --allow-user\r\n");
  Connection root = Connection::To(raw_);
  EXPECT_TRUE(root.output().Until("hello\r\n"));
}

TEST_F(OtherUserTest, IsServedWhereThatIsAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Start({"--mode", "0666", "--allow-user", "nobody", "--raw", raw_},
        {"echo", "hello"});
  EXPECT_EQ(AsNobody(), "hello\r\n");
}

TEST_F(OtherUserTest, AnybodyIsServedWhereThatIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Start({"--mode", "0666", "--allow-user", "any", "--raw", raw_},
        {"echo", "hello"});
  EXPECT_EQ(AsNobody(), "hello\r\n");
}

// Those of the world outside have no number in there.
TEST_F(OtherUserTest, InAUserNamespaceUsersAreUnknownAndCanBeAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  if (Program::Start({"unshare", "--map-root-user", "true"}).Wait() !=
      ExitStatus{}) {
    GTEST_SKIP() << "no user namespaces here";
  }
  const std::vector<std::string> wrapper = {"unshare", "--map-root-user"};
  Start({"--mode", "0666", "--raw", raw_}, {"echo", "hello"}, wrapper);
  EXPECT_EQ(AsNobody(),
            "deptyr: a user unknown here is not allowed; see --allow-user\r\n");
  EXPECT_THAT(log_.text(), Not(HasSubstr("4294967295")));
  router_.reset();
  std::filesystem::remove(raw_);
  Start({"--mode", "0666", "--allow-user", "any", "--raw", raw_},
        {"echo", "hello"}, wrapper);
  EXPECT_EQ(AsNobody(), "hello\r\n");
  EXPECT_THAT(log_.text(), Not(HasSubstr("4294967295")));
}

TEST_F(OtherUserTest, LeavesAFewPlacesToRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Start({"--mode", "0666", "--allow-user", "nobody", "--max-connections", "2",
         "--raw", raw_},
        {"cat"});
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  std::vector<Fd> all;
  for (int i = 0; i < 2; ++i) all.push_back(ConnectAs(raw_, {kNobody}));
  EXPECT_EQ(AsNobody(),
            "deptyr: there are 2 connections already; see "
            "--max-connections\r\n");
  Connection root = Connection::To(raw_);
  root.Send("x");
  EXPECT_TRUE(root.output().Until("x"));
  EXPECT_TRUE(log_.Until(HasSubstr("uid=65534: limit: there are 2")));
}

// --- router's end

TEST_F(RouterTest, ItsEndEndsAll) {
  Start({"--raw", raw_, "--uwsgi", framed_},
        {"sh", "-c", "echo ready; exec sleep 1000"});
  std::vector<Connection> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(Attach());
  const std::vector<pid_t> children = Children();
  ASSERT_THAT(children, SizeIs(3));
  router_->Signal(SIGTERM);
  EXPECT_EQ(router_->Wait(), ExitStatus{});
  for (Connection& client : clients) {
    EXPECT_TRUE(client.output().UntilEnd());
  }
  for (const pid_t child : children) {
    EXPECT_TRUE(WaitFor([&] { return !Runs(child); }));
  }
  EXPECT_FALSE(std::filesystem::exists(raw_));
  EXPECT_FALSE(std::filesystem::exists(framed_));
}

TEST_F(RouterTest, DoesNotWaitForProgramsThatIgnoreItsEnd) {
  Start({"--raw", raw_},
        {"sh", "-c",
         absl::StrCat("trap '' HUP; echo ready; until [ -e ", folder_ / "go",
                      " ]; do sleep 0.01; done")});
  Connection client = Attach();
  const pid_t pid = Children().front();
  router_->Signal(SIGTERM);
  EXPECT_EQ(router_->Wait(), ExitStatus{});
  EXPECT_TRUE(Runs(pid));
  WriteFile(folder_ / "go", "");
  EXPECT_TRUE(WaitFor([&] { return !Runs(pid); }));
}

// --- into a container

class ContainerTest : public RouterTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make namespaces";
    Start({"--raw", raw_, "--uwsgi", framed_},
          {"sh", "-c", "stty -echo; echo ready; exec env PS1= sh"},
          {"unshare", "--mount", "--pid", "--uts", "--fork", "--mount-proc",
           "--kill-child", "sh", "-c", "hostname inside; exec \"$@\"", "sh"});
    ASSERT_TRUE(log_.Until(HasSubstr("router pid=1 ")));
  }
};

TEST_F(ContainerTest, AClientFromOutsideIsInside) {
  Connection client = Attach();
  EXPECT_EQ(Ask(client, "hostname"), "inside\r\n");
  EXPECT_EQ(Ask(client, "ps -o comm= -p 1"), "deptyr\r\n");
  Connection framed = Connection::To(framed_);
  ASSERT_TRUE(framed.output().Until(HasSubstr("ready")));
  framed.Send(SizeFrames(33, 99) + KeysFrame("hostname; stty size\n"));
  EXPECT_TRUE(framed.output().Until(HasSubstr("inside\r\n33 99\r\n")));
}

TEST_F(ContainerTest, WhatProgramsLeaveBehindIsReaped) {
  Connection client = Attach();
  // Its parent ends first, so it becomes a child of process 1.
  Ask(client, "sh -c 'sleep 0.1 & sleep 0.1 &'");
  EXPECT_TRUE(WaitFor([&] {
    const std::string processes = Ask(client, "ps -e -o stat=,comm=");
    return !absl::StrContains(processes, "sleep") &&
           !absl::StrContains(processes, "Z");
  }));
}

}  // namespace
}  // namespace deptyr
