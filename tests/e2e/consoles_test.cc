// deptyr head --console: the terminals that OCI runtimes and the first deptyr
// send.  Debian's runc and crun run beside it.

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/status_matchers.h"

#include <nlohmann/json.hpp>

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ConsolesTest : public testing::Test {
 protected:
  void StartHead(const std::string& session) {
    head_.emplace(std::vector<std::string>{
        "--console", absl::StrCat(console_, "=", session)});
  }
  // Does what the first deptyr's body did, and executes a program.
  Program StartBody(const std::vector<std::string>& program) {
    return Program::Fork([&] {
      auto pty = OpenPty({.rows = 0, .cols = 0});
      auto head = Connect(console_, kDeadline);
      if (!pty.ok() || !head.ok() ||
          !SendWithFd(head->get(), " ", pty->controller.get()).ok()) {
        return 99;
      }
      head->Reset();
      pty->controller.Reset();
      if (!BecomeTerminalProcess(pty->terminal.get()).ok()) return 98;
      std::vector<char*> words;
      for (const std::string& word : program) {
        words.push_back(const_cast<char*>(word.c_str()));
      }
      words.push_back(nullptr);
      ::execvp(words[0], words.data());
      return 97;
    });
  }
  std::string Ask(const std::vector<std::string>& words) {
    std::vector<std::string> argv = {Deptyr(), words[0], head_->socket()};
    argv.insert(argv.end(), words.begin() + 1, words.end());
    return OutputOf(argv);
  }
  nlohmann::json Status(const std::string& session) {
    return nlohmann::json::parse(Ask({"status", "--json", session}));
  }
  testing::AssertionResult Logs(const std::string& text) {
    return head_->log().Until(HasSubstr(text));
  }

  TempDir folder_;
  const std::string console_ = folder_ / "console";
  std::optional<HeadProcess> head_;
};

TEST_F(ConsolesTest, TheFirstDeptyrsBodyHasASession) {
  StartHead("box");
  Program body = StartBody(
      {"sh", "-c",
       "trap 'echo caught' INT; stty size; echo up; read -r l; read -r l; "
       "exit 5"});
  ASSERT_TRUE(Logs(absl::StrCat("session=box pid=", body.pid(),
                                " uid=", ::geteuid(), " came by --console")));
  // It had none.
  EXPECT_THAT(Ask({"wait", "box", "--for", "up"}), "");
  EXPECT_THAT(Ask({"history", "box", "--text"}), HasSubstr("24 80"));
  EXPECT_EQ(Status("box")["argv"].dump(), "[\"sh\"]");
  Ask({"send", "box", "--keys", "C-c", "--wait-for", "caught"});
  Ask({"resize", "box", "30x90"});
  Ask({"send", "box", "--enter", "first"});
  Ask({"send", "box", "--enter", "second"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 5});
  EXPECT_TRUE(Logs("session=box pid="));
  EXPECT_TRUE(Logs(" ended: "));
  EXPECT_EQ(Status("box")["rows"], 30);
}

TEST_F(ConsolesTest, ANameMayHaveThePidInIt) {
  StartHead("box-{pid}");
  const Program one = StartBody({"sleep", "1000"});
  const Program two = StartBody({"sleep", "1000"});
  for (const Program* body : {&one, &two}) {
    EXPECT_TRUE(Logs(absl::StrCat("session=box-", body->pid(), " ")));
  }
}

TEST_F(ConsolesTest, ANameThatIsInUseIsRefusedAndItsProgramIsHungUp) {
  StartHead("box");
  const Program one = StartBody({"sleep", "1000"});
  ASSERT_TRUE(Logs("came by --console"));
  Program two = StartBody({"sleep", "1000"});
  EXPECT_EQ(two.Wait(), ExitStatus{.signal = SIGHUP});
  EXPECT_TRUE(Logs("name-taken: the name box is held by pid"));
  EXPECT_TRUE(Runs(one.pid()));
}

TEST_F(ConsolesTest, WhatIsNoTerminalIsRefused) {
  StartHead("box");
  const Pipe pipe;
  const auto send = [&](absl::string_view bytes, int fd) {
    const Fd peer = Value(Connect(console_, kDeadline));
    EXPECT_TRUE(SendWithFd(peer.get(), bytes, fd).ok());
    char byte = 0;
    (void)!::read(peer.get(), &byte, 1);  // until head closes it
  };
  send("x", pipe.read_end.get());
  EXPECT_TRUE(Logs("descriptor: what came to "));
  send("GET / HTTP/1.1\r\n\r\n", -1);
  const Fd gone = Value(Connect(console_, kDeadline));
  // Nobody else notices.
  const Program body = StartBody({"sleep", "1000"});
  EXPECT_TRUE(Logs(absl::StrCat("session=box pid=", body.pid())));
  EXPECT_EQ(nlohmann::json::parse(
                Ask({"status", "--json", "--head"}))["refused_descriptor"],
            2);
}

TEST_F(ConsolesTest, OnlyRootAndHeadsUserMaySendThem) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be two users";
  const std::string name = absl::StrCat("@deptyr-console-", ::getpid());
  head_.emplace(
      std::vector<std::string>{"--console", absl::StrCat(name, "=box")});
  Program stranger = Program::Fork([&name] {
    Become<12346>();
    (void)Connection::To(name).output().UntilEnd();
    return 0;
  });
  EXPECT_TRUE(Logs("not-permitted: only root and uid 0 may send terminals"));
  EXPECT_EQ(stranger.Wait(), ExitStatus{});
}

TEST_F(ConsolesTest, AWrongNameIsToldOf) {
  for (const char* name : {"", "a b", "{pid", ".x"}) {
    HeadProcess head({"--console", absl::StrCat(console_, "=", name)});
    EXPECT_EQ(head.program().Wait(), ExitStatus{.code = 100});
    EXPECT_THAT(head.log().text(), HasSubstr("not a session name: "));
  }
}

// --- containers

class ContainersTest : public ConsolesTest,
                       public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to make containers";
    for (const char* name : {"bin", "proc", "dev", "sys", "head"}) {
      std::filesystem::create_directories(bundle_ + "/rootfs/" + name);
    }
    std::filesystem::copy_file("/bin/busybox", bundle_ + "/rootfs/bin/busybox");
    std::filesystem::copy_file(Deptyr(), bundle_ + "/rootfs/bin/deptyr");
    for (const char* name : {"sh", "sleep", "stty", "hostname", "tty"}) {
      std::filesystem::create_symlink("busybox",
                                      bundle_ + "/rootfs/bin/" + name);
    }
    if (!Works()) GTEST_SKIP() << GetParam() << " runs no containers here";
  }
  void TearDown() override {
    if (container_) Runtime({"delete", "--force", Id()});
  }

  std::string Id() const { return absl::StrCat("deptyr-test-", ::getpid()); }
  // crun takes no mixture of cgroups' versions, as some machines have.
  std::vector<std::string> RuntimeWords(std::vector<std::string> words) const {
    const std::string state = folder_ / "state";
    std::vector<std::string> argv = {GetParam(), "--root", state};
    if (absl::string_view(GetParam()) == "crun") {
      argv = {"unshare",
              "--mount",
              "--propagation",
              "private",
              "sh",
              "-c",
              "mount -t tmpfs none /sys/fs/cgroup && "
              "mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"",
              "sh",
              "crun",
              "--cgroup-manager=disabled",
              "--root",
              state};
    }
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  std::optional<ExitStatus> Runtime(const std::vector<std::string>& words) {
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return Program::Start(
               RuntimeWords(words),
               {.fds = {{null.get(), 0}, {said_.fd(), 1}, {said_.fd(), 2}}})
        .Wait();
  }
  void WriteConfig(const std::vector<std::string>& args, bool terminal) {
    const auto mount = [](const char* where, const char* kind,
                          const std::string& source,
                          std::vector<std::string> options) {
      return nlohmann::json{{"destination", where},
                            {"type", kind},
                            {"source", source},
                            {"options", options}};
    };
    nlohmann::json namespaces = nlohmann::json::array();
    for (const char* kind : {"pid", "ipc", "uts", "mount"}) {
      namespaces.push_back({{"type", kind}});
    }
    const nlohmann::json config = {
        {"ociVersion", "1.0.0"},
        {"process",
         {{"terminal", terminal},
          {"user", {{"uid", 0}, {"gid", 0}}},
          {"args", args},
          {"env", {"PATH=/bin", "TERM=xterm", "PLACE=inside"}},
          {"cwd", "/"}}},
        {"root", {{"path", "rootfs"}}},
        {"hostname", "box"},
        {"mounts",
         {mount("/proc", "proc", "proc", {}),
          mount("/dev", "tmpfs", "tmpfs", {"nosuid", "mode=755"}),
          mount("/dev/pts", "devpts", "devpts",
                {"newinstance", "ptmxmode=0666", "mode=0620"}),
          mount("/head", "none", folder_.path(), {"bind"})}},
        {"linux", {{"namespaces", namespaces}}}};
    WriteFile(bundle_ + "/config.json", config.dump());
  }
  bool Works() {
    WriteConfig({"sleep", "0"}, false);
    container_ = true;
    return Runtime({"run", "--bundle", bundle_, Id()}) == ExitStatus{};
  }

  const std::string bundle_ = folder_ / "bundle";
  bool container_ = false;
  LogFile said_;
};

TEST_P(ContainersTest, AContainersTerminalIsASession) {
  StartHead("box");
  WriteConfig({"sh", "-c",
               "trap 'echo caught; exit 5' INT; echo up; while read -r l; do "
               "stty size; hostname; done"},
              true);
  ASSERT_EQ(Runtime({"run", "--detach", "--console-socket", console_,
                     "--bundle", bundle_, Id()}),
            ExitStatus{})
      << said_.text();
  ASSERT_TRUE(Logs("session=box pid="));
  Ask({"wait", "box", "--for", "up"});
  Ask({"resize", "box", "31x91"});
  EXPECT_EQ(
      Ask({"send", "box", "--enter", "look", "--wait-for", "box", "--print"}),
      "31 91\nbox\n");
  EXPECT_EQ(Status("box")["argv"].dump(), "[\"sh\"]");
  // Its place is that of exec, too.
  EXPECT_EQ(OutputOf({Deptyr(), "exec", head_->socket(), "box", "--", "sh",
                      "-c", "hostname; echo $PLACE"}),
            "box\ninside\n");
  Ask({"send", "box", "--keys", "C-c", "--wait-for", "caught"});
  EXPECT_TRUE(Logs(" ended"));
}

// Head's socket is mounted there.
TEST_P(ContainersTest, ABodyMayBeAContainersFirstProcess) {
  head_.emplace(std::vector<std::string>{},
                HeadProcessOptions{.socket = folder_ / "head.sock"});
  WriteConfig({"/bin/deptyr", "body", "--name", "inner", "/head/head.sock",
               "--", "sh", "-c", "tty; hostname; exec sleep 1000"},
              false);
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Program run = Program::Start(
      RuntimeWords({"run", "--bundle", bundle_, Id()}),
      {.fds = {{null.get(), 0}, {said_.fd(), 1}, {said_.fd(), 2}}});
  ASSERT_TRUE(Logs("session=inner pid=")) << said_.text();
  Ask({"wait", "inner", "--for", "box"});
  EXPECT_THAT(Ask({"history", "inner", "--text"}), HasSubstr("/dev/pts/0"));
  Ask({"signal", "inner", "KILL"});
  EXPECT_EQ(run.Wait(), ExitStatus{.code = 137});
}

// The container's terminal is the runtime's.
TEST_P(ContainersTest, ABodyMayRunTheRuntime) {
  head_.emplace();
  WriteConfig({"sh", "-c", "hostname; read -r l; exit 6"}, true);
  BodyProcess body(head_->socket(), {"--name", "outer", "--log", "none"},
                   RuntimeWords({"run", "--bundle", bundle_, Id()}));
  Ask({"wait", "outer", "--for", "box"});
  Ask({"send", "outer", "--enter", "go"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 6});
}

INSTANTIATE_TEST_SUITE_P(Runtimes, ContainersTest,
                         testing::Values("runc", "crun"),
                         [](const auto& it) { return std::string(it.param); });

}  // namespace
}  // namespace deptyr
