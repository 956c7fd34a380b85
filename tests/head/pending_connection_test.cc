// In an upgrade, the program that takes over goes on with a peer at the head
// socket.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/head/pending_connections.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/replace_self.h"
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
  absl::Status OnRegister(PendingConnection& peer, Register message,
                          Fd& controller) override {
    controller_ = std::move(controller);
    (void)peer.Accept(message.name);
    events_.push_back(absl::StrCat("registered ", message.name));
    return absl::OkStatus();
  }
  absl::Status OnAdopt(PendingConnection&, Adopt, Fd&) override {
    return absl::UnavailableError("nothing is adopted here");
  }
  void OnLog(PendingConnection&, const std::string&, Fd) override {}
  void OnExecFailed(PendingConnection& peer, const std::string& text) override {
    events_.push_back(absl::StrCat(peer.session(), ": ", text));
  }
  absl::Status OnAttach(PendingConnection&, Attach) override {
    return absl::NotFoundError("there is no session");
  }
  absl::Status OnAsk(PendingConnection&, Ask) override {
    events_.emplace_back("asked");
    return absl::OkStatus();
  }
  void OnPendingDone(PendingConnection&) override {
    for (const auto& [code, count] : admission_.refusals().counts()) {
      events_.push_back(absl::StrCat("refused: ", code));
    }
    admission_.refusals().Resume({});
    events_.emplace_back("done");
  }

  // Waits until head has read everything that was sent.
  bool UntilRead() {
    return RunUntil(*loop_, [&] { return BytesReadable(connection_) == 0; });
  }
  bool UntilEvents(size_t count) {
    return RunUntil(*loop_, [&] { return events_.size() >= count; });
  }
  void Send(absl::string_view bytes, int fd = -1) const {
    EXPECT_THAT(SendWithFd(sockets_.theirs.get(), bytes, fd), IsOk());
  }
  // Gives another connection object everything that this one had.
  void HandOver() {
    PeerState state = peer_->Save();
    for (OfferedFd* fd : {&state.fd, &state.passed}) {
      if (*fd >= 0) *fd = Duplicate(*fd).Release();
    }
    peer_.reset();
    connection_ = state.fd;
    peer_ = std::make_unique<PendingConnection>(
        *loop_, *this, admission_, TakeOffered(state.fd), PeerIdentity());
    peer_->Resume(state);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Pty pty_ = Value(OpenPty({}));
  const std::string registration_ =
      Encode(Register{.name = "a", .term = "", .argv = {"program"}});
  Limits limits_;
  const AllowRules allow_ = {};
  Admission admission_{*loop_, limits_, allow_, [](uid_t) { return 0; }};
  std::vector<std::string> events_;
  Fd controller_;
  SocketPair sockets_;
  int connection_ = sockets_.ours.get();
  std::unique_ptr<PendingConnection> peer_ =
      std::make_unique<PendingConnection>(
          *loop_, *this, admission_, std::move(sockets_.ours), PeerIdentity());
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

// Head doesn't wait for the message to be whole, which it may never be.
TEST_F(PendingConnectionTest, ADescriptorThatHeadHasNoRoomForIsRefusedAtOnce) {
  limits_.descriptors = 0;
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

// A peer may say each of these only once, or never.
TEST_F(PendingConnectionTest, WhoRegisteredMaySayNothingElse) {
  for (const std::string& message :
       {registration_, Encode(Attach{}), Encode(Ask{}), Encode(Keys{"x"})}) {
    events_.clear();
    sockets_ = SocketPair();
    connection_ = sockets_.ours.get();
    peer_ = std::make_unique<PendingConnection>(
        *loop_, *this, admission_, std::move(sockets_.ours), PeerIdentity());
    Send(registration_, pty_.controller.get());
    ASSERT_TRUE(UntilEvents(1));
    HandOver();
    Send(message);
    ASSERT_TRUE(UntilEvents(3));
    EXPECT_THAT(events_,
                ElementsAre("registered a", "refused: malformed", "done"));
  }
}

TEST_F(PendingConnectionTest, AnErrorOfItsOwnerIsWhatItIsRefusedWith) {
  Send(Encode(Attach{}));
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("refused: no-session", "done"));
}

TEST_F(PendingConnectionTest, WhoDidNotRegisterCannotHaveFailedToBeExecuted) {
  Send(Encode(ExecFailed{.text = "no such file"}));
  ASSERT_TRUE(UntilEvents(2));
  EXPECT_THAT(events_, ElementsAre("refused: malformed", "done"));
}

}  // namespace
}  // namespace deptyr
