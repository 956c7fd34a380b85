// Who is connected to the head socket when head is upgraded goes on with the
// program that takes over.
#include "lib/head/pending_connection.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
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

using testing::ElementsAre;
using testing::IsEmpty;

class PendingConnectionTest : public testing::Test,
                              public PendingConnection::Owner {
 protected:
  void OnRegister(PendingConnection& peer, Register message,
                  Fd controller) override {
    controller_ = std::move(controller);
    (void)peer.Accept(message.name);
    events_.push_back(absl::StrCat("registered ", message.name));
  }
  void OnExecFailed(PendingConnection& peer, const std::string& text) override {
    events_.push_back(absl::StrCat(peer.session(), ": ", text));
  }
  void OnAttach(PendingConnection&, Attach) override {
    events_.emplace_back("attached");
  }
  void OnAsk(PendingConnection&, Ask) override {
    events_.emplace_back("asked");
  }
  absl::Status CheckDescriptor(int, uid_t) const override { return room_; }
  void OnRefused(const PeerIdentity&, absl::string_view code,
                 absl::string_view) override {
    events_.push_back(absl::StrCat("refused: ", code));
  }
  void OnPendingDone(PendingConnection&) override {
    events_.emplace_back("done");
  }

  // Until head has read all that was sent.
  bool UntilRead() {
    return RunUntil(*loop_, [&] { return BytesReadable(connection_) == 0; });
  }
  bool UntilEvents(size_t count) {
    return RunUntil(*loop_, [&] { return events_.size() >= count; });
  }
  void Send(absl::string_view bytes, int fd = -1) const {
    EXPECT_THAT(SendWithFd(sockets_.theirs.get(), bytes, fd), IsOk());
  }
  // Another program has what this one had.
  void HandOver() {
    PeerState state = peer_->Save();
    for (OfferedFd* fd : {&state.fd, &state.passed}) {
      if (*fd >= 0) *fd = Duplicate(*fd).Release();
    }
    peer_.reset();
    connection_ = state.fd;
    peer_ = std::make_unique<PendingConnection>(*loop_, *this, state,
                                                PeerIdentity());
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Pty pty_ = Value(OpenPty({}));
  const std::string registration_ =
      Encode(Register{.name = "a", .term = "", .argv = {"program"}});
  absl::Status room_;
  std::vector<std::string> events_;
  Fd controller_;
  SocketPair sockets_;
  int connection_ = sockets_.ours.get();
  std::unique_ptr<PendingConnection> peer_ =
      std::make_unique<PendingConnection>(
          *loop_, *this, std::move(sockets_.ours), PeerIdentity());
};

TEST_F(PendingConnectionTest, ARegistrationThatHasHalfArrivedIsCompleted) {
  Send(registration_.substr(0, 7), pty_.controller.get());
  ASSERT_TRUE(UntilRead());
  HandOver();
  Send(registration_.substr(7));
  ASSERT_TRUE(UntilEvents(1));
  EXPECT_THAT(events_, ElementsAre("registered a"));
  EXPECT_TRUE(Value(IsController(controller_.get())));
}

TEST_F(PendingConnectionTest, ASecondDescriptorIsStillOneTooMany) {
  Send(registration_.substr(0, 7), pty_.controller.get());
  ASSERT_TRUE(UntilRead());
  HandOver();
  Send(registration_.substr(7), pty_.controller.get());
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("refused: descriptor", "done"));
}

TEST_F(PendingConnectionTest, WhoRegisteredMaySayThatItCouldNotBeExecuted) {
  Send(registration_, pty_.controller.get());
  ASSERT_TRUE(UntilEvents(1));
  HandOver();
  EXPECT_TRUE(peer_->registered());
  Send(Encode(ExecFailed{.text = "no such file"}));
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("registered a", "a: no such file"));
}

// Before the message is whole, which it may never be.
TEST_F(PendingConnectionTest, ADescriptorThatHeadHasNoRoomForIsRefusedAtOnce) {
  room_ = absl::ResourceExhaustedError("no room");
  Send(registration_.substr(0, 7), pty_.controller.get());
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("refused: limit", "done"));
}

TEST_F(PendingConnectionTest, WhoSaidNothingYetMayGo) {
  HandOver();
  sockets_.theirs.Reset();
  ASSERT_TRUE(UntilEvents(1));
  EXPECT_THAT(events_, ElementsAre("done"));
}

// Each is what a peer may say only once, or never.
TEST_F(PendingConnectionTest, WhoRegisteredMaySayNothingElse) {
  for (const std::string& message :
       {registration_, Encode(Attach{}), Encode(Ask{}), Encode(Keys{"x"})}) {
    events_.clear();
    sockets_ = SocketPair();
    connection_ = sockets_.ours.get();
    peer_ = std::make_unique<PendingConnection>(
        *loop_, *this, std::move(sockets_.ours), PeerIdentity());
    Send(registration_, pty_.controller.get());
    ASSERT_TRUE(UntilEvents(1));
    HandOver();
    Send(message);
    ASSERT_TRUE(UntilEvents(3));
    EXPECT_THAT(events_,
                ElementsAre("registered a", "refused: malformed", "done"));
  }
}

TEST_F(PendingConnectionTest, WhoDidNotRegisterCannotHaveFailedToBeExecuted) {
  Send(Encode(ExecFailed{.text = "no such file"}));
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("refused: malformed", "done"));
}

}  // namespace
}  // namespace deptyr
