// Which session a program gets that comes with its terminal.
#include "lib/head/registrar.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/head/event_listeners.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/sys/signals.h"
#include "tests/support/session_program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

PeerIdentity Self() {
  return {.pid = ::getpid(), .uid = ::getuid(), .gid = ::getgid()};
}
PeerIdentity Stranger() {
  return {.pid = ::getpid(), .uid = ::getuid() + 1, .gid = ::getgid()};
}

class RegistrarTest : public testing::Test,
                      public SessionTable::Owner,
                      public Registrar::Owner,
                      public PendingConnection::Owner {
 protected:
  // A runtime of containers sends the program's terminal.
  absl::Status Send(const std::string& name, SessionProgram& program,
                    const PeerIdentity& who = Self()) {
    Incarnation sent = program.Registration();
    return registrar_.OnConsoleLeader(
        who, name, {.pid = sent.pid, .pidfd = std::move(sent.pidfd)},
        sent.controller);
  }
  static deptyr::Register Named(const std::string& name) {
    return {.name = name, .term = "", .argv = {"it"}};
  }
  static deptyr::Register Replacing(const std::string& name) {
    deptyr::Register message = Named(name);
    message.replace = true;
    return message;
  }
  // This process says that it is about to become a program on a new terminal.
  absl::Status Register(deptyr::Register message, SocketPair& sockets,
                        const PeerIdentity& who = Self()) {
    Pty pty = Value(OpenPty({}));
    return registrar_.OnRegister(pending_.Add(std::move(sockets.ours), who),
                                 std::move(message), pty.controller);
  }

  void OnSessionAdded(Session&) override {}
  void OnSessionChanged(Session&, Change) override {}
  void OnSessionForgotten(Session&) override {}
  bool IsShown(const Session&) const override { return false; }
  bool has_terminal() const override { return false; }
  void TidySoon() override {}
  absl::Status OnRegister(PendingConnection&, deptyr::Register, Fd&) override {
    return absl::OkStatus();
  }
  absl::Status OnAdopt(PendingConnection&, Adopt, Fd&) override {
    return absl::OkStatus();
  }
  void OnExecFailed(PendingConnection&, const std::string&) override {}
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

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Limits limits_ = {};
  const AllowRules allow_ = {};
  const AuditOptions audit_options_ = {};
  const std::string socket_;
  SessionProgram cat_{*loop_, {"cat"}};
  Admission admission_{*loop_, limits_, allow_, [](uid_t) { return 0; }};
  EventListeners events_{admission_, 1 << 20};
  Audit audit_{*loop_, audit_options_, events_};
  SessionTable table_{*loop_, {}, limits_, *this};
  Stores stores_{*loop_, table_, [] {}};
  PendingConnections pending_{*loop_, *this, admission_, 16};
  HeadClients clients_{*loop_, table_, admission_, audit_, socket_, [] {}};
  Registrar registrar_{4096,     table_,   admission_, stores_,
                       pending_, clients_, *this};
};

TEST_F(RegistrarTest, AProgramRunsInTheSessionOfItsName) {
  ASSERT_THAT(Send("a", cat_), IsOk());
  const Session* const session = table_.Find("a");
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(session->running());
  EXPECT_EQ(session->program().pid(), cat_.pid());
  EXPECT_EQ(session->owner(), ::getuid());
}

TEST_F(RegistrarTest, ABodyHearsThatItsProgramIsAccepted) {
  SocketPair sockets;
  ASSERT_THAT(Register(Named("a"), sockets), IsOk());
  EXPECT_TRUE(table_.Find("a")->running());
  EXPECT_GT(BytesReadable(sockets.theirs.get()), 0);
}

TEST_F(RegistrarTest, WhoHasGoneLeavesNoSession) {
  IgnoreWriteSignals();
  SocketPair sockets;
  sockets.theirs.Reset();
  EXPECT_THAT(Register(Named("a"), sockets), IsOk());
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(RegistrarTest, APolicyThatNobodyKnowsIsRefused) {
  SocketPair sockets;
  deptyr::Register message = Named("a");
  message.writers = "two";
  EXPECT_THAT(Register(std::move(message), sockets),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("two")));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(RegistrarTest, ANameOfAnotherUserIsNotGivenAway) {
  ASSERT_THAT(Send("a", cat_), IsOk());
  SocketPair sockets;
  EXPECT_THAT(
      Register(Replacing("a"), sockets, Stranger()),
      StatusIs(StatusCode::kUnauthenticated, HasSubstr("another user")));
}

TEST_F(RegistrarTest, ALiveProgramIsReplacedIfThatWasSaid) {
  ASSERT_THAT(Send("a", cat_), IsOk());
  SocketPair refused;
  EXPECT_THAT(Register(Named("a"), refused),
              StatusIs(StatusCode::kAlreadyExists, HasSubstr("--replace")));
  EXPECT_EQ(table_.Find("a")->program().pid(), cat_.pid());
  SocketPair accepted;
  EXPECT_THAT(Register(Replacing("a"), accepted), IsOk());
  EXPECT_EQ(table_.Find("a")->program().pid(), ::getpid());
}

TEST_F(RegistrarTest, ATerminalThatASessionHasIsNotTakenAgain) {
  ASSERT_THAT(Send("a", cat_), IsOk());
  Pty pty = Value(OpenPty({}));
  EXPECT_THAT(
      registrar_.OnConsoleLeader(Self(), "b", {.pid = cat_.pid(), .pidfd = {}},
                                 pty.controller),
      StatusIs(StatusCode::kAlreadyExists, HasSubstr("in the session a")));
}

TEST_F(RegistrarTest, OnlyItsUserHandsATerminalOver) {
  Fd controller = cat_.Registration().controller;
  ASSERT_TRUE(WaitFor([&] { return LeaderOf(controller.get()).ok(); }));
  SocketPair sockets;
  EXPECT_THAT(
      registrar_.OnAdopt(pending_.Add(std::move(sockets.ours), Stranger()),
                         {.name = "a", .argv = {}}, controller),
      StatusIs(StatusCode::kPermissionDenied, HasSubstr("hand its terminal")));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(RegistrarTest, NothingIsTakenWhenHeadIsAboutToEnd) {
  registrar_.Stop();
  EXPECT_THAT(Send("a", cat_), StatusIs(StatusCode::kCancelled));
  SocketPair sockets;
  EXPECT_THAT(Register(Named("a"), sockets),
              StatusIs(StatusCode::kCancelled, HasSubstr("about to end")));
  EXPECT_EQ(table_.size(), 0u);
}

}  // namespace
}  // namespace deptyr
