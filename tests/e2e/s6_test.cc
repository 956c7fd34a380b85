// Tests what only s6 has: service directories of ours, readiness, execline, and
// sockets made beforehand.  The recipe is with-services.

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

#include "tests/support/supervision.h"

namespace deptyr {
namespace {

std::string Folder(const std::string& service) {
  return absl::StrCat(std::getenv("SCANDIR"), "/", service);
}
pid_t PidOf(const std::string& service) {
  return std::atoi(MustShell("s6-svstat -o pid " + Folder(service)).c_str());
}
std::string LogOf(const std::string& service) {
  return ReadFile(Folder(service) + "/log/main/current");
}
// Waits until it is up and has notified s6.
void UpAndReady(const std::string& service) {
  MustShell("s6-svc -T 60000 -wU -u " + Folder(service));
}
void Down(const std::string& service) {
  MustShell("s6-svc -T 60000 -wD -d " + Folder(service));
}

class PrivateRun : public testing::Environment {
 public:
  void SetUp() override { SetUpPrivateRun(); }
};
const auto* const kPrivateRun =
    testing::AddGlobalTestEnvironment(new PrivateRun);

// The parameters are the service directories for a head.
class S6HeadTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (absl::EndsWith(GetParam(), "nobody") && ::getuid() != 0) {
      GTEST_SKIP() << "only root can become nobody";
    }
  }
  void TearDown() override { Down(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Services, S6HeadTest,
                         testing::Values("deptyr-head", "deptyr-head-execline",
                                         "deptyr-head-nobody"),
                         [](const auto& service) {
                           std::string name = service.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(S6HeadTest, IsReadyWhenItListens) {
  UpAndReady(GetParam());
  EXPECT_EQ(Shell(absl::StrCat("deptyr body --wait 0 ", kHeadSocket,
                               " -- sh -c 'exit 3'"))
                .status,
            ExitStatus{.code = 3});
  EXPECT_TRUE(WaitFor([] {
    return absl::StrContains(LogOf(GetParam()), "ended: exit status 3");
  })) << LogOf(GetParam());
  EXPECT_EQ(MustShell(absl::StrCat("stat -c %a ", kHeadSocket)), "600\n");
}

TEST_P(S6HeadTest, EndsWith0WhenItIsStopped) {
  UpAndReady(GetParam());
  Down(GetParam());
  EXPECT_EQ(MustShell("s6-svstat -o exitcode,signal " + Folder(GetParam())),
            "0 NA\n");
}

// The parameters are the service directories for a holder of descriptors.
class S6FdHolderTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Services, S6FdHolderTest,
                         testing::Values("deptyr-fdholder",
                                         "deptyr-fdholder-execline"),
                         [](const auto& service) {
                           std::string name = service.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(S6FdHolderTest, IsForOurUserAndOurNames) {
  const std::string socket = " /run/deptyr/fdholder.sock ";
  UpAndReady(GetParam());
  EXPECT_EQ(MustShell("stat -c %a" + socket), "600\n");
  MustShell("s6-fdholder-store -d 0" + socket + "deptyr.x < /dev/null");
  EXPECT_THAT(
      Shell("s6-fdholder-store -d 0" + socket + "other < /dev/null").text,
      testing::HasSubstr("not permitted"));
  MustShell("s6-fdholder-retrieve" + socket + "deptyr.x true");
  EXPECT_EQ(MustShell("s6-fdholder-list" + socket), "deptyr.x\n");
  MustShell("s6-fdholder-delete" + socket + "deptyr.x");
  Down(GetParam());
  EXPECT_EQ(MustShell("s6-svstat -o exitcode,signal " + Folder(GetParam())),
            "0 NA\n");
}

// The parameters are the example services.
class S6ExampleTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Services, S6ExampleTest,
                         testing::Values("example", "example-execline"),
                         [](const auto& service) {
                           std::string name = service.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(S6ExampleTest, IsTheProgram) {
  UpAndReady("deptyr-head");
  MustShell("s6-svc -u " + Folder(GetParam()));
  ASSERT_TRUE(WaitFor([] { return ProgramOf(PidOf(GetParam())) == "htop"; }));
  EXPECT_EQ(NameOf(ParentOf(PidOf(GetParam()))), "s6-supervise");
  Down(GetParam());
  Down("deptyr-head");
}

TEST(S6Test, AProgramTellsS6ItselfThatItIsReady) {
  UpAndReady("deptyr-head");
  WriteFile(Folder("slot1/notification-fd"), "5\n");
  WriteScript(Folder("slot1/run"),
              absl::StrCat("#!/bin/sh\nexec deptyr body ", kHeadSocket,
                           " -- sh -c 'echo >&5; exec 5>&- sleep 1000'\n"));
  UpAndReady("slot1");
  // It was ready before it became that.
  EXPECT_TRUE(WaitFor([] { return ProgramOf(PidOf("slot1")) == "sleep"; }));
  Down("slot1");
  Down("deptyr-head");
}

// Once, a signal that came between readiness and the loop killed head, and its
// socket stayed behind.
TEST(S6Test, AHeadToldToEndAsSoonAsItIsReadyEndsAsItShould) {
  const std::string socket = absl::StrCat(kFiles, "/soon.sock");
  for (int i = 0; i < 50; ++i) {
    Pipe pipe;
    Program head = Program::Start(
        {"deptyr", "head", "--headless", "--ready-fd", "3", socket},
        {.fds = {{pipe.write_end.get(), 3}}, .env = {}});
    pipe.write_end.Reset();
    OutputReader ready(pipe.read_end.get());
    ASSERT_TRUE(ready.Until("\n"));
    head.Signal(SIGTERM);
    ASSERT_EQ(head.Wait(), ExitStatus{});
    ASSERT_FALSE(std::filesystem::exists(socket));
  }
}

TEST(S6Test, HeadNeedsNotBeWhoMadeItsSocket) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
  UpAndReady("deptyr-head-nobody");
  EXPECT_EQ(
      MustShell(absl::StrCat("stat -c %U /proc/", PidOf("deptyr-head-nobody"))),
      "nobody\n");
  EXPECT_EQ(MustShell(absl::StrCat("stat -c %U ", kHeadSocket)), "root\n");
  Down("deptyr-head-nobody");
}

// The pipe to the logger is root's, so head, which is nobody, can't open it
// anew without blocking.
TEST(S6Test, ALoggerThatHasStoppedDoesNotStopHead) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
  UpAndReady("deptyr-head-nobody");
  const std::string logger =
      MustShell("s6-svstat -o pid " + Folder("deptyr-head-nobody/log"));
  MustShell("kill -STOP " + logger);
  // Each is two lines, and a pipe takes 64 KiB.
  const std::string long_name(50, 'x');
  const std::string many = MustShell(absl::StrCat(
      "for i in $(seq 5); do for j in $(seq 80); do "
      "deptyr body --log none --wait 0 --name $i.$j.",
      long_name, " ", kHeadSocket, " -- true & done; wait; done; echo done"));
  EXPECT_EQ(many, "done\n");
  MustShell("kill -CONT " + logger);
  EXPECT_TRUE(WaitFor([] {
    // Before the logger has read, this is lost as well.
    MustShell(absl::StrCat("deptyr body --wait 0 --name last ", kHeadSocket,
                           " -- true"));
    const std::string log = LogOf("deptyr-head-nobody");
    return absl::StrContains(log, "log lines lost: the log was full") &&
           absl::StrContains(log, "session=last ");
  }));
  Down("deptyr-head-nobody");
}

}  // namespace
}  // namespace deptyr
