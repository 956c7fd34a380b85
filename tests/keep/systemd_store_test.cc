// systemd is told what it has to be, at a socket that stands in for its own.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/keep/fd_store.h"
#include "lib/sys/fd_passing.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

class SystemdStoreTest : public testing::Test {
 protected:
  SystemdStoreTest() {
    const std::string path = dir_ / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof address),
              0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    systemd_ = std::make_unique<Readiness>(-1);
  }

  // The next message, "" for none, with "+fd" if a descriptor came along.
  std::string Told() {
    std::array<char, 1000> room{};
    const FdMessage got = ReceiveWithFds(socket_.get(), room);
    return std::string(room.data(), got.io.bytes) +
           (got.fds.empty() ? "" : "+fd");
  }

  const TempDir dir_;
  const Fd socket_{
      ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  std::unique_ptr<Readiness> systemd_;
};

TEST_F(SystemdStoreTest, ADescriptorIsStoredAndDropped) {
  const auto store = MakeSystemdStore(*systemd_, 10, {});
  const Pipe pipe;
  EXPECT_THAT(store->Add({{"deptyr.a", pipe.read_end.get()}}), IsOk());
  EXPECT_EQ(Told(), "FDSTORE=1\nFDPOLL=0\nFDNAME=deptyr.a+fd");
  EXPECT_THAT(store->Remove({"deptyr.b"}), IsOk());  // isn't stored
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_EQ(Told(), "FDSTOREREMOVE=1\nFDNAME=deptyr.a");
  EXPECT_THAT(store->Remove({"deptyr.a"}), IsOk());
  EXPECT_EQ(Told(), "");
}

TEST_F(SystemdStoreTest, WhatCouldNotBeRemovedIsRemovedBeforeItIsStoredAgain) {
  const auto store = MakeSystemdStore(*systemd_, 10, {});
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), IsOk());
  (void)Told();
  std::filesystem::rename(dir_ / "notify", dir_ / "aside");
  EXPECT_THAT(store->Remove({"deptyr.a"}), testing::Not(IsOk()));
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), testing::Not(IsOk()));
  std::filesystem::rename(dir_ / "aside", dir_ / "notify");
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), IsOk());
  EXPECT_EQ(Told(), "FDSTOREREMOVE=1\nFDNAME=deptyr.a");
  EXPECT_EQ(Told(), "FDSTORE=1\nFDPOLL=0\nFDNAME=deptyr.a+fd");
}

// systemd would keep both under one name.
TEST_F(SystemdStoreTest, OneOfTheSameNameTakesThePlace) {
  const auto store = MakeSystemdStore(*systemd_, 1, {});
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), IsOk());
  (void)Told();
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), IsOk());
  EXPECT_EQ(Told(), "FDSTOREREMOVE=1\nFDNAME=deptyr.a");
  EXPECT_THAT(Told(), HasSubstr("FDSTORE=1\n"));
}

TEST_F(SystemdStoreTest, MoreThanItTakesIsntSent) {
  std::vector<StoredFd> returned;
  returned.push_back({"deptyr.old", Duplicate(0)});
  const auto store = MakeSystemdStore(*systemd_, 2, std::move(returned));
  EXPECT_THAT(store->Add({{"deptyr.a", 0}}), IsOk());
  (void)Told();
  EXPECT_THAT(store->Add({{"deptyr.b", 0}}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("FileDescriptorStoreMax=")));
  EXPECT_EQ(Told(), "");
  EXPECT_THAT(store->Remove({"deptyr.old"}), IsOk());
  (void)Told();
  EXPECT_THAT(store->Add({{"deptyr.b", 0}}), IsOk());
}

TEST_F(SystemdStoreTest, AllAreStoredOrNone) {
  const auto store = MakeSystemdStore(*systemd_, 1, {});
  EXPECT_FALSE(store->Add({{"deptyr.a", 0}, {"deptyr.b", 0}}).ok());
  EXPECT_THAT(Told(), HasSubstr("FDSTORE=1\n"));
  EXPECT_EQ(Told(), "FDSTOREREMOVE=1\nFDNAME=deptyr.a");
  EXPECT_EQ(Told(), "");
}

TEST_F(SystemdStoreTest, GivesBackOnceWhatWasInherited) {
  std::vector<StoredFd> returned;
  returned.push_back({"deptyr.old", Duplicate(0)});
  const auto store = MakeSystemdStore(*systemd_, 2, std::move(returned));
  const auto back = Value(store->Fetch());
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].name, "deptyr.old");
  EXPECT_TRUE(Value(store->Fetch()).empty());
}

TEST_F(SystemdStoreTest, InAnotherProgramItKnowsWhatIsStored) {
  const auto store =
      MakeSystemdStore(*systemd_, 2, {}, {"deptyr.a", "deptyr.b"});
  EXPECT_FALSE(store->Add({{"deptyr.c", 0}}).ok());
  EXPECT_THAT(store->Remove({"deptyr.b"}), IsOk());
  EXPECT_EQ(Told(), "FDSTOREREMOVE=1\nFDNAME=deptyr.b");
}

}  // namespace
}  // namespace deptyr
