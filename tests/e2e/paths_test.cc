// Other users control parts of the paths that root's head is given, and what it
// can know of who they are.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bound_socket.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr uid_t kAlice = 12345;
constexpr uid_t kBob = 12346;

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

std::string RightsOf(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return "none";
  return absl::StrFormat("uid %d gid %d mode %o", file.st_uid, file.st_gid,
                         file.st_mode & 07777U);
}

class PathsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
    ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
    std::filesystem::copy(Deptyr(), folder_ / "deptyr");
  }
  // Makes a folder of that user's, with that mode.
  std::string Folder(const std::string& name, uid_t owner, mode_t mode) {
    const std::string path = folder_ / name;
    EXPECT_EQ(::mkdir(path.c_str(), mode), 0);
    EXPECT_EQ(::chown(path.c_str(), owner, owner), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  void StartHead(std::vector<std::string> options,
                 HeadProcessOptions more = {}) {
    options.insert(options.begin(), "--mode=0666");
    if (more.socket.empty()) more.socket = folder_ / "head.sock";
    head_.emplace(options, std::move(more));
    ASSERT_TRUE(head_->ready()) << head_->log().text();
  }
  // Runs a program that comes and goes.
  std::string RunBody(const std::string& name, void (*become)() = nullptr) {
    const LogFile said;
    Program body = Program::Start(
        {folder_ / "deptyr", "body", "--name", name, head_->socket(), "--",
         "true"},
        {.fds = {{said.fd(), 1}, {said.fd(), 2}}, .prepare = become});
    return body.Wait() == ExitStatus{} ? "ran" : said.text();
  }
  std::string Names() {
    return OutputOf({Deptyr(), "ls", "--names", head_->socket()});
  }
  testing::AssertionResult Logged(const std::string& text) {
    return head_->log().Until(HasSubstr(text));
  }

  TempDir folder_;
  std::optional<HeadProcess> head_;
};

constexpr char kRoots[] = "uid 0 gid 0 mode 600";

// Puts links to `victim` in the place of everything that appears in Alice's
// folder.
int Swap(const std::string& folder, const std::string& victim) {
  Become<kAlice>();
  for (int count = 0;; ++count) {
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.is_symlink(ignored)) continue;
      const std::string aside = absl::StrCat(folder, "-aside/", count);
      (void)::rename(entry.path().c_str(), aside.c_str());
      (void)!::symlink(victim.c_str(), entry.path().c_str());
    }
  }
}

// Each call that makes a file, or changes one, is held up at its end, so that
// somebody who looks all the time is there before the next.
const std::vector<std::string> kSlowly = {
    "strace",
    "-o",
    "/dev/null",
    "-e",
    "trace=bind,mkdirat,renameat2,chmod,fchmodat,lchown,fchownat,listen",
    "-e",
    "inject=bind,mkdirat,renameat2,chmod,fchmodat,lchown,fchownat,listen:"
    "delay_exit=20000"};

TEST_F(PathsTest, TheOwnerOfAClientDirTurnsHeadToNoOtherFile) {
  const std::string clients = Folder("clients", kAlice, 0755);
  Folder("clients-aside", kAlice, 0755);
  const std::string victim = folder_ / "victim";
  WriteFile(victim, "precious");
  ASSERT_EQ(::chmod(victim.c_str(), 0600), 0);
  StartHead({"--listener-allow=any=see", "--client-dir", clients},
            {.wrapper = kSlowly});
  const std::vector<pid_t> traced = ChildrenOf(head_->pid());
  {
    const Program alice = Program::Fork([&] { return Swap(clients, victim); });
    for (const char* const name : {"a", "b", "c", "d", "e", "f"}) {
      EXPECT_EQ(RunBody(name, Become<kAlice>), "ran");
      EXPECT_TRUE(Logged(absl::StrCat("session=", name)));
    }
  }
  EXPECT_EQ(RightsOf(victim), kRoots);
  EXPECT_EQ(ReadFile(victim), "precious");
  EXPECT_EQ(Names(), "a\nb\nc\nd\ne\nf\n");
  for (const pid_t pid : traced) (void)::kill(pid, SIGTERM);
  EXPECT_EQ(head_->program().Wait(), ExitStatus{});
  EXPECT_EQ(RightsOf(victim), kRoots);
}

TEST_F(PathsTest, AClientDirThatBecomesALinkIsNotFollowed) {
  const std::string home = Folder("alice", kAlice, 0755);
  const std::string clients = Folder("alice/clients", kAlice, 0755);
  const std::string precious = Folder("precious", 0, 0700);
  StartHead({"--client-dir", clients});
  ASSERT_EQ(RunBody("a"), "ran");
  EXPECT_THAT(NamesIn(clients), UnorderedElementsAre("a.raw", "a.uwsgi"));
  // These are root's: a stale socket, and a file of the same name.
  (void)BindSocket(precious + "/b.raw");
  (void)BindSocket(precious + "/a.raw");
  const auto as_alice = [&] {
    Become<kAlice>();
    return ::rename(clients.c_str(), (home + "/aside").c_str()) == 0 &&
                   ::symlink(precious.c_str(), clients.c_str()) == 0
               ? 0
               : 1;
  };
  ASSERT_EQ(Program::Fork(as_alice).Wait(), ExitStatus{});
  ASSERT_EQ(RunBody("b"), "ran");
  EXPECT_TRUE(Logged("session=b can't be attached to there: open the folder"));
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  EXPECT_THAT(NamesIn(precious), UnorderedElementsAre("a.raw", "b.raw"));
  // The person who starts head again is told.
  HeadProcess again({"--client-dir", clients});
  EXPECT_EQ(again.program().Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(again.log().text(),
              HasSubstr("the symbolic link clients on the way may be another "
                        "user's; name the folder it leads to"));
}

// The files that a stranger puts beside future sockets, and keeps locked.
class Obstacles {
 public:
  explicit Obstacles(const std::vector<std::string>& sockets)
      : program_(Program::Fork(
            [&] {
              Become<kBob>();
              for (const std::string& socket : sockets) {
                for (const char* const suffix : {".lock", ".new"}) {
                  const int fd = ::open((socket + suffix).c_str(),
                                        O_RDWR | O_CREAT | O_CLOEXEC, 0666);
                  if (fd < 0 || ::flock(fd, LOCK_EX) != 0) return 1;
                }
              }
              (void)!::write(ready_.write_end.get(), "x", 1);
              for (;;) (void)::pause();
            },
            {.keep = {ready_.write_end.get()}})) {
    EXPECT_NE(WaitForEvents(ready_.read_end.get(), POLLIN), 0);
  }

 private:
  Pipe ready_;
  Program program_;
};

TEST_F(PathsTest, WhatAStrangerKeepsLockedDelaysNobody) {
  const std::string shared = Folder("shared", 0, 01777);
  const std::string socket = shared + "/head.sock";
  const Obstacles obstacles(
      {socket, shared + "/a.raw", shared + "/a.uwsgi", shared + "/b.raw"});
  StartHead({"--client-dir", shared, "--group=12347"}, {.socket = socket});
  EXPECT_EQ(RightsOf(socket), "uid 0 gid 12347 mode 666");
  ASSERT_EQ(RunBody("a", Become<kAlice>), "ran");
  EXPECT_EQ(RightsOf(shared + "/a.raw"), "uid 12345 gid 0 mode 600");
  EXPECT_EQ(RightsOf(shared + "/a.uwsgi"), "uid 12345 gid 0 mode 600");
  EXPECT_THAT(head_->log().text(), Not(HasSubstr("can't be attached")));
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  for (const std::string& name : NamesIn(shared)) {
    EXPECT_THAT(name, testing::AnyOf(testing::EndsWith(".lock"),
                                     testing::EndsWith(".new")));
  }
}

// The stranger would get all terminals.
TEST_F(PathsTest, AStrangersKeeperIsGivenNothing) {
  const std::string shared = Folder("shared", 0, 01777);
  const std::string rules = folder_ / "rules/uid/default";
  std::filesystem::create_directories(folder_ / "rules/uid");
  std::filesystem::copy(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                     "/s6/deptyr-fdholder/data/rules/uid/self"),
                        rules, std::filesystem::copy_options::recursive);
  Pipe ready;
  const Program holder =
      Program::Start({"s6-fdholder-daemon", "-1", "-i", folder_ / "rules",
                      shared + "/fdholder.sock"},
                     {.fds = {{ready.write_end.get(), 1}}, .prepare = [] {
                        (void)::umask(0);
                        Become<kBob>();
                      }});
  ready.write_end.Reset();
  ASSERT_TRUE(OutputReader(ready.read_end.get()).Until("\n"));
  StartHead({}, {.socket = shared + "/head.sock"});
  EXPECT_TRUE(Logged("goes on without a keeper: s6-fdholder at"));
  EXPECT_TRUE(Logged("is another user's (uid=12346)"));
  ASSERT_EQ(RunBody("a"), "ran");
  EXPECT_THAT(OutputOf({Deptyr(), "status", "--head", head_->socket()}),
              Not(HasSubstr("s6-fdholder")));
}

// --- who they are

class IdentityTest : public PathsTest {
 protected:
  void SetUp() override {
    PathsTest::SetUp();
    if (IsSkipped()) return;
    if (Program::Start({"unshare", "--map-root-user", "true"}).Wait() !=
        ExitStatus{}) {
      GTEST_SKIP() << "no user namespaces here";
    }
  }
};

TEST_F(IdentityTest, InAUserNamespaceWithoutProcSysStrangersStayStrangers) {
  StartHead({}, {.wrapper = {"unshare", "--mount", "--propagation", "private",
                             "sh", "-c",
                             "mount -t tmpfs none /proc/sys && "
                             "exec unshare --map-root-user -- \"$@\"",
                             "sh"}});
  EXPECT_EQ(RunBody("roots"), "ran");
  for (void (*become)() : {Become<kAlice>, Become<kBob>, Become<65534>}) {
    EXPECT_THAT(RunBody("private", become),
                HasSubstr("has no number in head's user namespace"));
    EXPECT_EQ(OutputOf({folder_ / "deptyr", "ls", "--names", head_->socket()},
                       {.prepare = become}),
              "");
  }
  EXPECT_EQ(Names(), "roots\n");
}

class ChrootTest : public PathsTest {
 protected:
  // Head runs in a folder that has nothing but it and a place for its socket.
  void StartInChroot(const std::vector<std::string>& how) {
    const std::string root = Folder("root", 0, 0755);
    Folder("root/run", 0, 01777);
    std::filesystem::copy(Deptyr(), root + "/deptyr");
    std::vector<std::string> words = {"chroot"};
    words.insert(words.end(), how.begin(), how.end());
    words.insert(words.end(), {root, "/deptyr", "head", "--mode=0666",
                               "--headless", "/run/head.sock"});
    socket_ = root + "/run/head.sock";
    head_in_chroot_.emplace(
        Program::Start(words, {.fds = {{log_.fd(), 1}, {log_.fd(), 2}}}));
    ASSERT_TRUE(log_.Until(HasSubstr("listens on")));
  }
  std::string Run(const std::string& name, void (*become)()) {
    const LogFile said;
    Program body = Program::Start(
        {folder_ / "deptyr", "body", "--name", name, socket_, "--", "true"},
        {.fds = {{said.fd(), 1}, {said.fd(), 2}}, .prepare = become});
    return body.Wait() == ExitStatus{} ? "ran" : said.text();
  }

  LogFile log_;
  std::string socket_;
  std::optional<Program> head_in_chroot_;
};

void StayRoot() {}

TEST_F(ChrootTest, WithoutProcEverybodyIsKnown) {
  StartInChroot({});
  EXPECT_EQ(Run("r", StayRoot), "ran");
  EXPECT_EQ(Run("a", Become<kAlice>), "ran");
  EXPECT_THAT(Run("a", Become<kBob>), HasSubstr("belongs to another user"));
  EXPECT_EQ(OutputOf({Deptyr(), "ls", "--names", socket_}), "a\nr\n");
}

}  // namespace
}  // namespace deptyr
