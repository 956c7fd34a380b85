// Tests peers of the head socket that aren't well-behaved bodies.  Each is told
// why, if it still listens, is one line in the log, and costs head nothing for
// good; nobody else notices.

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A connection to head that says what a test wants.
class Stranger {
 public:
  explicit Stranger(const std::string& socket)
      : fd_(Value(Connect(socket, kDeadline))) {}

  // False when head has closed the connection.
  bool Say(absl::string_view bytes, const std::vector<int>& fds = {}) {
    std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    const ssize_t sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(bytes.size());
  }
  // Returns everything head says until it closes the connection.
  std::string Hear() {
    OutputReader output(fd_.get());
    EXPECT_TRUE(output.UntilEnd());
    return output.text();
  }
  // Returns the code of head's refusal, "accepted", or "" for nothing.
  std::string Answer() {
    std::string text = Hear();
    absl::string_view bytes = text;
    const auto message = TakeMessage(bytes);
    if (!message.ok() || !message->has_value()) return text;
    if (const auto* refused = std::get_if<Refused>(&**message)) {
      EXPECT_THAT(refused->text, Not(IsEmpty()));
      EXPECT_EQ(refused->version, kProtocolVersion);
      return refused->code;
    }
    return "accepted";
  }
  void Close() { fd_.Reset(); }

 private:
  Fd fd_;
};

Register Registration(const std::string& name) {
  return {.name = name,
          .rows = 24,
          .cols = 80,
          .term = "xterm",
          .argv = {"a", "program"}};
}

class StrangersTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(head_.log().Until(HasSubstr("session=resident")));
    ASSERT_TRUE(WaitFor([&] { return ExeOf(resident_.pid()) == Actor(); }));
    Settle();
    ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
    fds_before_ = CountFdsOf(head_.pid());
  }
  // A body that came and went leaves head nothing to do for the ones before.
  void Settle() {
    BodyProcess body(head_.socket(), {"--name=settle"}, {"true"});
    EXPECT_EQ(body.Wait(), ExitStatus{});
    ASSERT_TRUE(head_.log().Until(HasSubstr("session=settle pid=")));
    EXPECT_TRUE(WaitFor([&] {
      const std::vector<std::string> lines = head_.log().lines();
      return absl::StrContains(lines.back(), absl::StrCat(body.pid())) &&
             absl::StrContains(lines.back(), "ended");
    }));
  }
  void TearDown() override {
    // Nobody else has noticed, and nothing is left.
    EXPECT_FALSE(resident_.program().HasEnded());
    EXPECT_FALSE(head_.program().HasEnded());
    EXPECT_EQ(LinesWith("session=resident"), 1);
    EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_.pid()) == fds_before_; }))
        << CountFdsOf(head_.pid()) << " descriptors, before " << fds_before_;
    BodyProcess body(head_.socket(), {"--name=after"}, {"sh", "-c", "exit 3"});
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  }
  long LinesWith(absl::string_view text) {
    const auto lines = head_.log().lines();
    return std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
      return absl::StrContains(line, text);
    });
  }
  // Expects one line in the log that names the peer and the code.
  void ExpectRefusalLogged(const std::string& code) {
    EXPECT_TRUE(head_.log().Until(HasSubstr(absl::StrCat(
        "refused pid=", ::getpid(), " uid=", ::getuid(), ": ", code))));
    EXPECT_EQ(LinesWith("refused"), 1) << head_.log().text();
  }

  HeadProcess head_;
  BodyProcess resident_{
      head_.socket(), {"--name=resident"}, {Actor(), "sizes"}};
  size_t fds_before_ = 0;
};

TEST_F(StrangersTest, GarbageIsRefusedAtItsFirstByte) {
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say("G"));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, AnotherProtocolIsRefused) {
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, ThousandsOfRandomBytesAreRefused) {
  Stranger stranger(head_.socket());
  std::string bytes;
  unsigned state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1103515245 + 12345;
    bytes.push_back(static_cast<char>(state >> 16));
  }
  bytes[0] = static_cast<char>(kDeptyr);
  (void)stranger.Say(bytes);
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, AnUnknownKindOfMessageIsRefused) {
  Stranger stranger(head_.socket());
  constexpr uint8_t kUnknown = 99;
  ASSERT_TRUE(stranger.Say(EncodePacket(kDeptyr, kUnknown, "")));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, TooMuchIsNotKept) {
  Stranger stranger(head_.socket());
  // The message ends neither within its size nor after it.
  std::string bytes = Encode(Registration(std::string(60'000, 'x')));
  while (bytes.size() < 1'000'000) bytes += bytes;
  (void)stranger.Say(bytes);
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, AnotherVersionIsToldWhichThereIs) {
  Stranger stranger(head_.socket());
  const Pty pty = Value(OpenPty({}));
  Register registration = Registration("future");
  registration.version = kProtocolVersion + 1;
  ASSERT_TRUE(stranger.Say(Encode(registration), {pty.controller.get()}));
  const std::string said = stranger.Hear();
  EXPECT_THAT(said, AllOf(HasSubstr("version"),
                          HasSubstr("restart head or the program")));
  ExpectRefusalLogged("version");
}

TEST_F(StrangersTest, AnImpossibleNameIsRefused) {
  Stranger stranger(head_.socket());
  const Pty pty = Value(OpenPty({}));
  ASSERT_TRUE(stranger.Say(Encode(Registration("../../etc/passwd")),
                           {pty.controller.get()}));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, AFailureOfWhatNeverRegisteredIsRefused) {
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say(Encode(ExecFailed{"I never was"})));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, WhatOnlyHeadSaysIsRefused) {
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say(Encode(Accepted{.name = "resident"})));
  EXPECT_EQ(stranger.Answer(), "malformed");
  ExpectRefusalLogged("malformed");
}

TEST_F(StrangersTest, NoDescriptorIsRefused) {
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say(Encode(Registration("none"))));
  EXPECT_EQ(stranger.Answer(), "descriptor");
  ExpectRefusalLogged("descriptor");
}

TEST_F(StrangersTest, SeveralDescriptorsAreRefusedAndAllClosed) {
  for (const size_t count : {2U, 4U, 5U, 16U}) {
    Stranger stranger(head_.socket());
    const Pty pty = Value(OpenPty({}));
    Pipe pipe;
    std::vector<int> fds(count, pipe.write_end.get());
    fds[0] = pty.controller.get();
    ASSERT_TRUE(stranger.Say(Encode(Registration("several")), fds));
    EXPECT_EQ(stranger.Answer(), "descriptor");
    // It reads an end of file, because nobody else can write any more.
    pipe.write_end.Reset();
    EXPECT_NE(WaitForEvents(pipe.read_end.get(), POLLIN), 0) << count;
  }
}

TEST_F(StrangersTest, SeveralDescriptorsOneByOneAreRefused) {
  Stranger stranger(head_.socket());
  const Pty pty = Value(OpenPty({}));
  const std::string bytes = Encode(Registration("several"));
  ASSERT_TRUE(stranger.Say(bytes.substr(0, 1), {pty.controller.get()}));
  (void)stranger.Say(bytes.substr(1, 1), {pty.controller.get()});
  EXPECT_EQ(stranger.Answer(), "descriptor");
  ExpectRefusalLogged("descriptor");
}

struct WrongDescriptor {
  const char* description;
  Fd (*open)();
};

class WrongDescriptorTest
    : public StrangersTest,
      public testing::WithParamInterface<WrongDescriptor> {};

TEST_P(WrongDescriptorTest, IsRefused) {
  const Fd fd = GetParam().open();
  ASSERT_TRUE(fd.valid());
  Stranger stranger(head_.socket());
  ASSERT_TRUE(stranger.Say(Encode(Registration("wrong")), {fd.get()}));
  EXPECT_EQ(stranger.Answer(), "descriptor");
  ExpectRefusalLogged("descriptor");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongDescriptorTest,
    testing::Values(
        WrongDescriptor{"Null", [] { return Fd(::open("/dev/null", O_RDWR)); }},
        WrongDescriptor{"File", [] { return Fd(::open("/etc/passwd", 0)); }},
        WrongDescriptor{"Folder", [] { return Fd(::open("/", O_RDONLY)); }},
        WrongDescriptor{"Path", [] { return Fd(::open("/", O_PATH)); }},
        WrongDescriptor{"PtmxPath",
                        [] { return Fd(::open("/dev/ptmx", O_PATH)); }},
        WrongDescriptor{"Pipe", [] { return std::move(Pipe().read_end); }},
        WrongDescriptor{"Epoll", [] { return Fd(::epoll_create1(0)); }},
        WrongDescriptor{"Socket",
                        [] { return Fd(::socket(AF_UNIX, SOCK_STREAM, 0)); }},
        WrongDescriptor{"ClientEnd",
                        [] {
                          Pty pty = Value(OpenPty({}));
                          return std::move(pty.terminal);
                        }}),
    [](const auto& kind) { return kind.param.description; });

TEST_F(StrangersTest, ConnectingAndLeavingIsNothing) {
  for (int i = 0; i < 50; ++i) Stranger(head_.socket()).Close();
  Settle();
  EXPECT_EQ(LinesWith("refused"), 0) << head_.log().text();
}

TEST_F(StrangersTest, LeavingAtAnyByteIsNothing) {
  const Pty pty = Value(OpenPty({}));
  const std::string bytes = Encode(Registration("half"));
  for (size_t said = 1; said < bytes.size(); said += 5) {
    Stranger stranger(head_.socket());
    ASSERT_TRUE(stranger.Say(bytes.substr(0, said), {pty.controller.get()}));
    stranger.Close();
  }
  Settle();
  EXPECT_EQ(LinesWith("session=half"), 0) << head_.log().text();
}

TEST_F(StrangersTest, ARegistrationInSingleBytesIsServed) {
  Stranger stranger(head_.socket());
  Pty pty = Value(OpenPty({}));
  const std::string bytes = Encode(Registration("slow"));
  ASSERT_TRUE(stranger.Say(bytes.substr(0, 1), {pty.controller.get()}));
  for (size_t i = 1; i < bytes.size(); ++i) {
    ASSERT_TRUE(stranger.Say(bytes.substr(i, 1)));
  }
  ASSERT_TRUE(head_.log().Until(
      HasSubstr(absl::StrCat("session=slow pid=", ::getpid(),
                             " uid=", ::getuid(), " registered: a program"))));
  // This program doesn't end for now; another takes its place.
  stranger.Close();
  pty.controller.Reset();
  pty.terminal.Reset();
  BodyProcess body(head_.socket(), {"--name=slow", "--replace"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{});
  EXPECT_TRUE(head_.log().Until(HasSubstr("was replaced")));
  Settle();
}

TEST_F(StrangersTest, WhoRegistersTwiceIsRefusedTheSecondTime) {
  Stranger stranger(head_.socket());
  Pty pty = Value(OpenPty({}));
  ASSERT_TRUE(
      stranger.Say(Encode(Registration("twice")), {pty.controller.get()}));
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=twice")));
  (void)stranger.Say(Encode(Registration("twice")), {pty.controller.get()});
  EXPECT_EQ(stranger.Answer(), "accepted");  // and then the refusal
  ExpectRefusalLogged("malformed");
  pty.controller.Reset();
  pty.terminal.Reset();
  BodyProcess body(head_.socket(), {"--name=twice", "--replace"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{});
  Settle();
}

TEST_F(StrangersTest, ATerminalThatTurnsAwayHoldsNobodyUp) {
  // The peer shares the open file, and makes it blocking again behind head's
  // back.
  Stranger stranger(head_.socket());
  Pty pty = Value(OpenPty({}));
  ASSERT_TRUE(
      stranger.Say(Encode(Registration("turncoat")), {pty.controller.get()}));
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=turncoat")));
  (void)::fcntl(pty.controller.get(), F_SETFL, 0);
  (void)!::write(pty.terminal.get(), "x", 1);
  Settle();
  stranger.Close();
  pty.controller.Reset();
  pty.terminal.Reset();
  BodyProcess body(head_.socket(), {"--name=turncoat", "--replace"}, {"true"});
  EXPECT_EQ(body.Wait(), ExitStatus{});
  Settle();
}

// This takes ten seconds for all at once: peers that say nothing, peers that
// say a part, and peers that stop listening.
TEST_F(StrangersTest, SilenceIsRefusedAfterAWhile) {
  const Pty pty = Value(OpenPty({}));
  const std::string bytes = Encode(Registration("silent"));
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (const size_t said :
       {size_t{0}, size_t{1}, size_t{4}, bytes.size() - 1}) {
    strangers.push_back(std::make_unique<Stranger>(head_.socket()));
    if (said > 0) {
      ASSERT_TRUE(
          strangers.back()->Say(bytes.substr(0, said), {pty.controller.get()}));
    }
  }
  // Bodies are served all the while.
  for (int i = 0; i < 10; ++i) Settle();
  for (const auto& stranger : strangers) {
    EXPECT_EQ(stranger->Answer(), "timeout");
  }
  // The refusal is logged once, and counted.
  EXPECT_EQ(LinesWith("timeout"), 1);
  EXPECT_THAT(OutputOf({Deptyr(), "status", "--head", head_.socket()}),
              testing::ContainsRegex("refused-timeout +4\n"));
}

TEST_F(StrangersTest, ManySilentOnesDoNotKeepBodiesOut) {
  std::vector<std::unique_ptr<Stranger>> strangers;
  for (int i = 0; i < 500; ++i) {
    strangers.push_back(std::make_unique<Stranger>(head_.socket()));
  }
  Settle();
  strangers.clear();
}

}  // namespace
}  // namespace deptyr
