#include "lib/sys/unix_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/peer_identity.h"
#include "tests/support/bound_socket.h"
#include "tests/support/kernel.h"
#include "tests/support/program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr ExitStatus kFine{.code = 0};
constexpr uid_t kUser = 12345;

mode_t ModeOf(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 ? file.st_mode & 07777 : 0;
}

ino_t InodeOf(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 ? file.st_ino : 0;
}

bool IsCloseOnExec(int fd) {
  return ::fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

bool Blocks(int fd) {
  return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

void LeaveStaleSocket(const std::string& path) {
  (void)BindSocket(path);
}

class UnixSocketTest : public testing::Test {
 protected:
  const TempDir dir_;
  const std::string path_ = dir_ / "head.sock";
};

TEST_F(UnixSocketTest, WhoConnectsIsAccepted) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  const Fd client = Value(Connect(path_, absl::Seconds(5)));
  const std::optional<Fd> server = Value(Accept(listener.fd()));
  ASSERT_TRUE(server);
  EXPECT_EQ(::send(client.get(), "x", 1, 0), 1);
  char byte = 0;
  EXPECT_EQ(::recv(server->get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(UnixSocketTest, EveryDescriptorIsCloseOnExec) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  const Fd client = Value(Connect(path_, absl::Seconds(5)));
  const std::optional<Fd> server = Value(Accept(listener.fd()));
  ASSERT_TRUE(server);
  EXPECT_TRUE(IsCloseOnExec(listener.fd()));
  EXPECT_TRUE(IsCloseOnExec(client.get()));
  EXPECT_TRUE(IsCloseOnExec(server->get()));
}

TEST_F(UnixSocketTest, HeadsEndNeverBlocksAndTheBodysDoes) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  const Fd client = Value(Connect(path_, absl::Seconds(5)));
  const std::optional<Fd> server = Value(Accept(listener.fd()));
  ASSERT_TRUE(server);
  EXPECT_FALSE(Blocks(listener.fd()));
  EXPECT_FALSE(Blocks(server->get()));
  EXPECT_TRUE(Blocks(client.get()));
}

TEST_F(UnixSocketTest, AcceptGivesNothingWhenNobodyConnects) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  EXPECT_EQ(Value(Accept(listener.fd())), std::nullopt);
}

TEST_F(UnixSocketTest, AcceptTellsThatNoDescriptorIsLeft) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  const Fd client = Value(Connect(path_, absl::Seconds(5)));
  Program child = Program::Fork(
      [&] {
        const rlimit none{0, 0};
        (void)::setrlimit(RLIMIT_NOFILE, &none);
        return Accept(listener.fd()).status().message() == "Too many open files"
                   ? 0
                   : 1;
      },
      {.keep = {listener.fd()}});
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(Value(Accept(listener.fd()))) << "it waited in the backlog";
}

TEST_F(UnixSocketTest, AcceptReportsOtherErrors) {
  EXPECT_THAT(Accept(-1), StatusIs(absl::StatusCode::kUnavailable));
}

// --- the file's rights

TEST_F(UnixSocketTest, TheFileIs0600WhateverTheUmask) {
  for (const mode_t mask : {0000, 0022, 0077, 0777}) {
    const mode_t before = ::umask(mask);
    {
      const ListeningSocket listener = Value(Listen(path_, {}));
      EXPECT_EQ(ModeOf(path_), 0600u) << mask;
    }
    EXPECT_EQ(::umask(before), mask) << "and the umask stays";
  }
}

// If a call can't be made, the file can't have looked different before.
TEST_F(UnixSocketTest, TheFileHasItsModeFromItsFirstMoment) {
  for (const mode_t mode : {0600, 0660, 0666}) {
    Program child = Program::Fork([&] {
      (void)::umask(0);
      RefuseSystemCalls(
          {
              SYS_fchmod,
              SYS_fchmodat,
#ifdef SYS_chmod
              SYS_chmod,
#endif
          },
          EPERM);
      const auto listener = Listen(path_, {.mode = mode});
      return listener.ok() && ModeOf(path_) == mode ? 0 : 1;
    });
    EXPECT_EQ(child.Wait(), kFine) << mode;
  }
}

TEST_F(UnixSocketTest, TheModeIsTheOneAskedFor) {
  const mode_t before = ::umask(0077);
  const ListeningSocket listener =
      Value(Listen(path_, {.mode = 0666, .group = ""}));
  EXPECT_EQ(ModeOf(path_), 0666u);
  (void)::umask(before);
}

gid_t GroupOf(const std::string& path) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 ? file.st_gid
                                           : static_cast<gid_t>(-1);
}

TEST_F(UnixSocketTest, TheGroupIsTheOneAskedForByNumberOrName) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  {
    const ListeningSocket listener =
        Value(Listen(path_, {.mode = 0660, .group = "12345"}));
    EXPECT_EQ(GroupOf(path_), 12345u);
    EXPECT_EQ(ModeOf(path_), 0660u);
  }
  const ListeningSocket listener =
      Value(Listen(path_, {.mode = 0660, .group = "daemon"}));
  EXPECT_EQ(GroupOf(path_), 1u);
}

TEST_F(UnixSocketTest, AnUnknownGroupIsTheUsersErrorAndLeavesNoSocket) {
  EXPECT_THAT(Listen(path_, {.mode = 0660, .group = "no-such-group"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no such group: no-such-group")));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, TheOwnerIsTheOneAskedFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const ListeningSocket listener = Value(Listen(path_, {.owner = 12345}));
  struct stat file {};
  ASSERT_EQ(::lstat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_uid, 12345u);
  EXPECT_EQ(ModeOf(path_), 0600u);
}

TEST_F(UnixSocketTest, NothingButTheSocketIsLeftInTheFolder) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  EXPECT_FALSE(Listen(path_, {}).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()),
                          std::filesystem::directory_iterator()),
            1);
}

// These can occupy the name of the folder that a socket is made in.
void OccupyWithAFile(const std::string& path) {
  std::ofstream(path) << "precious";
}
void OccupyWithAFifo(const std::string& path) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0666), 0);
}
void OccupyWithAFolder(const std::string& path) {
  ASSERT_EQ(::mkdir(path.c_str(), 0777), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
}
void OccupyWithALink(const std::string& path) {
  ASSERT_EQ(::mkdir((path + "-elsewhere").c_str(), 0700), 0);
  ASSERT_EQ(::symlink((path + "-elsewhere").c_str(), path.c_str()), 0);
}

TEST_F(UnixSocketTest, WhatOthersPutInTheWayDelaysNobodyAndStays) {
  for (void (*occupy)(const std::string&) :
       {OccupyWithAFile, OccupyWithAFifo, OccupyWithAFolder, OccupyWithALink}) {
    const TempDir folder;
    const std::string path = folder / "sock";
    occupy(path + ".new");
    const ino_t before = InodeOf(path + ".new");
    const auto count =
        std::distance(std::filesystem::directory_iterator(folder.path()), {});
    {
      LeaveStaleSocket(path);
      const ListeningSocket listener = Value(Listen(path, {.mode = 0666}));
      EXPECT_THAT(Connect(path, absl::Seconds(5)), IsOk());
      EXPECT_EQ(InodeOf(path + ".new"), before);
    }
    EXPECT_EQ(
        std::distance(std::filesystem::directory_iterator(folder.path()), {}),
        count);
  }
}

// Only another deptyr can hold the folder's lock.
TEST_F(UnixSocketTest, WhoComesAtTheSameMomentIsRefusedAtOnce) {
  ASSERT_EQ(::mkdir((path_ + ".new").c_str(), 0700), 0);
  const Fd other(::open((path_ + ".new").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  EXPECT_THAT(Listen(path_, {}),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       HasSubstr("another process is about to listen")));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(UnixSocketTest, WhatAKilledOneLeftIsRemoved) {
  ASSERT_EQ(::mkdir((path_ + ".new").c_str(), 0700), 0);
  LeaveStaleSocket(path_ + ".new/head.sock");
  const ListeningSocket listener = Value(Listen(path_, {}));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

// While a socket is made, the working folder is another one.
TEST_F(UnixSocketTest, TheWorkingFolderStays) {
  const auto before = std::filesystem::current_path();
  {
    const ListeningSocket listener = Value(Listen(path_, {}));
    EXPECT_FALSE(Listen(path_, {}).ok());
    EXPECT_EQ(std::filesystem::current_path(), before);
  }
  Program child = Program::Fork([&] {
    (void)!::chdir(dir_.path().c_str());
    std::filesystem::remove(dir_.path());  // where we are has gone
    const TempDir other;
    return Listen(other / "sock", {}).ok() ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(UnixSocketTest, AFolderThatMayNotBeEnteredIsLeft) {
  if (::geteuid() != 0) GTEST_SKIP() << "root makes such a folder";
  ASSERT_EQ(::chmod(dir_.path().c_str(), 01777), 0);
  std::filesystem::create_directory(dir_ / "closed");
  ASSERT_EQ(::chmod((dir_ / "closed").c_str(), 0700), 0);
  Program child = Program::Fork([&] {
    (void)!::chdir((dir_ / "closed").c_str());
    (void)!::setresuid(kUser, kUser, kUser);
    return Listen(path_, {}).ok() && std::filesystem::current_path() == "/" ? 0
                                                                            : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

// A socket of ours keeps only its file in existence.
TEST_F(UnixSocketTest, ItsFileSystemCanBeMadeReadOnly) {
  Program child = Program::Fork([&] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", dir_.path().c_str(), "tmpfs", 0, nullptr) != 0) {
      return 77;
    }
    const ListeningSocket listener = Value(Listen(path_, {}));
    return ::mount("none", dir_.path().c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY,
                   nullptr) == 0
               ? 0
               : 1;
  });
  const auto end = child.Wait();
  if (end == ExitStatus{.code = 77}) GTEST_SKIP() << "may not mount here";
  EXPECT_EQ(end, kFine);
}

TEST_F(UnixSocketTest, AFileSystemNeedNotKnowHowToRenameWithoutReplacing) {
  Program child = Program::Fork([&] {
    RefuseSystemCalls({SYS_renameat2}, EINVAL);
    const auto listener = Listen(path_, {});
    return listener.ok() && listener->FileIsOurs() &&
                   Connect(path_, absl::Seconds(5)).ok() &&
                   !std::filesystem::exists(path_ + ".new")
               ? 0
               : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(UnixSocketTest, AnyFailureLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "root, who may all, is refused calls";
  for (const int call :
       {SYS_bind, SYS_fchownat, SYS_listen, SYS_fchdir, SYS_renameat2}) {
    Program child = Program::Fork([&] {
      RefuseSystemCalls({call}, EPERM);
      return Listen(path_, {.owner = kUser}).ok() ? 1 : 0;
    });
    EXPECT_EQ(child.Wait(), kFine) << call;
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path())) << call;
  }
}

TEST_F(UnixSocketTest, NobodyElseSeesItBeforeItHasItsGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  // In such a folder files get its group.
  ASSERT_EQ(::chown(dir_.path().c_str(), 0, 777), 0);
  ASSERT_EQ(::chmod(dir_.path().c_str(), 02755), 0);
  Program child = Program::Fork([&] {
    RefuseSystemCalls({SYS_fchownat}, EPERM);
    return Listen(path_, {.mode = 0660, .group = "12345"}).ok() ? 1 : 0;
  });
  EXPECT_EQ(child.Wait(), kFine);
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  const ListeningSocket listener =
      Value(Listen(path_, {.mode = 0660, .group = "12345"}));
  EXPECT_EQ(GroupOf(path_), 12345u);
  EXPECT_EQ(ModeOf(path_), 0660u);
}

// --- the path

TEST_F(UnixSocketTest, APathMayFillAllOf108Bytes) {
  const std::string path =
      dir_ / std::string(108 - dir_.path().size() - 1, 'x');
  ASSERT_EQ(path.size(), 108u);
  const ListeningSocket listener = Value(Listen(path, {}));
  EXPECT_TRUE(listener.FileIsOurs());
  EXPECT_THAT(Connect(path, absl::Seconds(5)), IsOk());
}

TEST_F(UnixSocketTest, APathOf109BytesIsTheUsersError) {
  const std::string path =
      dir_ / std::string(109 - dir_.path().size() - 1, 'x');
  for (const absl::Status& status :
       {Listen(path, {}).status(), Connect(path, absl::Seconds(5)).status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                                 AllOf(HasSubstr("109 bytes"),
                                       HasSubstr("allows 108"))));
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST(CheckSocketPathTest, RefusesWhatNoSocketCanHave) {
  EXPECT_THAT(CheckSocketPath(""),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckSocketPath(absl::string_view("a\0b", 3)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckSocketPath("/run/"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckSocketPath("relative"), IsOk());
}

TEST_F(UnixSocketTest, APathMayBeRelative) {
  Program child = Program::Fork([&] {
    (void)!::chdir(dir_.path().c_str());
    const auto listener = Listen("head.sock", {});
    return listener.ok() && Connect("head.sock", absl::Seconds(5)).ok() ? 0 : 1;
  });
  EXPECT_EQ(child.Wait(), kFine);
}

TEST_F(UnixSocketTest, AFolderThatIsNotThereIsNamed) {
  EXPECT_THAT(
      Listen(dir_ / "none/head.sock", {}),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("open the folder ")));
  EXPECT_THAT(Listen(dir_ / "none/head.sock", {}).status().message(),
              HasSubstr("/none: No such file"));
}

// --- what is there already

TEST_F(UnixSocketTest, AStaleSocketIsReplaced) {
  LeaveStaleSocket(path_);
  const ListeningSocket listener = Value(Listen(path_, {}));
  EXPECT_THAT(Connect(path_, absl::Seconds(5)), IsOk());
}

TEST_F(UnixSocketTest, AServedSocketIsRefusedAndStays) {
  const ListeningSocket first = Value(Listen(path_, {}));
  EXPECT_THAT(Listen(path_, {}),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr(path_), HasSubstr("already served"))));
  EXPECT_TRUE(first.FileIsOurs());
  EXPECT_THAT(Connect(path_, absl::Seconds(5)), IsOk());
}

// Makes connections that nobody accepts until there is room for no more.
std::vector<Fd> FillBacklog(const std::string& path) {
  std::vector<Fd> connections;
  for (;;) {
    auto connection = Connect(path, absl::Milliseconds(1));
    if (!connection.ok()) return connections;
    connections.push_back(*std::move(connection));
  }
}

TEST_F(UnixSocketTest, AServedSocketWithAFullBacklogIsRefusedToo) {
  const Fd busy = BindSocket(path_);
  ASSERT_EQ(::listen(busy.get(), 1), 0);
  const std::vector<Fd> connections = FillBacklog(path_);
  ASSERT_THAT(connections, testing::Not(IsEmpty()));
  EXPECT_THAT(Listen(path_, {}), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(UnixSocketTest, AFileOfAnotherKindIsLeftAlone) {
  std::ofstream(dir_ / "file") << "precious";
  std::filesystem::create_directory(dir_ / "folder");
  std::filesystem::create_symlink("file", dir_ / "link");
  std::filesystem::create_symlink("nowhere", dir_ / "dangling");
  for (const char* name : {"file", "folder", "link", "dangling"}) {
    const ino_t before = InodeOf(dir_ / name);
    EXPECT_THAT(Listen(dir_ / name, {}),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("is not a socket")))
        << name;
    EXPECT_EQ(InodeOf(dir_ / name), before) << name;
  }
}

// A socket of another type refuses the connection with another errno; it is
// somebody's.
TEST_F(UnixSocketTest, ADatagramSocketIsLeftAlone) {
  const Fd other = BindSocket(path_, SOCK_DGRAM);
  const ino_t before = InodeOf(path_);
  EXPECT_FALSE(Listen(path_, {}).ok());
  EXPECT_EQ(InodeOf(path_), before);
}

// --- the file at the end

TEST_F(UnixSocketTest, TheFileGoesWithTheListener) {
  {
    const ListeningSocket listener = Value(Listen(path_, {}));
    EXPECT_TRUE(listener.FileIsOurs());
    EXPECT_FALSE(listener.inherited());
    EXPECT_EQ(listener.path(), path_);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, AFileThatIsNotOursAnyMoreStays) {
  ListeningSocket first = Value(Listen(path_, {}));
  std::filesystem::remove(path_);
  EXPECT_FALSE(first.FileIsOurs());
  const ListeningSocket second = Value(Listen(path_, {}));
  EXPECT_FALSE(first.FileIsOurs());
  first.Close();
  EXPECT_TRUE(second.FileIsOurs());
}

TEST_F(UnixSocketTest, TheFileOfAnInheritedSocketStays) {
  Fd fd = BindSocket(path_);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  {
    const ListeningSocket listener(std::move(fd), path_);
    EXPECT_TRUE(listener.inherited());
    EXPECT_FALSE(listener.FileIsOurs());
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, AssigningAListenerClosesTheOneBefore) {
  ListeningSocket listener = Value(Listen(path_, {}));
  listener = Value(Listen(dir_ / "other", {}));
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(listener.FileIsOurs());
  ListeningSocket moved = std::move(listener);
  EXPECT_TRUE(moved.FileIsOurs());
}

TEST_F(UnixSocketTest, AFailedListenLeavesNoDescriptor) {
  const ListeningSocket first = Value(Listen(path_, {}));
  std::ofstream(dir_ / "file") << "x";
  const size_t before = CountOpenFds();
  EXPECT_FALSE(Listen(path_, {}).ok());
  EXPECT_FALSE(Listen(dir_ / "file", {}).ok());
  EXPECT_FALSE(Listen(dir_ / "none/x", {}).ok());
  EXPECT_EQ(CountOpenFds(), before);
}

// Listens when `go` ends, reports how that went, and keeps the socket until
// told to end.
int RaceToListen(const std::string& path, const Fd& go, const Fd& result,
                 const Fd& end) {
  char byte = 0;
  (void)!::read(go.get(), &byte, 1);
  const auto listener = Listen(path, {});
  byte = listener.ok()                              ? 'W'
         : absl::IsAlreadyExists(listener.status()) ? 'l'
                                                    : '?';
  (void)!::write(result.get(), &byte, 1);
  (void)!::read(end.get(), &byte, 1);
  return 0;
}

// Otherwise both would find the stale socket and remove "it", and the second
// would remove the first one's new socket.
TEST_F(UnixSocketTest, OfMoreAtOnceExactlyOneListens) {
  constexpr size_t kRacers = 6;
  for (int round = 0; round < 30; ++round) {
    LeaveStaleSocket(path_);
    Pipe go;
    Pipe result;
    Pipe end;
    std::vector<std::unique_ptr<Program>> racers;
    for (size_t i = 0; i < kRacers; ++i) {
      racers.push_back(std::make_unique<Program>(Program::Fork(
          [&] {
            return RaceToListen(path_, go.read_end, result.write_end,
                                end.read_end);
          },
          {.keep = {go.read_end.get(), result.write_end.get(),
                    end.read_end.get()}})));
    }
    go.write_end.Reset();
    OutputReader said(result.read_end.get());
    ASSERT_TRUE(said.Until(SizeIs(kRacers)));
    std::string sorted = said.text();
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, absl::StrCat("W", std::string(kRacers - 1, 'l')));
    EXPECT_THAT(Connect(path_, absl::Seconds(5)), IsOk());
    end.write_end.Reset();
    for (const auto& racer : racers) EXPECT_EQ(racer->Wait(), kFine);
    ASSERT_FALSE(std::filesystem::exists(path_));
  }
}

// --- connecting

TEST_F(UnixSocketTest, AHeadThatIsNotThereIsNamedWithTheReason) {
  EXPECT_THAT(Connect(path_, absl::Seconds(5)),
              StatusIs(absl::StatusCode::kUnavailable,
                       absl::StrCat("connect to head at ", path_,
                                    ": No such file or directory; does head "
                                    "run there?")));
  LeaveStaleSocket(path_);
  EXPECT_THAT(Connect(path_, absl::Seconds(5)).status().message(),
              HasSubstr("Connection refused; does head run there?"));
}

// The kernel says "Connection refused", or "Permission denied", of these.
TEST_F(UnixSocketTest, WhatIsNoSocketIsSaidToBeNone) {
  std::ofstream(path_) << "x";
  EXPECT_THAT(Connect(path_, absl::Seconds(5)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       absl::StrCat("connect to head at ", path_,
                                    ": it is a file, not a socket")));
  EXPECT_THAT(Connect(dir_.path(), absl::Seconds(5)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(": it is a folder, not a socket")));
  EXPECT_THAT(Connect(path_ + "/head.sock", absl::Seconds(5)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("Not a directory; head can't be there")));
}

TEST_F(UnixSocketTest, ASocketOfAnotherTypeIsNotHeads) {
  const Fd datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UnixAddress address = Value(UnixAddressOf(path_));
  ASSERT_EQ(::bind(datagrams.get(), address.get(), address.size), 0);
  EXPECT_THAT(Connect(path_, absl::Seconds(5)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("head can't be there; name its socket")));
}

TEST_F(UnixSocketTest, ARefusedPermissionNamesWhatGivesIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const ListeningSocket listener = Value(Listen(path_, {}));
  const auto connect_as_nobody = [&] {
    Pipe said;
    Program nobody = Program::Fork(
        [&] {
          (void)!::setuid(kUser);
          const absl::Status status = Connect(path_, absl::Seconds(5)).status();
          const std::string text = status.ToString();
          (void)!::write(said.write_end.get(), text.data(), text.size());
          return 0;
        },
        {.keep = {said.write_end.get()}});
    said.write_end.Reset();
    OutputReader output(said.read_end.get());
    EXPECT_TRUE(output.UntilEnd());
    return output.text();
  };
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  EXPECT_THAT(connect_as_nobody(),
              AllOf(StartsWith("PERMISSION_DENIED: "),
                    HasSubstr("Permission denied; the socket has mode 0")));
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0700));
  EXPECT_THAT(
      connect_as_nobody(),
      AllOf(
          StartsWith("PERMISSION_DENIED: "),
          HasSubstr("Permission denied; this user may not enter the folder")));
}

TEST_F(UnixSocketTest, AFilterOfSystemCallsIsNamed) {
  for (const auto& [error, code, setting] :
       {std::tuple(EAFNOSUPPORT, absl::StatusCode::kFailedPrecondition,
                   "RestrictAddressFamilies="),
        std::tuple(EPERM, absl::StatusCode::kPermissionDenied,
                   "SystemCallFilter=")}) {
    Program child =
        Program::Fork([&, error = error, code = code, setting = setting] {
          RefuseSystemCalls({SYS_socket}, error);
          const absl::Status status = Connect(path_, absl::Seconds(5)).status();
          return status.code() == code &&
                         absl::StrContains(status.message(), setting)
                     ? 0
                     : 1;
        });
    EXPECT_EQ(child.Wait(), kFine);
  }
}

TEST_F(UnixSocketTest, AFullBacklogIsWaitedForOnlySoLong) {
  const Fd busy = BindSocket(path_);
  ASSERT_EQ(::listen(busy.get(), 1), 0);
  const std::vector<Fd> connections = FillBacklog(path_);
  EXPECT_THAT(Connect(path_, absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("Connection timed out")));
}

TEST_F(UnixSocketTest, AReceiverWaitsOnlySoLong) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  // Zero is a limit, too, although the kernel would take it for none.
  for (const absl::Duration limit :
       {absl::Milliseconds(10), absl::ZeroDuration(), -absl::Seconds(1)}) {
    const Fd client = Value(Connect(path_, limit));
    char byte = 0;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN);
  }
}

TEST_F(UnixSocketTest, TheKernelSaysWhoConnected) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  Pipe end;
  Program peer = Program::Fork(
      [&] {
        const auto client = Connect(path_, absl::Seconds(5));
        char byte = 0;
        (void)!::read(end.read_end.get(), &byte, 1);
        return client.ok() ? 0 : 1;
      },
      {.keep = {end.read_end.get()}});
  std::optional<Fd> server;
  ASSERT_TRUE(WaitFor([&] {
    server = Value(Accept(listener.fd()));
    return server.has_value();
  }));
  const PeerIdentity who = Value(IdentifyPeer(server->get()));
  EXPECT_EQ(who.pid, peer.pid());
  EXPECT_EQ(who.uid, ::geteuid());
  EXPECT_EQ(who.gid, ::getegid());
  end.write_end.Reset();
  EXPECT_EQ(peer.Wait(), kFine);
}

TEST_F(UnixSocketTest, WhoIsConnectedToAPipeNobodyCanSay) {
  const Pipe pipe;
  EXPECT_THAT(IdentifyPeer(pipe.read_end.get()),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(UnixSocketTest, AListeningSocketTellsWhatItWasBoundTo) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  EXPECT_EQ(ListeningPath(listener.fd()), "head.sock");
  const Fd other = BindAndListen(dir_ / "other");
  EXPECT_EQ(ListeningPath(other.get()), dir_ / "other");
}

TEST_F(UnixSocketTest, AnAbstractListenerHasNoPath) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr any{.sa_family = AF_UNIX, .sa_data = {}};  // unix(7), autobind
  ASSERT_EQ(::bind(fd.get(), &any, sizeof any.sa_family), 0);
  ASSERT_EQ(::listen(fd.get(), 1), 0);
  EXPECT_EQ(ListeningPath(fd.get()), "");
}

TEST_F(UnixSocketTest, WhatDoesNotListenOnAUnixStreamHasNone) {
  const SocketPair connected;
  const Pipe pipe;
  const Fd bound = BindSocket(path_);
  const Fd packets = BindSocket(dir_ / "packets", SOCK_SEQPACKET);
  ASSERT_EQ(::listen(packets.get(), 1), 0);
  const Fd internet(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(internet.get(), reinterpret_cast<sockaddr*>(&loopback),
                   sizeof loopback),
            0);
  ASSERT_EQ(::listen(internet.get(), 1), 0);
  for (const int fd : {-1, connected.ours.get(), pipe.read_end.get(),
                       bound.get(), packets.get(), internet.get()}) {
    EXPECT_EQ(ListeningPath(fd), std::nullopt);
  }
}

TEST_F(UnixSocketTest, TwoPathsMayLeadToOneFile) {
  const ListeningSocket listener = Value(Listen(path_, {}));
  std::filesystem::create_symlink(dir_.path(), dir_ / "link");
  EXPECT_TRUE(IsSameFile(path_, dir_ / "link/head.sock"));
  EXPECT_FALSE(IsSameFile(path_, dir_.path()));
  EXPECT_FALSE(IsSameFile(dir_ / "none", dir_ / "none"));
}

}  // namespace
}  // namespace deptyr
