#include "lib/sys/readiness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "tests/support/program.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

// Plays systemd's end of $NOTIFY_SOCKET.
class ReadinessTest : public testing::Test {
 protected:
  ReadinessTest()
      : socket_(
            ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~ReadinessTest() override { (void)::unsetenv("NOTIFY_SOCKET"); }

  // "@name" is an abstract address.
  void ListenAt(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    ASSERT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                     static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                            name.size())),
              0);
    (void)::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }

  // Returns the next message, or "" if there is none.
  std::string Received() {
    std::array<char, 1000> room{};
    const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
    return {room.data(), count > 0 ? static_cast<size_t>(count) : 0};
  }

  Fd socket_;
  const TempDir dir_;
};

TEST_F(ReadinessTest, IsToldToSystemd) {
  ListenAt(dir_ / "notify");
  Readiness readiness(-1);
  EXPECT_EQ(Received(), "");
  readiness.Ready();
  EXPECT_EQ(Received(), "READY=1");
  EXPECT_TRUE(readiness.Status("3 programs run"));
  EXPECT_EQ(Received(), "STATUS=3 programs run");
  readiness.Stopping();
  EXPECT_EQ(Received(), "STOPPING=1");
}

TEST_F(ReadinessTest, IsToldToAnAbstractAddress) {
  ListenAt(absl::StrCat("@deptyr-test-", ::getpid()));
  Readiness(-1).Ready();
  EXPECT_EQ(Received(), "READY=1");
}

// Otherwise every program we start would speak in our name (sd_notify(3)).
TEST_F(ReadinessTest, TheVariableIsTakenOutOfTheEnvironment) {
  ListenAt(dir_ / "notify");
  const Readiness readiness(-1);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
}

TEST_F(ReadinessTest, WithoutASupervisorNothingHappens) {
  (void)::unsetenv("NOTIFY_SOCKET");
  Readiness readiness(-1);
  readiness.Ready();
  readiness.Stopping();
  EXPECT_TRUE(readiness.Status("x"));
}

TEST_F(ReadinessTest, AnAddressThatIsNoneIsNoError) {
  for (const std::string& address :
       {std::string(), std::string("/no/such/socket"), std::string(500, 'x')}) {
    (void)::setenv("NOTIFY_SOCKET", address.c_str(), 1);
    Readiness readiness(-1);
    readiness.Ready();
    EXPECT_TRUE(readiness.Status("x")) << "not to be tried again";
  }
}

TEST_F(ReadinessTest, AReceiverWithoutRoomIsToldLater) {
  ListenAt(dir_ / "notify");
  Readiness readiness(-1);
  int sent = 0;
  while (readiness.Status("x")) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_EQ(Received(), "STATUS=x");
  EXPECT_TRUE(readiness.Status("y"));
}

TEST_F(ReadinessTest, IsANewlineOnS6sDescriptorWhichIsClosedThen) {
  Pipe pipe;
  Readiness readiness(pipe.write_end.Release());
  readiness.Ready();
  OutputReader output(pipe.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(), "\n");
}

TEST_F(ReadinessTest, S6sDescriptorIsNotInherited) {
  Pipe pipe;
  const int fd = pipe.write_end.Release();
  ASSERT_EQ(::fcntl(fd, F_SETFD, 0), 0);
  const Readiness readiness(fd);
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST_F(ReadinessTest, ADescriptorGoesAlong) {
  ListenAt(dir_ / "notify");
  Readiness readiness(-1);
  const Pipe pipe;
  EXPECT_THAT(
      readiness.NotifyWithFd("FDSTORE=1\nFDNAME=x", pipe.write_end.get()),
      IsOk());
  std::array<char, 100> room{};
  const FdMessage got = ReceiveWithFds(socket_.get(), room);
  EXPECT_EQ(absl::string_view(room.data(), got.io.bytes),
            "FDSTORE=1\nFDNAME=x");
  ASSERT_EQ(got.fds.size(), 1u);
  ASSERT_EQ(::write(got.fds[0].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(pipe.read_end.get(), &byte, 1), 1);
  EXPECT_THAT(readiness.NotifyWithFd("FDSTOREREMOVE=1", -1), IsOk());
  EXPECT_EQ(Received(), "FDSTOREREMOVE=1");
}

TEST_F(ReadinessTest, WhereNobodyTakesItADescriptorIsntThere) {
  ListenAt(dir_ / "notify");
  Readiness readiness(-1);
  socket_.Reset();
  EXPECT_THAT(readiness.NotifyWithFd("FDSTORE=1", 0),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ReadinessTest, TheNextProgramFindsTheSocket) {
  const std::string name = absl::StrCat("@deptyr-test-", ::getpid());
  ListenAt(name);
  const Readiness readiness(-1);
  ASSERT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  readiness.ShowSocket(true);
  ASSERT_NE(std::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), name);
  Readiness(-1).Ready();
  EXPECT_EQ(Received(), "READY=1");
  readiness.ShowSocket(true);
  readiness.ShowSocket(false);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
}

TEST_F(ReadinessTest, WithoutOneNoneIsShown) {
  const Readiness readiness(-1);
  readiness.ShowSocket(true);
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
}

}  // namespace
}  // namespace deptyr
