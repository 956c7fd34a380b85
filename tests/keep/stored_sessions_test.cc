// What of a session is kept, by a keeper that is only a list.
#include "lib/keep/stored_sessions.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(KeptNameTest, IsReadAsItIsSpelled) {
  for (const StoredName& name :
       {StoredName{"ring", 0, "a"}, StoredName{"pty", 12, "unit.service"},
        StoredName{"pid", 3, "user:1000:app"}}) {
    EXPECT_EQ(Spell(name).find(':'), std::string::npos);
    EXPECT_EQ(ParseStoredName(Spell(name)), name) << Spell(name);
  }
  EXPECT_EQ(Spell({"pty", 2, "a:b"}), "deptyr.pty.2.a=b");
}

TEST(KeptNameTest, OthersAreNone) {
  for (const char* text :
       {"", "deptyr.", "deptyr.ring", "deptyr.ring.0.", "deptyr.ring.x.a",
        "deptyr.fd.1.a", "other.ring.0.a", "deptyr.ring.0.a/b"}) {
    EXPECT_EQ(ParseStoredName(text), std::nullopt) << text;
  }
}

constexpr uid_t kOwner = 1000;

// What it has, in the order it was given.
struct Store {
  std::vector<std::string> names;
  size_t room = 100;
  std::vector<std::string> said;  // "+name", "-name"
};

class ListKeeper : public FdStore {
 public:
  explicit ListKeeper(Store& store) : store_(store) {}
  absl::string_view kind() const override { return "list"; }
  absl::StatusOr<std::vector<StoredFd>> TakeBack() override {
    std::vector<StoredFd> kept;
    for (const std::string& name : store_.names) {
      kept.push_back({name, Duplicate(0)});
    }
    return kept;
  }
  absl::Status Keep(const std::vector<FdToStore>& wanted) override {
    std::vector<std::string> kept;
    for (const FdToStore& each : wanted) {
      if (store_.names.size() >= store_.room) {
        Drop(kept);
        return absl::ResourceExhaustedError("full");
      }
      store_.said.push_back("+" + each.name);
      store_.names.push_back(each.name);
      kept.push_back(each.name);
    }
    return absl::OkStatus();
  }
  void Drop(const std::vector<std::string>& names) override {
    for (const std::string& name : names) {
      if (std::erase(store_.names, name) > 0) store_.said.push_back("-" + name);
    }
  }

 private:
  Store& store_;
};

class StoredSessionsTest : public testing::Test {
 protected:
  Store store_;
  StoredSessions keeping_{std::make_unique<ListKeeper>(store_)};
};

TEST_F(StoredSessionsTest, TheRingIsFirstAndKeptOnce) {
  (void)keeping_.Keep("a", kOwner, 0, 1, 0, 0);
  (void)keeping_.Keep("a", kOwner, 0, 2, 0, 0);
  EXPECT_THAT(store_.said, ElementsAre("+deptyr.ring.0.a", "+deptyr.pty.1.a",
                                       "+deptyr.pid.1.a", "+deptyr.pty.2.a",
                                       "+deptyr.pid.2.a"));
  EXPECT_TRUE(keeping_.Keeps("a"));
  EXPECT_FALSE(keeping_.Keeps("b"));
}

TEST_F(StoredSessionsTest, AllOfASessionIsKeptOrNothing) {
  for (store_.room = 0; store_.room < 3; ++store_.room) {
    (void)keeping_.Keep("a", kOwner, 0, 1, 0, 0);
    EXPECT_THAT(store_.names, IsEmpty()) << store_.room;
    EXPECT_FALSE(keeping_.Keeps("a"));
    EXPECT_FALSE(keeping_.HasRoom());
  }
  (void)keeping_.Keep("a", kOwner, 0, 1, 0, 0);
  EXPECT_TRUE(keeping_.Keeps("a"));
}

TEST_F(StoredSessionsTest, WhatIsDroppedMakesRoom) {
  store_.room = 3;
  (void)keeping_.Keep("a", kOwner, 0, 1, 0, 0);
  (void)keeping_.Keep("b", kOwner, 0, 1, 0, 0);
  ASSERT_FALSE(keeping_.HasRoom());
  keeping_.DropProgram("a", 7);  // none of its
  keeping_.DropProgram("c", 1);
  keeping_.DropSession("c");
  EXPECT_FALSE(keeping_.HasRoom());
  keeping_.DropProgram("a", 1);
  EXPECT_TRUE(keeping_.HasRoom());
  EXPECT_THAT(store_.names, ElementsAre("deptyr.ring.0.a"));
  keeping_.DropSession("a");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, ComesBackBySession) {
  (void)keeping_.Keep("a", kOwner, 0, 4, 0, 0);
  (void)keeping_.Keep("b:c", kOwner, 0, 1, 0, 0);
  store_.names.emplace_back("deptyr.what");
  StoredSessions next(std::make_unique<ListKeeper>(store_));
  const auto sessions = Value(next.TakeBack());
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_TRUE(sessions.at("a").ring.valid());
  EXPECT_TRUE(sessions.at("a").programs.at(4).controller.valid());
  EXPECT_TRUE(sessions.at("b:c").programs.at(1).pidfd.valid());
  EXPECT_TRUE(next.Keeps("b:c"));
  EXPECT_EQ(std::count(store_.names.begin(), store_.names.end(), "deptyr.what"),
            0);
}

TEST_F(StoredSessionsTest, GoesOnInAnotherProgram) {
  (void)keeping_.Keep("a", kOwner, 0, 4, 0, 0);
  (void)keeping_.Keep("b:c", kOwner, 0, 1, 0, 0);
  keeping_.DropProgram("b:c", 1);
  StoredSessions next(std::make_unique<ListKeeper>(store_));
  std::vector<std::string> names = keeping_.Names();
  names.emplace_back("deptyr.what");  // of a later deptyr
  next.Resume(names);
  EXPECT_THAT(next.Names(),
              UnorderedElementsAre("deptyr.ring.0.a", "deptyr.pty.4.a",
                                   "deptyr.pid.4.a", "deptyr.ring.0.b=c"));
  EXPECT_TRUE(next.Keeps("a"));
  (void)next.Keep("b:c", kOwner, 0, 2, 0, 0);  // its ring is kept
  EXPECT_EQ(store_.said.back(), "+deptyr.pid.2.b=c");
  next.DropSession("a");
  next.DropSession("b:c");
  EXPECT_THAT(store_.names, IsEmpty());
}

TEST_F(StoredSessionsTest, WithoutAKeeperNothingIs) {
  StoredSessions none;
  (void)none.Keep("a", kOwner, 0, 1, 0, 0);
  none.Resume({"deptyr.ring.0.a"});
  EXPECT_FALSE(none.Keeps("a"));
  EXPECT_EQ(none.kind(), "");
  EXPECT_TRUE(Value(none.TakeBack()).empty());
}

}  // namespace
}  // namespace deptyr
