// Which sessions a head remembers, and which it forgets to make room.
#include "lib/head/session_table.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/session_program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"
#include "tests/support/watcher.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;

class SessionTableTest : public testing::Test, public SessionTable::Owner {
 protected:
  void OnSessionAdded(Session&) override {}
  void OnSessionChanged(Session&, Change) override {}
  void OnSessionForgotten(Session& session) override {
    forgotten_.push_back(session.name());
  }
  bool IsShown(const Session& session) const override {
    return session.name() == shown_;
  }

  Session& Add(const std::string& name, uid_t owner = kAlice) {
    return table_.Add(name, owner, Value(Ring::Create(4096)));
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Limits limits_{.sessions = 4, .user_sessions = 3};
  std::vector<std::string> forgotten_;
  std::string shown_;
  SessionTable table_{*loop_, {}, limits_, *this};
};

TEST_F(SessionTableTest, WithoutANameItIsTheNewestSessionOfTheUser) {
  Session& first = Add("first");
  Session& second = Add("second");
  Add("other", kBob);
  EXPECT_EQ(table_.Find("", kAlice), &second);
  table_.MakeNewest(first);
  EXPECT_EQ(table_.Find("", kAlice), &first);
  EXPECT_EQ(table_.Find("second", kBob), &second);
  EXPECT_EQ(table_.Find("third", kAlice), nullptr);
  EXPECT_EQ(table_.NewestOf(0), nullptr);
}

TEST_F(SessionTableTest, ASessionIsIdleUnlessItsProgramRuns) {
  Add("a");
  Session& b = Add("b");
  EXPECT_EQ(table_.running(), 0U);
  SessionProgram cat(*loop_, {"cat"});
  b.Start(cat.Registration());
  EXPECT_EQ(table_.running(), 1U);
  Session& c = Add("c");
  cat.process().Signal(SIGKILL);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return table_.running() == 0; }));
  EXPECT_THAT(table_.idle(), ElementsAre(table_.Find("a"), &c, &b));
}

TEST_F(SessionTableTest, ForOneMoreTheOldestIdleOneOfTheUserIsForgotten) {
  Add("bobs", kBob);
  for (const char* name : {"a", "b", "c"}) Add(name);
  EXPECT_THAT(table_.MakeRoom(kAlice), IsOk());
  EXPECT_THAT(forgotten_, ElementsAre("a"));
  EXPECT_EQ(table_.Find("a"), nullptr);
}

TEST_F(SessionTableTest, WhoHasFewestTakesTheRoomOfWhoHasMost) {
  for (const char* name : {"a", "b", "c"}) Add(name);
  Add("bobs", kBob);
  shown_ = "bobs";
  EXPECT_THAT(table_.MakeRoom(kBob), IsOk());
  EXPECT_THAT(forgotten_, ElementsAre("a"));
}

TEST_F(SessionTableTest, SessionsThatSomebodyWatchesAreNotForgotten) {
  Watcher watcher(*loop_);
  for (const char* name : {"a", "b"}) Add(name);
  watcher.Join(Add("c"));
  shown_ = "a";
  EXPECT_THAT(table_.MakeRoom(kAlice), IsOk());
  EXPECT_THAT(forgotten_, ElementsAre("b"));
  Add("d", kAlice);
  shown_ = "d";
  limits_.user_sessions = 2;
  table_.Forget(*table_.Find("a"));
  EXPECT_THAT(table_.MakeRoom(kAlice),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("uid 1001 has 2 sessions already")));
}

TEST_F(SessionTableTest, BeyondTheLatestOfEachUserIdleSessionsAreForgotten) {
  Add("bobs", kBob);
  for (size_t i = 0; i < kMostEnded; ++i) Add(absl::StrCat("n", i));
  table_.ForgetExcess();
  EXPECT_THAT(forgotten_, IsEmpty());
  Add("one more");
  table_.ForgetExcess();
  EXPECT_THAT(forgotten_, ElementsAre("n0"));
}

}  // namespace
}  // namespace deptyr
