// A peer that speaks another protocol at a socket for clients, head's own or a
// browser's, is told so, and no byte of it reaches a program.

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const char* const kBrowsers[] = {
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nstop\r\n",
    "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n\r\n",
    "rm /;stop HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

// Returns the address it listens at, "tcp:127.0.0.1:PORT", from its log.
std::string TcpAddress(const LogFile& log, const std::string& framing) {
  for (const std::string& line : log.lines()) {
    absl::string_view address = line;
    if (absl::ConsumeSuffix(&address, absl::StrCat(", ", framing)) &&
        absl::StrContains(address, " tcp:")) {
      return std::string(address.substr(address.rfind(' ') + 1));
    }
  }
  ADD_FAILURE() << "no listener: " << log.text();
  return "";
}

// Returns everything that is sent to a peer that says this.
std::string AnswerTo(const std::string& address, absl::string_view bytes) {
  Connection client = Connection::To(address);
  client.Send(bytes);
  EXPECT_TRUE(client.output().UntilEnd()) << address;
  return client.output().text();
}

struct Said {
  std::optional<ExitStatus> status;
  std::string err;
};

Said Use(std::vector<std::string> words) {
  const LogFile err;
  words.insert(words.begin(), Deptyr());
  Program program = Program::Start(words, {.fds = {{err.fd(), 2}}});
  return {program.Wait(), err.text()};
}

// --- at head

class DialectsTest : public testing::Test {
 protected:
  DialectsTest()
      : folder_(std::make_unique<TempDir>()),
        head_({"--raw", Path("raw"), "--uwsgi", Path("uwsgi"), "--client-dir",
               folder_->path(), "--raw", "tcp:127.0.0.1:0", "--uwsgi",
               "tcp:127.0.0.1:0"}) {}
  std::string Path(absl::string_view name) const { return *folder_ / name; }
  void StartBody(const std::vector<std::string>& program) {
    body_.emplace(head_.socket(), std::vector<std::string>{"--name=a"},
                  program);
    ASSERT_TRUE(head_.log().Until(HasSubstr("registered: ")));
  }
  std::vector<std::string> LocalSockets() const {
    return {Path("raw"), Path("uwsgi"), Path("a.raw"), Path("a.uwsgi")};
  }
  std::vector<std::string> TcpSockets() const {
    return {TcpAddress(head_.log(), "raw"), TcpAddress(head_.log(), "uwsgi")};
  }
  std::vector<std::string> AllSockets() const {
    std::vector<std::string> all = LocalSockets();
    for (const std::string& tcp : TcpSockets()) all.push_back(tcp);
    return all;
  }
  // The program has read nothing yet, and no signal ended it.
  void ExpectUntouched() {
    Connection client = Connection::To(Path("raw"));
    ASSERT_TRUE(client.output().Until(HasSubstr("keys:")));
    client.Send("z");
    EXPECT_TRUE(client.output().Until(HasSubstr("done")));
    EXPECT_THAT(client.output().text(), HasSubstr("keys: 7a done"));
    EXPECT_FALSE(body_->program().HasEnded());
  }

  const std::unique_ptr<TempDir> folder_;
  HeadProcess head_;
  std::optional<BodyProcess> body_;
};

TEST_F(DialectsTest, HeadsOwnProtocolIsRefusedAndNotTyped) {
  StartBody({Actor(), "keys", "1"});
  const std::vector<HeadMessage> messages = {
      Ask{.what = "sessions", .fields = {}}, Attach{.session = "a"},
      Register{.name = "b", .term = "", .argv = {"b"}}};
  for (const std::string& address : AllSockets()) {
    for (const HeadMessage& message : messages) {
      EXPECT_THAT(
          AnswerTo(address, Encode(message)),
          AllOf(HasSubstr("wrong-socket"),
                HasSubstr(absl::StrCat("this is a client socket; ask at ",
                                       head_.socket()))))
          << address;
      if (HasFailure()) return;
    }
  }
  EXPECT_TRUE(head_.log().Until(HasSubstr(": wrong-socket: ")));
  EXPECT_THAT(OutputOf({Deptyr(), "status", "--head", head_.socket()}),
              HasSubstr("refused-wrong-socket  18"));
  ExpectUntouched();
}

TEST_F(DialectsTest, ClientsOfOursSayWhereToAsk) {
  StartBody({"sleep", "1000"});  // it says nothing that would come first
  for (const std::string& address : LocalSockets()) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"ls", address},
                                               {"status", address, "a"},
                                               {"attach", address, "a"},
                                               {"send", address, "a", "x"}}) {
      const Said said = Use(words);
      EXPECT_EQ(said.status, ExitStatus{.code = 111}) << words[0];
      EXPECT_THAT(said.err, HasSubstr(absl::StrCat("ask at ", head_.socket())))
          << words[0] << " at " << address;
      if (HasFailure()) return;
    }
  }
  EXPECT_FALSE(body_->program().HasEnded());
}

TEST_F(DialectsTest, ABrowserIsRefusedOverTcp) {
  StartBody({Actor(), "keys", "1"});
  for (const std::string& address : TcpSockets()) {
    for (const char* said : kBrowsers) {
      EXPECT_THAT(AnswerTo(address, said),
                  HasSubstr("HTTP/1.0 400 Bad Request"))
          << said;
      if (HasFailure()) return;
    }
    const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r",
                            12);
    (void)AnswerTo(address, hello);
  }
  EXPECT_TRUE(head_.log().Until(HasSubstr("a client over TCP: malformed: ")));
  ExpectUntouched();
}

TEST_F(DialectsTest, WhatOnlyLooksLikeThatIsTyped) {
  const std::vector<std::string> typed = {"GET", "\xde\x80\xde\x81", "\xde",
                                          "HEAD", "\x16"};
  StartBody({"sh", "-c", "stty raw -echo; exec cat"});
  for (const std::string& text : typed) {
    for (const std::string& address : {Path("raw"), TcpSockets()[0]}) {
      Connection watcher = Connection::To(Path("raw"));
      Connection client = Connection::To(address);
      client.Send(text);
      EXPECT_TRUE(watcher.output().Until(HasSubstr(text))) << text;
      client.Send("rest.");
      EXPECT_TRUE(watcher.output().Until(HasSubstr(text + "rest."))) << text;
      client.Send("all gone");
    }
  }
}

// Only a client's packets count.  Once, a fourth of all garbage was a signal.
TEST_F(DialectsTest, GarbageIsNeverASignal) {
  StartBody({Traffic(), "signals"});
  Connection watcher = Connection::To(Path("uwsgi"));
  ASSERT_TRUE(watcher.output().Until(HasSubstr("ready\n")));
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string garbage(64, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random());
    if (garbage[0] == '\0' && garbage[3] == '\0') continue;  // keys, maybe ^C
    Connection client = Connection::To(Path("uwsgi"));
    client.Send(garbage);
    client.HalfClose();
    if (garbage[0] == '\0') continue;
    ASSERT_TRUE(client.output().Until(HasSubstr("modifier1 is 0"))) << i;
  }
  watcher.Send(SignalFrame(10));
  ASSERT_TRUE(watcher.output().Until(HasSubstr("signal 10\n")));
  EXPECT_THAT(watcher.output().text(), testing::EndsWith("ready\nsignal 10\n"));
  EXPECT_FALSE(body_->program().HasEnded());
}

// --- at a router

class RouterDialectsTest : public testing::Test {
 protected:
  void SetUp() override {
    constexpr int kReadyFd = 40;
    Pipe pipe;
    router_.emplace(Program::Start(
        {Deptyr(), "router", "--ready-fd", absl::StrCat(kReadyFd), "--raw",
         folder_ / "raw", "--uwsgi", folder_ / "uwsgi", "--raw",
         "tcp:127.0.0.1:0", "--uwsgi", "tcp:127.0.0.1:0", "--", "sh", "-c",
         absl::StrCat("trap '' HUP; exec head -c 1 >> ", folder_ / "read")},
        {.fds = {{log_.fd(), 1},
                 {log_.fd(), 2},
                 {pipe.write_end.get(), kReadyFd}}}));
    pipe.write_end.Reset();
    ASSERT_NE(WaitForEvents(pipe.read_end.get(), POLLIN), 0);
  }
  // Every program has ended, and none had read a byte.
  void ExpectUntouched() {
    EXPECT_TRUE(WaitFor([&] { return ChildrenOf(router_->pid()).empty(); }));
    EXPECT_EQ(ReadFile(folder_ / "read"), "");
  }

  TempDir folder_;
  LogFile log_;
  std::optional<Program> router_;
};

TEST_F(RouterDialectsTest, HeadsOwnProtocolIsRefusedAndNotTyped) {
  const std::vector<std::string> all = {folder_ / "raw", folder_ / "uwsgi",
                                        TcpAddress(log_, "raw"),
                                        TcpAddress(log_, "uwsgi")};
  for (const std::string& address : all) {
    EXPECT_THAT(
        AnswerTo(address, Encode(Ask{.what = "sessions", .fields = {}})),
        HasSubstr("this is a client socket of deptyr router"))
        << address;
  }
  const Said said = Use({"ls", folder_ / "uwsgi"});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("this is a client socket of deptyr router"));
  EXPECT_TRUE(log_.Until(HasSubstr(": wrong-socket: ")));
  ExpectUntouched();
}

TEST_F(RouterDialectsTest, ABrowserIsRefusedOverTcp) {
  for (const char* framing : {"raw", "uwsgi"}) {
    for (const char* said : kBrowsers) {
      EXPECT_THAT(AnswerTo(TcpAddress(log_, framing), said),
                  HasSubstr("HTTP/1.0 400 Bad Request"))
          << said;
      if (HasFailure()) return;
    }
  }
  ExpectUntouched();
}

}  // namespace
}  // namespace deptyr
