#include "lib/sys/address.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/tcp.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class ListenAtTest : public testing::Test {
 protected:
  ListeningSocket Listens(const std::string& address) {
    return Value(ListenAt(address, options_));
  }
  absl::Status Error(const std::string& address) {
    return ListenAt(address, options_).status();
  }

  // Connects to a TCP port of this machine.
  static Fd ConnectToPort(const std::string& address) {
    uint32_t port = 0;
    EXPECT_TRUE(
        absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to),
              0);
    return fd;
  }

  static int Option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    (void)::getsockopt(fd, level, name, &value, &size);
    return value;
  }

  // Makes a listening socket as a supervisor passes it.
  static Fd Listener() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr any{.sa_family = AF_UNIX, .sa_data = {}};
    EXPECT_EQ(::bind(fd.get(), &any, sizeof any.sa_family), 0);
    EXPECT_EQ(::listen(fd.get(), 1), 0);
    return fd;
  }

  const TempDir dir_;
  ListenOptions options_ = {};
};

TEST_F(ListenAtTest, AWordWithASlashIsAPath) {
  const ListeningSocket socket = Listens(dir_ / "console");
  EXPECT_EQ(KindOf(socket.fd()), SocketKind::kFile);
  EXPECT_THAT(Connect(dir_ / "console", kDeadline), IsOk());
}

TEST_F(ListenAtTest, AnAtSignBeginsAnAbstractName) {
  const std::string name = absl::StrCat("@deptyr-test-", ::getpid());
  const ListeningSocket socket = Listens(name);
  EXPECT_EQ(KindOf(socket.fd()), SocketKind::kAbstract);
  EXPECT_EQ(socket.path(), name);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path + 1, name.data() + 1, name.size() - 1);
  const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&to),
                      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                             name.size())),
            0);
  EXPECT_THAT(Error(name), StatusIs(absl::StatusCode::kUnavailable,
                                    HasSubstr("Address already in use")));
}

TEST_F(ListenAtTest, TcpTellsThePortItGot) {
  for (const char* address : {"tcp:127.0.0.1:0", "tcp:localhost:0"}) {
    const ListeningSocket socket = Listens(address);
    EXPECT_EQ(KindOf(socket.fd()), SocketKind::kTcp);
    EXPECT_THAT(socket.path(), MatchesRegex("tcp:.*:[1-9][0-9]*"));
  }
  const ListeningSocket socket = Listens("tcp:127.0.0.1:0");
  EXPECT_TRUE(ConnectToPort(socket.path()).valid());
}

TEST_F(ListenAtTest, AnAddressOfALinkSaysWhich) {
  EXPECT_THAT(Error("tcp:[::1%no-such-link]:0"),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("no such host: ::1%no-such-link")));
  // If the link exists, only this machine's settings decide the rest.
  EXPECT_THAT(Error("tcp:[::1%lo]:0"),
              testing::AnyOf(IsOk(), StatusIs(absl::StatusCode::kUnavailable)));
}

TEST_F(ListenAtTest, EveryListenerIsCloseOnExecAndNeverBlocks) {
  Fd inherited = Listener();
  const std::string fd = absl::StrCat("fd:", inherited.Release());
  for (const std::string& address :
       {dir_ / "console", absl::StrCat("@deptyr-test-", ::getpid()),
        std::string("tcp:127.0.0.1:0"), fd}) {
    const ListeningSocket socket = Listens(address);
    EXPECT_EQ(::fcntl(socket.fd(), F_GETFD), FD_CLOEXEC) << address;
    EXPECT_NE(::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0) << address;
  }
}

// TCP carries no authentication.
TEST_F(ListenAtTest, TcpBeyondLoopbackHasToBeMeant) {
  for (const char* address : {"tcp:0.0.0.0:0", "tcp:[::]:0"}) {
    EXPECT_THAT(Error(address), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("--allow-remote")))
        << address;
  }
  options_.allow_remote = true;
  EXPECT_TRUE(Listens("tcp:0.0.0.0:0").valid());
}

TEST_F(ListenAtTest, TcpWithoutHostOrPortIsAnError) {
  for (const char* address : {"tcp:", "tcp:4000", "tcp::4000", "tcp:localhost",
                              "tcp:localhost:", "tcp:localhost:x",
                              "tcp:localhost:65536", "tcp:localhost:-1"}) {
    EXPECT_THAT(Error(address), StatusIs(absl::StatusCode::kInvalidArgument))
        << address;
  }
}

TEST_F(ListenAtTest, APortThatIsTakenIsNamed) {
  const ListeningSocket first = Listens("tcp:127.0.0.1:0");
  EXPECT_THAT(Error(first.path()),
              StatusIs(absl::StatusCode::kUnavailable,
                       absl::StrCat("listen on ", first.path(),
                                    ": Address already in use")));
}

// The name is too long to be looked up.
TEST_F(ListenAtTest, AHostThatIsNotFoundIsNoFaultOfTheUsage) {
  const std::string nobody(300, 'x');
  EXPECT_THAT(
      Error(absl::StrCat("tcp:", nobody, ":0")),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("getent ahosts")));
}

// A head that restarts must not wait for its old connections to time out.
TEST_F(ListenAtTest, APortIsFreeAgainAtOnce) {
  std::string address;
  {
    const ListeningSocket first = Listens("tcp:127.0.0.1:0");
    address = first.path();
    const Fd client = ConnectToPort(address);
    ASSERT_NE(WaitForEvents(first.fd(), POLLIN), 0);
    // This side closes first, so it has to remember the connection for a while.
    EXPECT_TRUE(Value(Accept(first.fd())));
  }
  EXPECT_TRUE(Listens(address).valid());
}

TEST_F(ListenAtTest, AnInheritedSocketIsTakenByItsNumberOrName) {
  std::vector<InheritedFd> inherited;
  inherited.push_back({Listener(), "head"});
  inherited.push_back({Listener(), "console"});
  options_.inherited = &inherited;
  const int head = inherited[0].fd.get();
  const int console = inherited[1].fd.get();
  EXPECT_EQ(Listens("console").fd(), console);
  EXPECT_FALSE(inherited[1].fd.valid()) << "it is taken";
  EXPECT_EQ(Listens(absl::StrCat("fd:", head)).fd(), head);
}

TEST_F(ListenAtTest, OnlyAListeningSocketCanBeInherited) {
  const Pipe pipe;
  const SocketPair connected;
  for (const int fd : {pipe.read_end.get(), connected.ours.get(), 700}) {
    EXPECT_THAT(Error(absl::StrCat("fd:", fd)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("not an inherited listening socket")));
  }
  EXPECT_GE(::fcntl(pipe.read_end.get(), F_GETFD), 0) << "it stays open";
}

TEST_F(ListenAtTest, AnyOtherWordIsAnErrorThatTellsWhatToSay) {
  for (const char* address : {"", "console", "fd:", "fd:x", "unix"}) {
    EXPECT_THAT(Error(address), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("say a path with a slash")))
        << address;
  }
}

TEST_F(ListenAtTest, AConnectionIsTunedForKeystrokesOverTcpAlone) {
  const ListeningSocket listener = Listens("tcp:127.0.0.1:0");
  const Fd client = ConnectToPort(listener.path());
  TuneConnection(client.get());
  EXPECT_EQ(Option(client.get(), IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(Option(client.get(), SOL_SOCKET, SO_KEEPALIVE), 1);
  const SocketPair local;
  TuneConnection(local.ours.get());
  EXPECT_EQ(Option(local.ours.get(), SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(ListenAtTest, WhereAPeerIs) {
  const ListeningSocket listener = Listens("tcp:127.0.0.1:0");
  const Fd client = ConnectToPort(listener.path());
  EXPECT_EQ(PeerNetwork(client.get()), "127.0.0.1");
  const SocketPair local;
  EXPECT_EQ(PeerNetwork(local.ours.get()), "an unknown address");
}

}  // namespace
}  // namespace deptyr
