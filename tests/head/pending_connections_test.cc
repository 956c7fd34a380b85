// Nobody's silence keeps others out.
#include "lib/head/pending_connections.h"

#include <deque>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;
constexpr uid_t kRoot = 0;

class PendingConnectionsTest : public testing::Test,
                               public PendingConnection::Owner {
 protected:
  absl::Status OnRegister(PendingConnection& peer, Register message,
                          Fd&) override {
    (void)peer.Accept(message.name);
    pending_.EndRegistration(peer.session(), &peer);
    return absl::OkStatus();
  }
  void OnExecFailed(PendingConnection&, const std::string&) override {}
  absl::Status OnAdopt(PendingConnection&, Adopt, Fd&) override {
    return absl::UnavailableError("nothing is adopted here");
  }
  void OnLog(PendingConnection&, const std::string&, Fd) override {}
  absl::Status OnAttach(PendingConnection&, Attach) override {
    return absl::OkStatus();
  }
  absl::Status OnAsk(PendingConnection&, Ask) override {
    return absl::OkStatus();
  }
  void OnPendingDone(PendingConnection& peer) override {
    pending_.Remove(peer);
  }

  // The other end of a new connection.
  const Fd& Come(uid_t uid) {
    SocketPair sockets;
    pending_.Add(std::move(sockets.ours), {.pid = 1, .uid = uid, .gid = uid});
    return peers_.emplace_back(std::move(sockets.theirs));
  }
  void RegisterAs(const Fd& peer, const std::string& name) {
    const Pty pty = Value(OpenPty({}));
    const size_t before = pending_.size();
    ASSERT_THAT(
        SendWithFd(peer.get(),
                   Encode(Register{.name = name, .term = "", .argv = {"x"}}),
                   pty.controller.get()),
        IsOk());
    ASSERT_TRUE(RunUntil(*loop_, [&] { return pending_.size() < before; }));
  }
  static std::string Heard(const Fd& peer) {
    char room[1000];
    const IoResult got = ReadSome(peer.get(), room);
    return std::string(room, got.bytes);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Limits limits_ = {};
  const AllowRules allow_ = {};
  Admission admission_{*loop_, limits_, allow_, [](uid_t) { return 0; }};
  PendingConnections pending_{*loop_, *this, admission_, 3};
  std::deque<Fd> peers_;
};

TEST_F(PendingConnectionsTest, TheUserWhoHasMostLosesTheOldest) {
  Come(kBob);
  const Fd& oldest = Come(kAlice);
  Come(kAlice);
  EXPECT_THAT(pending_.MakeRoom(kBob), IsOk());
  EXPECT_EQ(pending_.size(), 2U);
  EXPECT_THAT(Heard(oldest), HasSubstr("most of them of uid 1001"));
  EXPECT_THAT(pending_.MakeRoom(kBob), IsOk());
  EXPECT_EQ(pending_.size(), 2U) << "there is room";
}

TEST_F(PendingConnectionsTest, RootLosesNoneToOthers) {
  for (int i = 0; i < 3; ++i) Come(kRoot);
  EXPECT_THAT(pending_.MakeRoom(kAlice),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(pending_.size(), 3U);
  EXPECT_THAT(pending_.MakeRoom(kRoot), IsOk());
  EXPECT_EQ(pending_.size(), 2U);
}

TEST_F(PendingConnectionsTest, WhoRegisteredCountsOnlyAsADescriptor) {
  RegisterAs(Come(kAlice), "a");
  EXPECT_EQ(pending_.size(), 0U);
  EXPECT_EQ(pending_.CountByUser()[kAlice].silent, 0U);
  EXPECT_EQ(pending_.CountByUser()[kAlice].all, 1U);
}

TEST_F(PendingConnectionsTest, TheNextOfItsSessionEndsARegistration) {
  RegisterAs(Come(kAlice), "a");
  RegisterAs(Come(kAlice), "b");
  RegisterAs(Come(kAlice), "a");
  EXPECT_EQ(pending_.CountByUser()[kAlice].all, 2U);
  pending_.EndRegistration("a");
  pending_.EndRegistration("a");
  EXPECT_EQ(pending_.CountByUser()[kAlice].all, 1U);
  EXPECT_EQ(pending_.size(), 0U);
}

}  // namespace
}  // namespace deptyr
