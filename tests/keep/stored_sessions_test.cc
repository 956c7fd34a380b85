// Which descriptors of a session are stored: the store is only a list.
#include "lib/keep/stored_sessions.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/log.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(StoredNameTest, IsReadAsItIsSpelled) {
  for (const StoredName& name :
       {StoredName{StoredKind::kRing, 0, "a"},
        StoredName{StoredKind::kPty, 12, "unit.service"},
        StoredName{StoredKind::kPid, 3, "user:1000:app"},
        StoredName{StoredKind::kLog, 4, "a"},
        StoredName{StoredKind::kSpool, 5, "a"},
        StoredName{StoredKind::kFile, 6, "a"}}) {
    EXPECT_EQ(Spell(name).find(':'), std::string::npos);
    EXPECT_EQ(ParseStoredName(Spell(name)), name) << Spell(name);
  }
  EXPECT_EQ(Spell({StoredKind::kPty, 2, "a:b"}), "deptyr.pty.2.a=b");
}

TEST(StoredNameTest, OthersAreNone) {
  for (const char* text :
       {"", "deptyr.", "deptyr.ring", "deptyr.ring.0.", "deptyr.ring.x.a",
        "deptyr.fd.1.a", "other.ring.0.a", "deptyr.ring.0.a/b"}) {
    EXPECT_EQ(ParseStoredName(text), std::nullopt) << text;
  }
}

constexpr uid_t kOwner = 1000;

// The list, in the order in which names were added.
struct Store {
  std::vector<std::string> names;
  size_t room = 100;
  bool late = false;              // its answers come too late
  std::vector<std::string> said;  // "+name", "-name"
};

class ListStore : public FdStore {
 public:
  explicit ListStore(Store& store) : store_(store) {}
  absl::string_view name() const override { return "list"; }
  absl::StatusOr<std::vector<StoredFd>> Fetch() override {
    std::vector<StoredFd> all;
    for (const std::string& name : store_.names) {
      all.push_back({name, Duplicate(0)});
    }
    return all;
  }
  absl::Status Add(const std::vector<FdToStore>& wanted) override {
    std::vector<std::string> added;
    for (const FdToStore& each : wanted) {
      if (store_.names.size() >= store_.room) {
        (void)Remove(added);
        return absl::ResourceExhaustedError("full");
      }
      store_.said.push_back("+" + each.name);
      store_.names.push_back(each.name);
      added.push_back(each.name);
    }
    return Answer();
  }
  absl::Status Remove(const std::vector<std::string>& names) override {
    if (store_.late) return Answer();
    for (const std::string& name : names) {
      if (std::erase(store_.names, name) > 0) store_.said.push_back("-" + name);
    }
    return Answer();
  }

 private:
  absl::Status Answer() const {
    if (!store_.late) return absl::OkStatus();
    return absl::DeadlineExceededError("no answer");
  }

  Store& store_;
};

class StoredSessionsTest : public testing::Test {
 protected:
  Store store_;
  StoredSessions stored_{std::make_unique<ListStore>(store_)};
};

TEST_F(StoredSessionsTest, TheRingIsFirstAndStoredOnce) {
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddProgram("a", kOwner, 0, 2, 0, 0);
  EXPECT_THAT(store_.said, ElementsAre("+deptyr.ring.0.a", "+deptyr.pty.1.a",
                                       "+deptyr.pid.1.a", "+deptyr.pty.2.a",
                                       "+deptyr.pid.2.a"));
  EXPECT_TRUE(stored_.Has("a"));
  EXPECT_FALSE(stored_.Has("b"));
}

TEST_F(StoredSessionsTest, WhatIsStoredTooLateIsRemoved) {
  store_.late = true;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_FALSE(stored_.Has("a"));
  ASSERT_EQ(store_.names.size(), 3U);
  EXPECT_FALSE(stored_.RemoveUnwanted().ok());
  store_.late = false;
  EXPECT_TRUE(stored_.RemoveUnwanted().ok());
  EXPECT_THAT(store_.names, IsEmpty());
  EXPECT_THAT(stored_.Unwanted(), IsEmpty());
}

TEST_F(StoredSessionsTest, WhatCouldNotBeRemovedIsRemovedByTheNext) {
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  store_.late = true;
  EXPECT_FALSE(stored_.RemoveProgram("a", 1).ok());
  store_.late = false;
  StoredSessions next(std::make_unique<ListStore>(store_));
  next.AssumeStored(stored_.Names(), stored_.Unwanted());
  EXPECT_TRUE(next.RemoveUnwanted().ok());
  EXPECT_THAT(store_.names, ElementsAre("deptyr.ring.0.a"));
}

TEST_F(StoredSessionsTest, WhatIsStoredAgainIsWanted) {
  store_.late = true;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  store_.late = false;
  store_.names.clear();
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_TRUE(stored_.Has("a"));
  EXPECT_TRUE(stored_.RemoveUnwanted().ok());
  EXPECT_EQ(store_.names.size(), 3U);
}

TEST_F(StoredSessionsTest, AllOfASessionIsStoredOrNothing) {
  for (store_.room = 0; store_.room < 3; ++store_.room) {
    (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
    EXPECT_THAT(store_.names, IsEmpty()) << store_.room;
    EXPECT_FALSE(stored_.Has("a"));
    EXPECT_FALSE(stored_.HasRoom());
  }
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_TRUE(stored_.Has("a"));
}

TEST_F(StoredSessionsTest, WhatIsRemovedMakesRoom) {
  store_.room = 3;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddProgram("b", kOwner, 0, 1, 0, 0);
  ASSERT_FALSE(stored_.HasRoom());
  (void)stored_.RemoveProgram("a", 7);  // none of its
  (void)stored_.RemoveProgram("c", 1);
  (void)stored_.RemoveSession("c");
  EXPECT_FALSE(stored_.HasRoom());
  (void)stored_.RemoveProgram("a", 1);
  EXPECT_TRUE(stored_.HasRoom());
  EXPECT_THAT(store_.names, ElementsAre("deptyr.ring.0.a"));
  (void)stored_.RemoveSession("a");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, ComesBackBySession) {
  (void)stored_.AddProgram("a", kOwner, 0, 4, 0, 0);
  (void)stored_.AddProgram("b:c", kOwner, 0, 1, 0, 0);
  store_.names.emplace_back("deptyr.what");
  StoredSessions next(std::make_unique<ListStore>(store_));
  const auto sessions = Value(next.Fetch());
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_TRUE(sessions.at("a").ring.valid());
  EXPECT_TRUE(sessions.at("a").programs.at(4).controller.valid());
  EXPECT_TRUE(sessions.at("b:c").programs.at(1).pidfd.valid());
  EXPECT_TRUE(next.Has("b:c"));
  EXPECT_EQ(std::count(store_.names.begin(), store_.names.end(), "deptyr.what"),
            0);
}

TEST_F(StoredSessionsTest, GoesOnInAnotherProgram) {
  (void)stored_.AddProgram("a", kOwner, 0, 4, 0, 0);
  (void)stored_.AddProgram("b:c", kOwner, 0, 1, 0, 0);
  (void)stored_.RemoveProgram("b:c", 1);
  StoredSessions next(std::make_unique<ListStore>(store_));
  std::vector<std::string> names = stored_.Names();
  names.emplace_back("deptyr.what");  // of a later deptyr
  next.AssumeStored(names);
  EXPECT_THAT(next.Names(),
              UnorderedElementsAre("deptyr.ring.0.a", "deptyr.pty.4.a",
                                   "deptyr.pid.4.a", "deptyr.ring.0.b=c"));
  EXPECT_TRUE(next.Has("a"));
  (void)next.AddProgram("b:c", kOwner, 0, 2, 0, 0);  // its ring is stored
  EXPECT_EQ(store_.said.back(), "+deptyr.pid.2.b=c");
  (void)next.RemoveSession("a");
  (void)next.RemoveSession("b:c");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, TheNextLogIsStoredBeforeTheLastIsLetGo) {
  (void)stored_.AddLog("a", kOwner, 1, {0, 0});
  EXPECT_TRUE(stored_.HasLog("a"));
  store_.said.clear();
  (void)stored_.AddLog("a", kOwner, 2, {0, 0});
  EXPECT_THAT(store_.said, ElementsAre("+deptyr.log.2.a", "+deptyr.spool.2.a",
                                       "-deptyr.log.1.a", "-deptyr.spool.1.a"));
  (void)stored_.RemoveLogs("a", 2);
  EXPECT_TRUE(stored_.HasLog("a"));
  (void)stored_.RemoveLogs("a");
  EXPECT_FALSE(stored_.HasLog("a"));
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, ALogComesBackWithItsSession) {
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddLog("a", kOwner, 1, {0, 0});
  StoredSessions next(std::make_unique<ListStore>(store_));
  const auto sessions = Value(next.Fetch());
  EXPECT_TRUE(sessions.at("a").logs.at(1).log.valid());
  EXPECT_TRUE(sessions.at("a").logs.at(1).spool.valid());
  EXPECT_TRUE(next.HasLog("a"));
  StoredSessions replaced(std::make_unique<ListStore>(store_));
  replaced.AssumeStored(stored_.Names());
  EXPECT_TRUE(replaced.HasLog("a"));
  (void)replaced.RemoveSession("a");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, TheLinesOfALogFileAreStoredAsThoseOfALog) {
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddLog("a", kOwner, 1, {.file_spool = 0});
  EXPECT_EQ(store_.said.back(), "+deptyr.file.1.a");
  EXPECT_TRUE(stored_.HasLog("a"));
  EXPECT_FALSE(stored_.HasLog("b"));
  StoredSessions next(std::make_unique<ListStore>(store_));
  const auto sessions = Value(next.Fetch());
  EXPECT_TRUE(sessions.at("a").logs.at(1).file_spool.valid());
  EXPECT_FALSE(sessions.at("a").logs.at(1).log.valid());
  EXPECT_EQ(sessions.at("a").programs.size(), 1U);
  EXPECT_TRUE(next.HasLog("a"));
  (void)next.AddLog("a", kOwner, 2, {.file_spool = 0});
  EXPECT_EQ(store_.said.back(), "-deptyr.file.1.a");
  (void)next.RemoveSession("a");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, OnlyTheProgramThatRunsCounts) {
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  stored_.SetRunning("a", 2);
  EXPECT_FALSE(stored_.Has("a"));
  stored_.SetRunning("a", 1);
  EXPECT_TRUE(stored_.Has("a"));
  stored_.SetRunning("b", 1);
  EXPECT_FALSE(stored_.Has("b"));
  (void)stored_.RemoveProgram("a", 1);
  stored_.SetRunning("a", 1);
  EXPECT_FALSE(stored_.Has("a"));
}

TEST_F(StoredSessionsTest, OnceTheRestIsRemovedThereMayBeRoom) {
  store_.late = true;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_FALSE(stored_.HasRoom());
  EXPECT_FALSE(stored_.IsFull());
  store_.late = false;
  EXPECT_TRUE(stored_.RemoveUnwanted().ok());
  EXPECT_TRUE(stored_.HasRoom());
}

TEST_F(StoredSessionsTest, AFullStoreHasNothingToRemove) {
  store_.room = 0;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_TRUE(stored_.IsFull());
  EXPECT_THAT(stored_.Unwanted(), IsEmpty());
}

TEST_F(StoredSessionsTest, OnlySoMuchIsRemovedLater) {
  store_.late = true;
  store_.room = 1000;
  for (uint64_t number = 1; number <= 200; ++number) {
    (void)stored_.AddProgram("a", kOwner, 0, number, 0, 0);
  }
  EXPECT_EQ(stored_.Unwanted().size(), 256U);
}

TEST_F(StoredSessionsTest, TheLogSaysOnceThatASessionIsNotKeptAndThatItIs) {
  testing::internal::CaptureStderr();
  LogToStandardError();
  store_.room = 0;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddProgram("a", kOwner, 0, 2, 0, 0);
  store_.room = 100;
  (void)stored_.AddProgram("a", kOwner, 0, 3, 0, 0);
  (void)stored_.AddProgram("a", kOwner, 0, 4, 0, 0);
  (void)stored_.AddProgram("a", kOwner, 0, 5, 0, 0);
  LogNowhere();
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "deptyr: session=a would not outlive head: full\n"
            "deptyr: session=a would outlive head now\n");
}

TEST_F(StoredSessionsTest, ALogMakesRoom) {
  store_.room = 5;
  (void)stored_.AddProgram("a", kOwner, 0, 1, 0, 0);
  (void)stored_.AddLog("a", kOwner, 1, {0, 0});
  (void)stored_.AddLog("b", kOwner, 1, {0, 0});
  EXPECT_TRUE(stored_.IsFull());
  EXPECT_FALSE(stored_.HasLog("b"));
  (void)stored_.RemoveLogs("a");
  EXPECT_TRUE(stored_.HasRoom());
  EXPECT_TRUE(stored_.Has("a"));
}

TEST_F(StoredSessionsTest, WithoutAStoreNothingIsStored) {
  StoredSessions none;
  (void)none.AddProgram("a", kOwner, 0, 1, 0, 0);
  EXPECT_TRUE(none.AddLog("a", kOwner, 1, {0, 0}).ok());
  EXPECT_FALSE(none.HasLog("a"));
  EXPECT_TRUE(none.RemoveProgram("a", 1).ok());
  EXPECT_TRUE(none.RemoveSession("a").ok());
  EXPECT_TRUE(none.RemoveUnwanted().ok());
  none.AssumeStored({"deptyr.ring.0.a"});
  EXPECT_FALSE(none.Has("a"));
  EXPECT_EQ(none.store(), nullptr);
  EXPECT_TRUE(Value(none.Fetch()).empty());
}

}  // namespace
}  // namespace deptyr
