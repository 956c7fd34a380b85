// Which store head finds, and what it takes for its own.
#include "lib/keep/fd_store.h"

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bound_socket.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::IsNull;
using testing::SizeIs;

TEST(TakeStoredTest, OursAreTakenAndOthersLeft) {
  std::vector<InheritedFd> inherited;
  for (const char* name : {"deptyr.ring.0.a", "", "web", "deptyr.pty.1.a"}) {
    inherited.push_back({Duplicate(0), name});
  }
  const auto stored = TakeStored(inherited);
  ASSERT_THAT(stored, SizeIs(2));
  EXPECT_EQ(stored[0].name, "deptyr.ring.0.a");
  EXPECT_EQ(stored[1].name, "deptyr.pty.1.a");
  EXPECT_TRUE(stored[0].fd.valid() && stored[1].fd.valid());
  ASSERT_THAT(inherited, SizeIs(2));
  EXPECT_EQ(inherited[0].name, "");
  EXPECT_EQ(inherited[1].name, "web");
}

class FindStoreTest : public testing::Test {
 protected:
  // A store of systemd's of this size, "" without one.
  absl::StatusOr<std::unique_ptr<FdStore>> Find(
      const KeeperSpec& wanted, const std::string& size = "",
      const std::vector<std::string>* stored_before = nullptr) {
    size.empty() ? ::unsetenv("FDSTORE") : ::setenv("FDSTORE", size.c_str(), 1);
    return FindStore(wanted, dir_ / "head.sock", systemd_, {}, stored_before);
  }
  static Readiness Notified(const std::string& path) {
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    return Readiness(-1);
  }
  const TempDir dir_;
  Readiness systemd_ = Notified(dir_ / "notify");
};

TEST_F(FindStoreTest, SystemdsIsFoundIfItHasASize) {
  const auto store = Value(Find({}, "2"));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->name(), "systemd");
  for (const char* size : {"", "0", "many"}) {
    EXPECT_THAT(Value(Find({}, size)), IsNull()) << size;
    EXPECT_THAT(Find({.kind = KeeperSpec::kSystemd}, size),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("systemd offers no descriptor store")))
        << size;
  }
}

TEST_F(FindStoreTest, WithoutItsSocketThereIsNone) {
  ::unsetenv("NOTIFY_SOCKET");
  systemd_ = Readiness(-1);
  EXPECT_THAT(Value(Find({}, "2")), IsNull());
}

TEST_F(FindStoreTest, NobodyIsNobody) {
  EXPECT_THAT(Value(Find({.kind = KeeperSpec::kNobody}, "2")), IsNull());
}

TEST_F(FindStoreTest, WhoeverTakesOverKnowsWhatIsStored) {
  const std::vector<std::string> names = {"deptyr.ring.0.a", "deptyr.pid.1.a"};
  const auto store = Value(Find({}, "2", &names));
  EXPECT_THAT(store->Add({{"deptyr.pty.1.a", 0}}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2")));
}

TEST_F(FindStoreTest, AHolderThatIsWantedHasToBeThere) {
  EXPECT_FALSE(
      Find({.kind = KeeperSpec::kFdHolder, .path = dir_ / "nowhere"}).ok());
  // The program before has checked it.
  const std::vector<std::string> nothing;
  const auto store = Value(Find(
      {.kind = KeeperSpec::kFdHolder, .path = dir_ / "nowhere"}, "", &nothing));
  EXPECT_EQ(store->name(), "s6-fdholder");
}

TEST_F(FindStoreTest, OneBesideHeadIsOptional) {
  (void)BindSocket(dir_ / "fdholder.sock");  // nobody serves it
  EXPECT_THAT(Value(Find({})), IsNull());
  // If nothing was stored, the program before may have done without it.
  const std::vector<std::string> nothing;
  EXPECT_THAT(Value(Find({}, "", &nothing)), IsNull());
  const std::vector<std::string> names = {"deptyr.ring.0.a"};
  const auto store = Value(Find({}, "", &names));
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->name(), "s6-fdholder");
}

}  // namespace
}  // namespace deptyr
