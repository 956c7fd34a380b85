// Tests clients at head's sockets: where they connect, what they are sent, and
// what they may do.

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>

#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ClientsTest : public testing::Test {
 protected:
  HeadProcess& Head(const std::vector<std::string>& options,
                    HeadProcessOptions more = {}) {
    head_.emplace(options, std::move(more));
    EXPECT_TRUE(head_->ready()) << head_->log().text();
    return *head_;
  }
  // Starts a session, which is registered when this returns.
  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    BodyProcess body(head_->socket(), {"--name", name}, program);
    const std::string registered =
        absl::StrCat("session=", name, " pid=", body.pid());
    EXPECT_TRUE(head_->log().Until(HasSubstr(registered)));
    return body;
  }
  // This program prints its own name, and echoes its input.
  BodyProcess Echo(const std::string& name) {
    return Body(name, {"sh", "-c",
                       absl::StrCat("stty raw -echo; echo this is ", name,
                                    "; exec cat")});
  }

  TempDir folder_;
  const std::string address_ = folder_ / "clients";
  std::optional<HeadProcess> head_;
};

// --- where

class AddressTest : public ClientsTest {
 protected:
  // A client of each kind attaches, types and sees the output.
  void Serves(const std::string& raw, const std::string& framed) {
    const BodyProcess body = Echo("a");
    Connection one = Connection::To(raw);
    Connection two = Connection::To(framed);
    EXPECT_TRUE(one.output().Until(HasSubstr("this is a")));
    EXPECT_TRUE(two.output().Until(HasSubstr("this is a")));
    one.Send("raw");
    EXPECT_TRUE(two.output().Until(HasSubstr("raw")));
    two.Send(KeysFrame("framed"));
    EXPECT_TRUE(one.output().Until(HasSubstr("rawframed")));
  }
  // Returns the address it listens at, from its log.
  std::string LoggedAddress(const std::string& framing) {
    for (const std::string& line : head_->log().lines()) {
      absl::string_view address = line;
      if (!absl::ConsumeSuffix(&address, absl::StrCat(", ", framing))) continue;
      return std::string(address.substr(address.rfind(' ') + 1));
    }
    ADD_FAILURE() << "no listener: " << head_->log().text();
    return "";
  }
};

TEST_F(AddressTest, MayBeAPath) {
  Head({"--raw", folder_ / "raw", "--uwsgi", folder_ / "uwsgi"});
  for (const char* name : {"raw", "uwsgi"}) {
    struct stat file {};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
  }
  Serves(folder_ / "raw", folder_ / "uwsgi");
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "raw"));
}

TEST_F(AddressTest, MayBeAnAbstractName) {
  const std::string name = absl::StrCat("@deptyr-test-", ::getpid());
  Head({"--raw", name + "-raw", "--uwsgi", name + "-uwsgi"});
  Serves(name + "-raw", name + "-uwsgi");
}

TEST_F(AddressTest, MayBeTcp) {
  Head({"--raw", "tcp:127.0.0.1:0", "--uwsgi", "tcp:127.0.0.1:0"});
  Serves(LoggedAddress("raw"), LoggedAddress("uwsgi"));
}

TEST_F(AddressTest, MayBeTcpOfTheNewKind) {
  const Fd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&loopback),
             sizeof loopback) != 0) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  Head({"--raw", "tcp:[::1]:0"});
  EXPECT_THAT(LoggedAddress("raw"), StartsWith("tcp:[::1]:"));
}

TEST_F(AddressTest, OfTcpIsLoopbackUnlessToldOtherwise) {
  HeadProcess refused({"--raw", "tcp:0.0.0.0:0"});
  EXPECT_EQ(refused.program().Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(refused.log().text(),
              AllOf(HasSubstr("tcp:0.0.0.0:0 can be reached from other "
                              "machines, and TCP carries no authentication"),
                    HasSubstr("say --allow-remote before it")));
  Head({"--allow-remote", "--raw", "tcp:0.0.0.0:0"});
}

TEST_F(AddressTest, OfTcpIsWarnedOfOnce) {
  Head({"--raw", "tcp:127.0.0.1:0", "--uwsgi", "tcp:127.0.0.1:0"});
  const std::vector<std::string> parts =
      absl::StrSplit(head_->log().text(), "TCP carries no authentication");
  EXPECT_EQ(parts.size(), 2U) << head_->log().text();
}

// Makes a listening socket as a supervisor does.
Fd ListeningAt(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof address),
            0);
  EXPECT_EQ(::listen(fd.get(), 10), 0);
  return fd;
}

TEST_F(AddressTest, MayBeAnInheritedDescriptor) {
  const Fd raw = ListeningAt(folder_ / "raw");
  const Fd framed = ListeningAt(folder_ / "uwsgi");
  Head({"--raw", "fd:7", "--uwsgi", "fd:9"},
       {.how = {.fds = {{raw.get(), 7}, {framed.get(), 9}}}});
  Serves(folder_ / "raw", folder_ / "uwsgi");
}

TEST_F(AddressTest, MayBeTheNameOfAnInheritedDescriptor) {
  const Fd raw = ListeningAt(folder_ / "raw");
  const Fd framed = ListeningAt(folder_ / "uwsgi");
  // sh has the pid that head will have.
  Head({"--raw", "console", "--uwsgi", "framed"},
       {.wrapper = {"sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh"},
        .how = {.fds = {{framed.get(), 3}, {raw.get(), 4}},
                .env = {"LISTEN_FDS=2", "LISTEN_FDNAMES=framed:console"}}});
  Serves(folder_ / "raw", folder_ / "uwsgi");
}

struct WrongAddress {
  const char* address;
  const char* says;
};
class WrongAddressTest : public testing::TestWithParam<WrongAddress> {};

TEST_P(WrongAddressTest, IsSaidWithWhatToDo) {
  HeadProcess head({"--raw", GetParam().address});
  EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 100});
  EXPECT_THAT(head.log().text(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Addresses, WrongAddressTest,
    testing::Values(
        WrongAddress{"console", "console is not an address: say a path"},
        WrongAddress{"fd:77", "fd:77 is not an inherited listening socket"},
        WrongAddress{"fd:2", "fd:2 is not an inherited listening socket"},
        WrongAddress{"tcp:4000", "say tcp:HOST:PORT"},
        WrongAddress{"tcp:localhost:x", "say tcp:HOST:PORT"},
        WrongAddress{"/tmp/x=.bad", "not a session name: .bad"},
        WrongAddress{"=a", "no address; say ADDRESS[=SESSION]"}));

// --- which session

TEST_F(ClientsTest, AListenerMayNameItsSession) {
  Head({"--raw", address_ + "=first"});
  const BodyProcess first = Echo("first");
  const BodyProcess second = Echo("second");
  Connection client = Connection::To(address_);
  EXPECT_TRUE(client.output().Until(HasSubstr("this is first")));
}

TEST_F(ClientsTest, WithoutANameItIsTheLatestSessionAndTheClientStays) {
  Head({"--raw", address_});
  const BodyProcess first = Echo("first");
  Connection early = Connection::To(address_);
  ASSERT_TRUE(early.output().Until(HasSubstr("this is first")));
  const BodyProcess second = Echo("second");
  Connection late = Connection::To(address_);
  ASSERT_TRUE(late.output().Until(HasSubstr("this is second")));
  early.Send("x");
  EXPECT_TRUE(early.output().Until("this is first\nx"));
  late.Send("y");
  EXPECT_TRUE(late.output().Until("this is second\ny"));
}

TEST_F(ClientsTest, AClientWaitsForItsProgram) {
  Head({"--raw", address_ + "=later", "--uwsgi", folder_ / "any"});
  Connection named = Connection::To(address_);
  Connection any = Connection::To(folder_ / "any");
  any.Send(SizeFrames(33, 99));
  const BodyProcess other = Body("other", {"sh", "-c", "stty size; exec cat"});
  EXPECT_TRUE(any.output().Until(HasSubstr("33 99")));
  const BodyProcess later = Echo("later");
  EXPECT_TRUE(named.output().Until("this is later\n"));
}

TEST_F(ClientsTest, AClientStaysWhileItsProgramIsRestarted) {
  Head({"--raw", address_, "--uwsgi", folder_ / "framed"});
  Connection raw = Connection::To(address_);
  Connection framed = Connection::To(folder_ / "framed");
  framed.Send(SizeFrames(40, 100));
  for (int run = 1; run <= 3; ++run) {
    BodyProcess body = Body(
        "a",
        {"sh", "-c", absl::StrCat("stty size; echo run ", run, "; read x")});
    EXPECT_TRUE(raw.output().Until(HasSubstr(absl::StrCat("run ", run))));
    EXPECT_TRUE(framed.output().Until(HasSubstr(absl::StrCat("run ", run))));
    EXPECT_THAT(framed.output().text(), HasSubstr("40 100"));
    framed.output().Forget();
    raw.Send("\n");
    EXPECT_EQ(body.Wait(), ExitStatus{});
    EXPECT_TRUE(head_->log().Until(
        HasSubstr(absl::StrCat("pid=", body.pid(), " ended"))));
  }
}

TEST_F(ClientsTest, AClientMayEndWithItsProgram) {
  Head({"--on-end", "close", "--raw", address_, "--uwsgi", folder_ / "framed",
        "--on-end", "stay", "--raw", folder_ / "stays"});
  Connection stays = Connection::To(folder_ / "stays");
  for (int run = 1; run <= 2; ++run) {
    // They wait for a program, and that isn't an end.
    Connection raw = Connection::To(address_);
    Connection framed = Connection::To(folder_ / "framed");
    BodyProcess body = Body("a", {"sh", "-c", "read x; seq 9999; echo over"});
    raw.Send("\n");
    EXPECT_EQ(body.Wait(), ExitStatus{});
    for (Connection* one : {&raw, &framed}) {
      EXPECT_TRUE(one->output().UntilEnd());
      EXPECT_THAT(one->output().text(), EndsWith("9999\r\nover\r\n"));
    }
    EXPECT_TRUE(stays.output().Until(EndsWith("over\r\n")));
    stays.output().Forget();
  }
}

TEST_F(ClientsTest, AGreetingComesBeforeWhatIsShown) {
  Head({"--greeting", "Mind the gap.", "--raw", address_, "--attach-shows",
        "nothing", "--raw", folder_ / "new"});
  Connection early = Connection::To(address_);
  const BodyProcess body = Echo("a");
  EXPECT_TRUE(early.output().Until("Mind the gap.\r\nthis is a\n"));
  Connection late = Connection::To(address_);
  EXPECT_TRUE(late.output().Until("Mind the gap.\r\nthis is a\n"));
  Connection fresh = Connection::To(folder_ / "new");
  EXPECT_TRUE(fresh.output().Until("Mind the gap.\r\n"));
  late.Send("x");
  EXPECT_TRUE(fresh.output().Until("Mind the gap.\r\nx"));
}

// --- the sockets of --client-dir

class ClientDirTest : public ClientsTest {
 protected:
  std::string raw() const { return folder_ / "a.raw"; }
  std::string uwsgi() const { return folder_ / "a.uwsgi"; }
  bool Exist() const {
    return std::filesystem::exists(raw()) && std::filesystem::exists(uwsgi());
  }
};

TEST_F(ClientDirTest, HasTwoOfEverySession) {
  Head({"--client-dir", folder_.path()});
  const BodyProcess a = Echo("a");
  const BodyProcess b = Echo("b");
  for (const std::string name : {"a", "b"}) {
    Connection one = Connection::To(folder_ / (name + ".raw"));
    EXPECT_TRUE(one.output().Until(HasSubstr("this is " + name)));
    one.Send("raw");
    Connection two = Connection::To(folder_ / (name + ".uwsgi"));
    EXPECT_TRUE(two.output().Until(HasSubstr("raw")));
    two.Send(KeysFrame("framed"));
    EXPECT_TRUE(one.output().Until(HasSubstr("rawframed")));
  }
}

TEST_F(ClientDirTest, IsForTheSessionsOwnerAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  constexpr uid_t kNobody = 65534;
  Head({"--mode", "0666", "--client-dir", folder_.path()});
  std::filesystem::permissions(
      std::filesystem::path(head_->socket()).parent_path(),
      std::filesystem::perms(0755));
  const BodyProcess theirs(
      head_->socket(), {"--name", "a"}, {"cat"},
      {.prepare = [] { (void)!::setresuid(kNobody, kNobody, kNobody); }});
  ASSERT_TRUE(WaitFor([&] { return Exist(); }));
  const BodyProcess ours = Echo("b");
  for (const auto& [name, owner] :
       {std::pair("a.raw", kNobody), std::pair("a.uwsgi", kNobody),
        std::pair("b.raw", ::geteuid()), std::pair("b.uwsgi", ::geteuid())}) {
    struct stat file {};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 0777U, 0600U) << name;
    EXPECT_EQ(file.st_uid, owner) << name;
  }
}

TEST_F(ClientDirTest, KeepsThemWhileTheSessionIsRemembered) {
  Head({"--client-dir", folder_.path()});
  {
    BodyProcess body = Body("a", {"true"});
    EXPECT_EQ(body.Wait(), ExitStatus{});
  }
  ASSERT_TRUE(head_->log().Until(HasSubstr("session=a pid=")));
  EXPECT_TRUE(Exist());
  // So many others end that it is forgotten.
  for (int i = 0; i < 65; ++i) {
    BodyProcess body(head_->socket(), {"--name", absl::StrCat("b", i)},
                     {"true"});
    EXPECT_EQ(body.Wait(), ExitStatus{});
  }
  EXPECT_TRUE(WaitFor([&] {
    return !std::filesystem::exists(raw()) && !std::filesystem::exists(uwsgi());
  }));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "b64.raw"));
}

TEST_F(ClientDirTest, IsEmptyAfterHeadsEnd) {
  Head({"--client-dir", folder_.path()});
  const BodyProcess body = Echo("a");
  ASSERT_TRUE(Exist());
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

// --- what a new client is sent

TEST_F(ClientsTest, ANewClientIsSentTheHistoryOrNothing) {
  Head({"--raw", folder_ / "screen", "--attach-shows", "history", "--raw",
        folder_ / "history", "--attach-shows", "nothing", "--raw",
        folder_ / "nothing", "--uwsgi", folder_ / "nothing-framed"});
  const BodyProcess body = Echo("a");
  Connection early = Connection::To(folder_ / "screen");
  ASSERT_TRUE(early.output().Until("this is a\n"));
  Connection history = Connection::To(folder_ / "history");
  Connection nothing = Connection::To(folder_ / "nothing");
  Connection framed = Connection::To(folder_ / "nothing-framed");
  EXPECT_TRUE(history.output().Until("this is a\n"));
  framed.Send(KeysFrame("now"));
  EXPECT_TRUE(framed.output().Until("now"));
  EXPECT_TRUE(nothing.output().Until("now"));
  EXPECT_TRUE(history.output().Until("this is a\nnow"));
}

// --- what it may

TEST_F(ClientsTest, AReadOnlyListenerOnlyShows) {
  Head({"--raw", address_, "--read-only", "--raw", folder_ / "raw", "--uwsgi",
        folder_ / "framed"});
  const BodyProcess body = Body("a", {Traffic(), "sizes"});
  Connection client = Connection::To(address_);
  Connection raw = Connection::To(folder_ / "raw");
  Connection framed = Connection::To(folder_ / "framed");
  ASSERT_TRUE(framed.output().Until(HasSubstr("size 24x80")));
  raw.Send("typed");
  framed.Send(KeysFrame("typed") + SizeFrames(50, 100) + SignalFrame(SIGKILL));
  // Once it is counted, all of it has been read.
  raw.Close();
  framed.Close();
  EXPECT_TRUE(head_->log().Until(HasSubstr("dropped=5 ")));
  EXPECT_TRUE(head_->log().Until(HasSubstr("dropped=8 ")));
  client.Send("x");
  EXPECT_TRUE(client.output().Until("size 24x80 after 0\nx"));
}

TEST_F(ClientsTest, WhatMeansNothingIsCounted) {
  Head({"--uwsgi", address_});
  const BodyProcess body = Echo("a");
  Connection client = Connection::To(address_);
  ASSERT_TRUE(client.output().Until("this is a\n"));
  client.Send(EncodePacket(0, 65, "") + EncodePacket(0, 99, "x") +
              EncodePacket(0, 102, "y") + EncodePacket(0, 255, "zz") +
              EncodePacket(0, 0, "k"));
  EXPECT_TRUE(client.output().Until("this is a\nk"));
  client.Close();
  EXPECT_TRUE(head_->log().Until(HasSubstr("ignored=4")));
}

TEST_F(ClientsTest, AHalfCloseEndsInputAndNoOutput) {
  Head({"--raw", address_});
  const BodyProcess body = Echo("a");
  Connection half = Connection::To(address_);
  ASSERT_TRUE(half.output().Until("this is a\n"));
  half.Send("last");
  half.HalfClose();
  ASSERT_TRUE(half.output().Until("this is a\nlast"));
  Connection other = Connection::To(address_);
  other.Send("more");
  EXPECT_TRUE(half.output().Until("this is a\nlastmore"));
}

TEST_F(ClientsTest, ACloseDetachesAndTheProgramGoesOn) {
  Head({"--raw", address_});
  const BodyProcess body = Echo("a");
  for (int i = 0; i < 3; ++i) {
    Connection client = Connection::To(address_);
    ASSERT_TRUE(client.output().Until(StartsWith("this is a\n")));
    client.Send("x");
    EXPECT_TRUE(client.output().Until(absl::StrCat(
        "this is a\n", std::string(static_cast<size_t>(i) + 1, 'x'))));
  }
  EXPECT_TRUE(Runs(body.pid()));
}

TEST_F(ClientsTest, AScriptMaySendAndGo) {
  Head({"--raw", address_, "--uwsgi", folder_ / "framed"});
  BodyProcess body = Body("a", {"sh", "-c", "echo ready; read x; exit $x"});
  Connection watcher = Connection::To(address_);
  ASSERT_TRUE(watcher.output().Until(HasSubstr("ready")));
  Connection::To(folder_ / "framed").Send(KeysFrame("1"));
  EXPECT_TRUE(watcher.output().Until(HasSubstr("1")));
  Connection::To(address_).Send("7\n");
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 17});
}

// --- sizes

class SizesTest : public ClientsTest {
 protected:
  void Begin(const std::vector<std::string>& options = {}) {
    std::vector<std::string> words = options;
    words.insert(words.end(), {"--uwsgi", address_});
    Head(words);
    body_.emplace(Body("a", {Traffic(), "sizes"}));
    one_.emplace(Connection::To(address_));
    two_.emplace(Connection::To(address_));
    ASSERT_TRUE(one_->output().Until("size 24x80 after 0\n"));
    one_->output().Forget();
  }
  std::optional<BodyProcess> body_;
  std::optional<Connection> one_;
  std::optional<Connection> two_;
};

TEST_F(SizesTest, APairIsOneChange) {
  Begin();
  one_->Send(SizeFrames(50, 120) + KeysFrame("."));
  EXPECT_TRUE(one_->output().Until(HasSubstr(".")));
  EXPECT_TRUE(one_->output().Until(HasSubstr("size 50x120 after 1\n")));
  one_->Send(SizeFrames(51, 121) + KeysFrame("."));
  EXPECT_TRUE(one_->output().Until(HasSubstr("size 51x121 after 2\n")));
}

// The cut is inside the first of the two, so both are there at once.
TEST_F(SizesTest, APairThatArrivesInPiecesIsOneChange) {
  Begin();
  std::string wanted;
  for (uint16_t cut = 1; cut < kPacketHeader; ++cut) {
    const std::string sent = SizeFrames(50, cut);
    one_->Send(sent.substr(0, cut));
    // When this comes back, head has read the rest.
    two_->Send(KeysFrame("."));
    wanted += ".";
    ASSERT_TRUE(one_->output().Until(wanted));
    one_->Send(sent.substr(cut));
    absl::StrAppend(&wanted, "size 50x", cut, " after ", cut, "\n");
    ASSERT_TRUE(one_->output().Until(wanted));
  }
}

// The cut is behind it, and it may have waited long enough to be applied alone.
TEST_F(SizesTest, ACutBetweenThePairDoesNoHarm) {
  Begin();
  for (uint16_t cut = kPacketHeader; cut < 2 * kPacketHeader; ++cut) {
    const std::string sent = SizeFrames(50, cut);
    one_->Send(sent.substr(0, cut));
    two_->Send(KeysFrame("."));
    ASSERT_TRUE(one_->output().Until(HasSubstr(".")));
    one_->Send(sent.substr(cut));
    ASSERT_TRUE(
        one_->output().Until(HasSubstr(absl::StrCat("size 50x", cut, " "))));
    one_->output().Forget();
  }
}

TEST_F(SizesTest, ZeroIsUnknown) {
  Begin();
  one_->Send(SizeFrames(0, 0) + KeysFrame("."));
  ASSERT_TRUE(one_->output().Until("."));
  one_->Send(SizeFrames(0, 100));
  EXPECT_TRUE(one_->output().Until(".size 24x100 after 1\n"));
  one_->Send(SizeFrames(50, 0));
  EXPECT_TRUE(one_->output().Until(HasSubstr("size 50x100 after 2\n")));
}

TEST_F(SizesTest, TheSameSizeIsNoChange) {
  Begin();
  one_->Send(SizeFrames(24, 80) + SizeFrames(24, 80) + KeysFrame("."));
  EXPECT_TRUE(one_->output().Until("."));
}

TEST_F(SizesTest, NobodyAttachedLeavesItAsItWas) {
  Begin({"--attach-shows", "nothing", "--uwsgi", folder_ / "quiet",
         "--attach-shows", "history"});
  one_->Send(SizeFrames(50, 120));
  ASSERT_TRUE(one_->output().Until("size 50x120 after 1\n"));
  one_->Close();
  two_->Close();
  ASSERT_TRUE(head_->log().Until(HasSubstr("client=1 left")));
  ASSERT_TRUE(head_->log().Until(HasSubstr("client=2 left")));
  Connection three = Connection::To(folder_ / "quiet");
  three.Send(KeysFrame("."));
  EXPECT_TRUE(three.output().Until("."));
}

struct PolicySizes {
  const char* policy;
  const char* after_first;   // 20x200
  const char* after_second;  // 50x100
  const char* after_typing;  // the first does
};
class SizePolicyTest : public SizesTest,
                       public testing::WithParamInterface<PolicySizes> {};

TEST_P(SizePolicyTest, DecidesBetweenTwoClients) {
  Begin({"--size-policy", GetParam().policy});
  // The size in force is the last one that was sent, if any.
  const auto size = [&] {
    const std::string& text = one_->output().text();
    const size_t at = text.rfind("size ");
    return at == std::string::npos
               ? "24x80"
               : text.substr(at + 5, text.find(' ', at + 5) - at - 5);
  };
  one_->Send(SizeFrames(20, 200));
  EXPECT_TRUE(WaitFor([&] {
    one_->Send(KeysFrame("."));
    EXPECT_TRUE(one_->output().Until(HasSubstr(".")));
    return size() == GetParam().after_first;
  })) << size();
  two_->Send(SizeFrames(50, 100) + KeysFrame("!"));
  ASSERT_TRUE(one_->output().Until(HasSubstr("!")));
  EXPECT_TRUE(WaitFor([&] {
    two_->Send(KeysFrame("!"));
    EXPECT_TRUE(one_->output().Until(HasSubstr("!")));
    return size() == GetParam().after_second;
  })) << size();
  EXPECT_TRUE(WaitFor([&] {
    one_->Send(KeysFrame("?"));
    EXPECT_TRUE(one_->output().Until(HasSubstr("?")));
    return size() == GetParam().after_typing;
  })) << size();
}

INSTANTIATE_TEST_SUITE_P(
    Policies, SizePolicyTest,
    testing::Values(PolicySizes{"latest", "20x200", "50x100", "20x200"},
                    PolicySizes{"smallest", "20x200", "20x100", "20x100"},
                    PolicySizes{"largest", "20x200", "50x200", "50x200"},
                    PolicySizes{"fixed", "24x80", "24x80", "24x80"}),
    [](const auto& it) { return std::string(it.param.policy); });

// --- signals

class SignalsTest : public ClientsTest {
 protected:
  static constexpr uid_t kNobody = 65534;
  void Begin(const std::vector<std::string>& options) {
    Head(options);
    body_.emplace(Body("a", {Traffic(), "signals"}));
    watcher_.emplace(Connection::To(address_));
    ASSERT_TRUE(watcher_->output().Until("ready\n"));
    watcher_->output().Forget();
  }
  // Another user sends SIGUSR1, and then types ^C.
  void SendAsNobody() {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(address_, std::filesystem::perms(0666));
    Program nobody = Program::Fork([this] {
      if (::setresuid(kNobody, kNobody, kNobody) != 0) return 1;
      Connection client = Connection::To(address_);
      client.Send(SignalFrame(SIGUSR1) + KeysFrame("\x03"));
      return client.output().Until(HasSubstr("signal 2\n")) ? 0 : 2;
    });
    EXPECT_EQ(nobody.Wait(), ExitStatus{});
  }
  std::optional<BodyProcess> body_;
  std::optional<Connection> watcher_;
};

TEST_F(SignalsTest, FromOneTo64ReachTheProgram) {
  Begin({"--uwsgi", address_});
  for (int signal = 1; signal <= 64; ++signal) {
    // 32 and 33 are the C library's own: sigwait() does not take them.
    if (signal == SIGHUP || signal == SIGKILL || signal == SIGSTOP ||
        signal == SIGCONT || (signal > SIGSYS && signal < SIGRTMIN)) {
      continue;
    }
    watcher_->Send(SignalFrame(signal));
    EXPECT_TRUE(
        watcher_->output().Until(absl::StrCat("signal ", signal, "\n")));
    watcher_->output().Forget();
  }
  watcher_->Send(SignalFrame(SIGKILL));
  EXPECT_EQ(body_->Wait(), ExitStatus{.signal = SIGKILL});
}

TEST_F(SignalsTest, OfTheTerminalAreTyped) {
  Begin({"--uwsgi", address_});
  watcher_->Send(KeysFrame("\x03\x1c\x1a"));
  EXPECT_TRUE(watcher_->output().Until(AllOf(HasSubstr("signal 2\n"),
                                             HasSubstr("signal 3\n"),
                                             HasSubstr("signal 20\n"))));
}

TEST_F(SignalsTest, OfAnotherUserAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Begin({"--uwsgi", address_ + "=a"});
  SendAsNobody();
  EXPECT_TRUE(watcher_->output().Until(HasSubstr("signal 2\n")));
  EXPECT_THAT(watcher_->output().text(), Not(HasSubstr("signal 10\n")));
  EXPECT_TRUE(head_->log().Until(HasSubstr("dropped=1 ")));
}

TEST_F(SignalsTest, OfAnotherUserReachTheProgramWhereThatIsAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  Begin({"--allow-signals", "--uwsgi", address_ + "=a"});
  SendAsNobody();
  EXPECT_TRUE(watcher_->output().Until(HasSubstr("signal 10\n")));
}

TEST_F(SignalsTest, OverTcpAreRefused) {
  Begin({"--uwsgi", address_, "--uwsgi", "tcp:127.0.0.1:0"});
  std::string port = head_->log().text();
  port = port.substr(port.find("tcp:127.0.0.1:"));
  Connection client = Connection::To(port.substr(0, port.find(',')));
  client.Send(SignalFrame(SIGUSR1) + KeysFrame("\x03"));
  EXPECT_TRUE(client.output().Until(HasSubstr("signal 2\n")));
  EXPECT_THAT(client.output().text(), Not(HasSubstr("signal 10\n")));
}

}  // namespace
}  // namespace deptyr
