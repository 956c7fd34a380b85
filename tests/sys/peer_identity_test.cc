#include "lib/sys/peer_identity.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/unix_socket.h"
#include "tests/support/kernel.h"
#include "tests/support/other_user.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr uid_t kUser = 12345;
constexpr gid_t kGroup = 23456;
// The kernel's number for users without one here, and Debian's for the user
// nobody.
constexpr uid_t kOverflow = 65534;

class PeerIdentityTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
    ASSERT_EQ(::chmod(dir_.path().c_str(), 0755), 0);
  }
  // Starts a process of that user and those groups, which stays until `end_`
  // closes.
  Program Connected(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
    return Program::Fork(
        [&] {
          if (::setgroups(groups.size(), groups.data()) != 0 ||
              ::setresgid(gid, gid, gid) != 0 ||
              ::setresuid(uid, uid, uid) != 0) {
            return 2;
          }
          const auto client = Connect(path_, absl::Seconds(5));
          char byte = 0;
          (void)!::read(end_.read_end.get(), &byte, 1);
          return client.ok() ? 0 : 1;
        },
        {.keep = {end_.read_end.get()}});
  }
  Fd Accepted() {
    std::optional<Fd> server;
    EXPECT_TRUE(WaitFor([&] {
      server = Value(Accept(listener_.fd()));
      return server.has_value();
    }));
    return std::move(*server);
  }

  TempDir dir_;
  const std::string path_ = dir_ / "sock";
  const ListeningSocket listener_ = Value(Listen(path_, {.mode = 0666}));
  Pipe end_;
};

bool Write(const std::string& path, absl::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return ::write(file.get(), text.data(), text.size()) ==
         static_cast<ssize_t>(text.size());
}

// True on a Linux before 6.11.
bool CannotOpenUserNamespaces() {
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  const Fd space(::ioctl(self.get(), _IO(0xFF, 9), 0));
  return !space.valid();
}

// A process somewhere else has to find out the kernel's number for users
// without one.  This process hasn't asked yet, so these tests come first.
class StrangePlaceTest : public PeerIdentityTest {
 protected:
  static bool HideProcSys() {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", "/proc/sys", "tmpfs", 0, nullptr) == 0;
  }
  // A process of the parent namespace has to write such a map.
  static bool EnterUserNamespace(absl::string_view map) {
    const std::string folder = absl::StrCat("/proc/", ::getpid());
    Pipe entered;
    Program writer = Program::Fork(
        [&] {
          char byte = 0;
          return ::read(entered.read_end.get(), &byte, 1) == 1 &&
                         Write(folder + "/uid_map", map) &&
                         Write(folder + "/gid_map", map)
                     ? 0
                     : 1;
        },
        {.keep = {entered.read_end.get()}});
    return ::unshare(CLONE_NEWUSER) == 0 &&
           ::write(entered.write_end.get(), "x", 1) == 1 &&
           writer.Wait() == ExitStatus{};
  }
  bool LeaveProc() {
    return ::chroot(dir_.path().c_str()) == 0 && ::chdir("/") == 0;
  }
  // Returns the uids of root, kUser, kOverflow and kOther, or "?"; "skip" if
  // the process can't `go` there.
  std::string SeenFrom(absl::FunctionRef<bool()> go) {
    std::vector<Fd> connections;
    std::vector<int> keep;
    for (const uid_t uid : {uid_t{0}, kUser, kOverflow, kOther}) {
      connections.push_back(ConnectAs(path_, {uid, {uid}}));
      connections.push_back(Accepted());
      keep.push_back(connections.back().get());
    }
    Pipe said;
    keep.push_back(said.write_end.get());
    Program child = Program::Fork(
        [&] {
          if (!go()) return 77;
          std::string all;
          for (size_t i = 1; i < connections.size(); i += 2) {
            const auto who = IdentifyPeer(connections[i].get());
            if (!who.ok() || who->gid != who->uid) return 1;
            if (who->groups != std::vector<gid_t>{}) return 2;
            absl::StrAppend(
                &all, who->uid == kUnknownId ? "?" : absl::StrCat(who->uid),
                " ");
          }
          all += CheckIdentities().ok() ? "" : "can't tell";
          (void)!::write(said.write_end.get(), all.data(), all.size());
          return 0;
        },
        {.keep = keep});
    const auto end = child.Wait();
    if (end == ExitStatus{.code = 77}) return "skip";
    EXPECT_EQ(end, ExitStatus{});
    said.write_end.Reset();
    OutputReader output(said.read_end.get());
    EXPECT_TRUE(output.UntilEnd());
    return output.text();
  }

  static constexpr uid_t kOther = 100'000;
};

TEST_F(StrangePlaceTest, WithoutProcSysTheKernelIsAskedOtherwise) {
  const std::string seen =
      SeenFrom([] { return HideProcSys() && EnterUserNamespace("0 0 1"); });
  if (seen == "skip") GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(seen, "0 ? ? ? ");
}

TEST_F(StrangePlaceTest,
       NobodyIsSomebodyWhereAllHaveNumbersAndProcSysIsHidden) {
  EXPECT_EQ(SeenFrom(HideProcSys), "0 12345 65534 100000 ");
}

// 65535 is the largest number that the kernel may use for them.
TEST_F(StrangePlaceTest, WhoMightBeAnybodyIsUnknown) {
  const std::string seen = SeenFrom([] {
    if (!HideProcSys() || !EnterUserNamespace("0 0 200000")) return false;
    RefuseSystemCalls({SYS_clone, SYS_clone3}, EPERM);
    return true;
  });
  if (seen == "skip") GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(seen, "? ? ? 100000 can't tell");
}

TEST_F(StrangePlaceTest, InAChrootOfTheFirstUserNamespaceAllAreKnown) {
  EXPECT_EQ(SeenFrom([this] { return LeaveProc(); }), "0 12345 65534 100000 ");
  if (CannotOpenUserNamespaces()) return;
  EXPECT_EQ(SeenFrom([this] {
              return LeaveProc() && ::setresuid(kUser, kUser, kUser) == 0;
            }),
            "0 12345 65534 100000 ");
}

// Before Linux 6.11 the owner of the network namespace tells.
TEST_F(StrangePlaceTest, InAChrootOnAnOldKernelRootFindsOut) {
  const auto old = [this] {
    if (!LeaveProc()) return false;
    RefuseSystemCalls({SYS_pidfd_open}, ENOSYS);
    return true;
  };
  EXPECT_EQ(SeenFrom(old), "0 12345 65534 100000 ");
  EXPECT_EQ(
      SeenFrom([&] { return old() && ::setresuid(kUser, kUser, kUser) == 0; }),
      "? ? ? 100000 can't tell");
}

TEST_F(StrangePlaceTest, InAChrootOfAnotherUserNamespaceNobodyIsGuessed) {
  const std::string seen = SeenFrom(
      [this] { return EnterUserNamespace("0 0 200000") && LeaveProc(); });
  if (seen == "skip") GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(seen, "? ? ? 100000 can't tell");
}

TEST_F(PeerIdentityTest, HasItsGroups) {
  const Program peer = Connected(kUser, kGroup, {7, 50, 100'000});
  const PeerIdentity who = Value(IdentifyPeer(Accepted().get()));
  EXPECT_EQ(who.pid, peer.pid());
  EXPECT_EQ(who.uid, kUser);
  EXPECT_EQ(who.gid, kGroup);
  EXPECT_THAT(who.groups, UnorderedElementsAre(7, 50, 100'000));
}

TEST_F(PeerIdentityTest, MayHaveNoGroupsOrMany) {
  const Program none = Connected(kUser, kGroup, {});
  EXPECT_THAT(Value(IdentifyPeer(Accepted().get())).groups, SizeIs(0));
  std::vector<gid_t> many;
  for (gid_t gid = 1; gid <= 1'000; ++gid) many.push_back(gid);
  const Program lots = Connected(kUser, kGroup, many);
  EXPECT_THAT(Value(IdentifyPeer(Accepted().get())).groups, SizeIs(1'000));
}

TEST_F(PeerIdentityTest, NobodyIsSomebodyWhereAllHaveNumbers) {
  const Program peer = Connected(kOverflow, kOverflow, {});
  const PeerIdentity who = Value(IdentifyPeer(Accepted().get()));
  EXPECT_EQ(who.uid, kOverflow);
  EXPECT_EQ(who.gid, kOverflow);
}

// A process in a user namespace that maps root alone identifies a peer there.
TEST_F(PeerIdentityTest, WhoHasNoNumberInOurNamespaceIsUnknown) {
  const Program peer = Connected(kUser, kGroup, {7, kOverflow});
  const Program nobody = Connected(kOverflow, kOverflow, {});
  const Program root = Connected(0, 0, {});
  std::vector<Fd> connections;
  for (int i = 0; i < 3; ++i) connections.push_back(Accepted());
  Program inside = Program::Fork(
      [&] {
        if (::unshare(CLONE_NEWUSER) != 0) return 77;
        if (!Write("/proc/self/setgroups", "deny") ||
            !Write("/proc/self/uid_map", "0 0 1") ||
            !Write("/proc/self/gid_map", "0 0 1")) {
          return 78;
        }
        int unknown = 0;
        int roots = 0;
        for (const Fd& connection : connections) {
          const PeerIdentity who = Value(IdentifyPeer(connection.get()));
          if (who.uid == 0 && who.gid == 0) ++roots;
          if (who.uid != kUnknownId || who.gid != kUnknownId) continue;
          ++unknown;
          for (const gid_t group : who.groups) {
            if (group != kUnknownId) return 3;
          }
        }
        return unknown == 2 && roots == 1 ? 0 : 1;
      },
      {.keep = {connections[0].get(), connections[1].get(),
                connections[2].get()}});
  const auto end = inside.Wait();
  if (end == ExitStatus{.code = 77}) GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(end, ExitStatus{});
}

}  // namespace
}  // namespace deptyr
