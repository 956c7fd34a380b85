#include "lib/head/circles.h"

#include <unistd.h>

#include <list>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_client.h"
#include "tests/support/session_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class CirclesTest : public testing::Test, public SessionTable::Owner {
 protected:
  CirclesTest() {
    for (const char* name : {"a", "b", "c", "d"}) Add(name);
  }
  void OnSessionAdded(Session&) override {}
  void OnSessionChanged(Session&, Change) override {}
  void OnSessionForgotten(Session&) override {}
  bool IsShown(const Session&) const override { return false; }

  Session& Add(const std::string& name, uid_t owner = kAlice) {
    return table_.Add(name, owner, Value(Ring::Create(4096)));
  }
  // A client that runs inside the one session shows the other.
  void Show(const std::string& inside, const std::string& shown) {
    FakeClient& client = clients_.emplace_back(clients_.size());
    client.inside = inside;
    table_.Find(shown)->Attach(client);
  }
  absl::Status Check(const std::string& inside, const std::string& shown) {
    return CheckCircle(table_, inside, *table_.Find(shown));
  }
  std::string Around(const Attach& wish, const PeerIdentity& who) {
    return SessionAround(table_, wish, who);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Limits limits_;
  std::list<FakeClient> clients_;
  SessionTable table_{*loop_, {}, limits_, *this};
};

TEST_F(CirclesTest, ASessionIsNotShownToItself) {
  EXPECT_THAT(Check("a", "a"), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        HasSubstr("(a would show a)")));
  EXPECT_THAT(Check("a", "b"), IsOk());
  EXPECT_THAT(Check("", "a"), IsOk());
}

TEST_F(CirclesTest, ACircleOfAnyLengthIsFoundAndNamed) {
  Show("a", "b");
  Show("b", "d");
  Show("b", "c");
  EXPECT_THAT(Check("a", "c"), IsOk());
  EXPECT_THAT(Check("d", "b"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("(d would show b, which shows d)")));
  EXPECT_THAT(
      Check("c", "a"),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("(c would show a, which shows b, which shows c)")));
}

TEST_F(CirclesTest, ClientsOutsideMakeNone) {
  Show("", "a");
  Show("", "b");
  EXPECT_THAT(Check("a", "b"), IsOk());
}

TEST_F(CirclesTest, AClientIsInsideTheSessionWhoseProgramItDescendsFrom) {
  SessionProgram cat(*loop_, {"cat"});
  table_.Find("b")->Start(cat.Registration());
  ASSERT_TRUE(WaitFor([&] { return ::getsid(cat.pid()) == cat.pid(); }));
  const Attach wish{.rows = 24, .cols = 80, .inside = "a"};
  EXPECT_EQ(Around(wish, {.pid = cat.pid(), .uid = kBob}), "b");
  EXPECT_EQ(Around(wish, {.pid = ::getpid(), .uid = kBob}), "");
  EXPECT_EQ(Around({}, {.pid = cat.pid(), .uid = kBob}), "")
      << "without a terminal it shows nothing";
}

// Somebody else could keep people out of a session by such words.
TEST_F(CirclesTest, WhatAClientTellsCountsForItsOwnSessions) {
  const Attach wish{.rows = 24, .cols = 80, .inside = "a"};
  EXPECT_EQ(Around(wish, {.uid = kAlice}), "a");
  EXPECT_EQ(Around(wish, {.uid = 0}), "a");
  EXPECT_EQ(Around(wish, {.uid = kBob}), "");
  EXPECT_EQ(Around({.inside = "none"}, {.uid = kAlice}), "");
}

}  // namespace
}  // namespace deptyr
