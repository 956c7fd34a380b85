#include "lib/sys/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/socket_pair.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

// The server of one connection, at loopback, and its client.
class TcpPeerTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const bool v4 = ::inet_pton(AF_INET, GetParam(), &v4_.sin_addr) == 1;
    if (!v4) {
      ASSERT_EQ(::inet_pton(AF_INET6, GetParam(), &v6_.sin6_addr), 1);
    }
    const int family = v4 ? AF_INET : AF_INET6;
    v4_.sin_family = AF_INET;
    v6_.sin6_family = AF_INET6;
    auto* const address = v4 ? reinterpret_cast<sockaddr*>(&v4_)
                             : reinterpret_cast<sockaddr*>(&v6_);
    socklen_t size = v4 ? sizeof v4_ : sizeof v6_;
    const Fd listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener.get(), address, size) != 0) {
      GTEST_SKIP() << "this machine has no " << GetParam();
    }
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), address, &size), 0);
    client_ = Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client_.get(), address, size), 0);
    server_ = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(server_.valid());
  }
  std::optional<bool> Closed() const { return PeerHasClosed(server_.get()); }

  sockaddr_in v4_{};
  sockaddr_in6 v6_{};
  Fd client_;
  Fd server_;
};

TEST_P(TcpPeerTest, IsThereAfterAHalfCloseAndNotAfterAClose) {
  EXPECT_EQ(Closed(), false);
  ShutDownWriting(client_.get());
  ASSERT_NE(WaitForEvents(server_.get(), POLLIN), 0);
  EXPECT_EQ(Closed(), false);
  client_.Reset();
  EXPECT_EQ(Closed(), true);
}

TEST_P(TcpPeerTest, IsGoneThoughWhatItSentIsUnread) {
  ASSERT_EQ(::send(client_.get(), "unread", 6, 0), 6);
  client_.Reset();
  EXPECT_EQ(Closed(), true);
}

INSTANTIATE_TEST_SUITE_P(Loopback, TcpPeerTest,
                         testing::Values("127.0.0.1", "127.9.9.9", "::1",
                                         "::ffff:127.0.0.1"));

TEST(PeerHasClosedTest, OfOtherSocketsItTellsNothing) {
  const SocketPair pair;
  EXPECT_EQ(PeerHasClosed(pair.ours.get()), std::nullopt);
  EXPECT_EQ(PeerHasClosed(-1), std::nullopt);
}

}  // namespace
}  // namespace deptyr
