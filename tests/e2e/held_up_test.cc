// A user who passes a terminal to a head that runs as root may keep it, and so
// share the open file with head.  Nothing they do there holds head up longer
// than a moment, and it costs them the terminal.  Nor can anything that head
// inherits end it.

#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uid_t kAttacker = 12346;

class HeldUpTest : public testing::Test {
 protected:
  HeldUpTest() : head_({"--mode=0666"}, {.socket = folder_ / "head.sock"}) {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    EXPECT_TRUE(head_.ready()) << head_.log().text();
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
  }

  // A terminal at which nobody reads, and that echoes nothing; the process that
  // passes it keeps it.
  struct Passed {
    Pty pty;
    Fd connection;
    std::string answer;  // "accepted", or "CODE: TEXT"
    void SetFlags(int flags) const {
      EXPECT_EQ(::fcntl(pty.controller.get(), F_SETFL, flags), 0);
    }
  };
  Passed Pass(const std::string& name, int flags,
              uid_t user = kAttacker) const {
    Passed it{Value(OpenPty({.rows = 24, .cols = 80})),
              ConnectAs(head_.socket(), {user}), ""};
    termios settings{};
    EXPECT_EQ(::tcgetattr(it.pty.terminal.get(), &settings), 0);
    ::cfmakeraw(&settings);
    EXPECT_EQ(::tcsetattr(it.pty.terminal.get(), TCSANOW, &settings), 0);
    it.SetFlags(flags);
    EXPECT_THAT(SendWithFd(it.connection.get(),
                           Encode(Register{.name = name,
                                           .rows = 24,
                                           .cols = 80,
                                           .term = "xterm",
                                           .argv = {"it"}}),
                           it.pty.controller.get()),
                IsOk());
    const auto answer = Hear(it.connection.get());
    if (answer && std::holds_alternative<Accepted>(*answer)) {
      it.answer = "accepted";
    } else if (answer && std::holds_alternative<Refused>(*answer)) {
      const auto& refused = std::get<Refused>(*answer);
      it.answer = absl::StrCat(refused.code, ": ", refused.text);
    }
    return it;
  }
  // Returns the next message; nothing at the end.
  static std::optional<HeadMessage> Hear(int fd) {
    std::string inbox;
    for (;;) {
      absl::string_view rest = inbox;
      if (auto message = Value(TakeMessage(rest))) return message;
      if (WaitForEvents(fd, POLLIN) == 0) return std::nullopt;
      std::array<char, 4096> room;
      const ssize_t count = ::read(fd, room.data(), room.size());
      if (count <= 0) return std::nullopt;
      inbox.append(room.data(), static_cast<size_t>(count));
    }
  }
  // Types, as its owner, more than a PTY holds.
  Fd Type(const std::string& session) const {
    Fd client = ConnectAs(head_.socket(), {kAttacker});
    std::string bytes = Encode(Attach{.session = session, .from = From::kNow});
    for (int i = 0; i < 8; ++i) {
      absl::StrAppend(&bytes, Encode(Keys{std::string(16 << 10, 'x')}));
    }
    (void)::send(client.get(), bytes.data(), bytes.size(),
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    return client;
  }
  // Root is served.
  std::string Report() const {
    return OutputOf({Deptyr(), "status", "--head", head_.socket()});
  }

  TempDir folder_;
  HeadProcess head_;
};

TEST_F(HeldUpTest, NothingIsSetOnAnOpenFileThatIsPassed) {
  for (const int flags : {O_RDWR, O_RDWR | O_NONBLOCK}) {
    const Passed it = Pass(absl::StrCat("a", flags), flags);
    ASSERT_EQ(it.answer, "accepted");
    EXPECT_THAT(Report(), HasSubstr("pid "));
    constexpr int kOurs = O_ACCMODE | O_NONBLOCK | O_ASYNC | O_APPEND;
    EXPECT_EQ(::fcntl(it.pty.controller.get(), F_GETFL) & kOurs, flags);
    EXPECT_EQ(::fcntl(it.pty.controller.get(), F_GETOWN), 0);
  }
}

TEST_F(HeldUpTest, ATerminalThatBlocksIsServedAndHoldsNobodyUp) {
  const Passed it = Pass("blocks", O_RDWR);
  ASSERT_EQ(it.answer, "accepted");
  const Fd client = Type("blocks");
  EXPECT_THAT(Report(), HasSubstr("pid "));
  // Everything arrives as the program reads.
  OutputReader typed(it.pty.terminal.get());
  EXPECT_TRUE(typed.Until(testing::SizeIs(testing::Ge(size_t{128} << 10))));
  ASSERT_EQ(::write(it.pty.terminal.get(), "said", 4), 4);
  OutputReader output(client.get());
  EXPECT_TRUE(output.Until(HasSubstr("said")));
  EXPECT_THAT(head_.log().text(), Not(HasSubstr("loses its terminal")));
}

TEST_F(HeldUpTest, WhoMakesATerminalBlockLosesItAndHoldsNobodyUp) {
  std::vector<Passed> all;
  std::vector<Fd> clients;
  for (int i = 0; i < 4; ++i) {
    all.push_back(Pass(absl::StrCat("evil", i), O_RDWR | O_NONBLOCK));
    ASSERT_EQ(all.back().answer, "accepted");
  }
  for (int i = 0; i < 4; ++i) {
    all[static_cast<size_t>(i)].SetFlags(O_RDWR);
    clients.push_back(Type(absl::StrCat("evil", i)));
    EXPECT_THAT(Report(), HasSubstr("pid "));
  }
  // Reading, and filling it again, makes head wait again.
  std::array<char, 64 << 10> room;
  EXPECT_TRUE(WaitFor([&] {
    for (const Passed& it : all) {
      (void)::fcntl(it.pty.terminal.get(), F_SETFL, O_RDWR | O_NONBLOCK);
      (void)!::read(it.pty.terminal.get(), room.data(), room.size());
    }
    EXPECT_THAT(Report(), HasSubstr("pid "));
    return absl::StrContains(head_.log().text(), "evil3 pid=") &&
           absl::StrContains(head_.log().text(), "loses its terminal");
  }));
  // That user has to wait, but others don't.
  EXPECT_THAT(Pass("again", O_RDWR).answer,
              AllOf(StartsWith("limit: "), HasSubstr("made head wait")));
  BodyProcess body(head_.socket(), {"--name=b"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
}

// Thieves take the input that head has been told of, and make it wait.
TEST_F(HeldUpTest, WhoReadsThereTooHoldsNobodyUp) {
  uid_t user = kAttacker;
  for (const int flags : {O_RDWR, O_RDWR | O_NONBLOCK}) {
    Passed it = Pass(absl::StrCat("thief", flags), flags, user++);
    ASSERT_EQ(it.answer, "accepted");
    it.SetFlags(O_RDWR);
    std::atomic<bool> stop = false;
    std::vector<std::thread> thieves;
    for (int i = 0; i < 2; ++i) {
      thieves.emplace_back([&] {
        std::array<char, 16> room;
        while (!stop) {
          (void)!::read(it.pty.controller.get(), room.data(), room.size());
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      (void)!::write(it.pty.terminal.get(), "x", 1);
      if (i % 30 == 0) {
        EXPECT_THAT(Report(), HasSubstr("pid "));
      }
    }
    stop = true;
    it.SetFlags(O_RDWR | O_NONBLOCK);
    // Each that waits is woken once more.
    it.pty.terminal.Reset();
    for (std::thread& thief : thieves) thief.join();
    EXPECT_THAT(Report(), HasSubstr("pid "));
  }
}

// --- files whose close waits

// A file in a file system of this process, which leaves one process without an
// answer when that closes the file.
class SilentFile {
 public:
  SilentFile(std::string folder, pid_t unanswered)
      : folder_(std::move(folder)),
        unanswered_(unanswered),
        device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC)) {
    std::filesystem::create_directory(folder_);
    const std::string options = absl::StrCat(
        "fd=", device_.get(), ",rootmode=40000,user_id=0,group_id=0");
    mounted_ = ::mount("silent", folder_.c_str(), "fuse", MS_NOSUID | MS_NODEV,
                       options.c_str()) == 0;
    if (!mounted_) return;
    server_ = std::thread([this] { Serve(); });
    file_ = Fd(::open((folder_ + "/file").c_str(), O_RDWR | O_CLOEXEC));
  }
  SilentFile(const SilentFile&) = delete;
  SilentFile& operator=(const SilentFile&) = delete;
  ~SilentFile() { End(); }

  int fd() const { return file_.get(); }
  // How many threads of that process wait.
  int waiting() const { return flushes_; }
  // Lets all of them go.
  void End() {
    if (!std::exchange(mounted_, false)) return;
    (void)::umount2(folder_.c_str(), MNT_FORCE);
    (void)::umount2(folder_.c_str(), MNT_DETACH);
    server_.join();
  }

 private:
  void Serve() {
    std::array<char, 128 << 10> room;
    while (::read(device_.get(), room.data(), room.size()) > 0) {
      fuse_in_header request{};
      std::memcpy(&request, room.data(), sizeof request);
      if (request.opcode == FUSE_INIT) {
        fuse_init_out init{};
        init.major = FUSE_KERNEL_VERSION;
        init.minor = 31;
        init.max_write = 4096;
        Answer(request, init);
      } else if (request.opcode == FUSE_LOOKUP) {
        fuse_entry_out entry{};
        entry.nodeid = 2;
        entry.attr.ino = 2;
        entry.attr.nlink = 1;
        entry.attr.mode = S_IFREG | 0666;
        Answer(request, entry);
      } else if (request.opcode == FUSE_OPEN) {
        Answer(request, fuse_open_out{});
      } else if (request.opcode == FUSE_FLUSH) {
        const std::string thread =
            absl::StrCat("/proc/", unanswered_, "/task/", request.pid);
        const bool waits = std::filesystem::exists(thread);
        if (waits) ++flushes_;
        if (!waits) Answer(request);
      }
    }
  }
  void Answer(const fuse_in_header& request) const { Answer(request, "", 0); }
  template <typename Out>
  void Answer(const fuse_in_header& request, const Out& out) const {
    Answer(request, &out, sizeof out);
  }
  void Answer(const fuse_in_header& request, const void* out,
              size_t size) const {
    fuse_out_header header{};
    header.len = static_cast<uint32_t>(sizeof header + size);
    header.unique = request.unique;
    std::array<iovec, 2> parts = {
        {{&header, sizeof header}, {const_cast<void*>(out), size}}};
    (void)!::writev(device_.get(), parts.data(), parts.size());
  }

  const std::string folder_;
  const pid_t unanswered_;
  const Fd device_;
  bool mounted_ = false;
  std::atomic<int> flushes_ = 0;
  std::thread server_;
  Fd file_;
};

TEST_F(HeldUpTest, AFileThatDoesNotCloseHoldsNobodyUp) {
  SilentFile file(folder_ / "silent", head_.pid());
  if (file.fd() < 0) GTEST_SKIP() << "no FUSE here";
  const auto pass = [&] {
    const Fd connection = ConnectAs(head_.socket(), {kAttacker});
    EXPECT_THAT(SendWithFd(connection.get(),
                           Encode(Register{.name = "file",
                                           .rows = 24,
                                           .cols = 80,
                                           .term = "xterm",
                                           .argv = {"it"}}),
                           file.fd()),
                IsOk());
    const auto answer = Hear(connection.get());
    const auto* refused = answer ? std::get_if<Refused>(&*answer) : nullptr;
    return refused == nullptr
               ? ""
               : absl::StrCat(refused->code, ": ", refused->text);
  };
  // One comes as a log.
  const Passed it = Pass("evil", O_RDWR | O_NONBLOCK);
  ASSERT_EQ(it.answer, "accepted");
  EXPECT_THAT(SendWithFd(it.connection.get(), Encode(SendLog{.style = "text"}),
                         file.fd()),
              IsOk());
  EXPECT_TRUE(head_.log().Until(HasSubstr("session=evil has no log")));
  constexpr int kMost = 64;
  for (int i = 1; i < kMost; ++i) {
    EXPECT_THAT(pass(), StartsWith("descriptor: "));
  }
  EXPECT_TRUE(WaitFor([&] { return file.waiting() == kMost; }));
  EXPECT_THAT(Report(), HasSubstr("pid "));
  // No more comes from that user, and others don't wait.
  EXPECT_THAT(pass(), AllOf(StartsWith("limit: "), HasSubstr("don't close")));
  BodyProcess body(head_.socket(), {"--name=b"}, {"sh", "-c", "exit 3"});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  file.End();
  EXPECT_TRUE(WaitFor(
      [&] { return Pass("again", O_RDWR | O_NONBLOCK).answer == "accepted"; }));
  EXPECT_EQ(head_.Stop(), ExitStatus{});
}

// --- what head inherits

constexpr rlim_t kFileLimit = 8 << 20;

void LimitFiles() {
  const rlimit limit{kFileLimit, kFileLimit};
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(InheritedTest, ALogThatHasReachedItsLimitLosesLinesOnly) {
  const TempDir folder;
  const Fd log(::open((folder / "log").c_str(),
                      O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(log.get(), kFileLimit - 500), 0);
  HeadProcess head({},
                   {.stderr_fd = log.get(), .how = {.prepare = LimitFiles}});
  ASSERT_TRUE(head.ready());
  for (int i = 0; i < 10; ++i) {
    BodyProcess body(head.socket(), {"--name=a"}, {"sh", "-c", "exit 3"});
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  }
  EXPECT_THAT(OutputOf({Deptyr(), "ls", head.socket()}), HasSubstr("a "));
  EXPECT_EQ(std::filesystem::file_size(folder / "log"), kFileLimit);
  EXPECT_EQ(head.Stop(), ExitStatus{});
}

TEST(InheritedTest, ABodyWhoseLogHasReachedItsLimitFailsAsItWould) {
  const TempDir folder;
  const Fd log(::open((folder / "log").c_str(),
                      O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(log.get(), kFileLimit), 0);
  Program body = Program::Start(
      {Deptyr(), "body", "--name=a", "--wait=0", folder / "none", "--", "true"},
      {.fds = {{log.get(), 2}}, .prepare = LimitFiles});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111});
}

TEST(InheritedTest, ALimitOfProcessorTimeEndsHeadAsASignalDoes) {
  HeadProcess head;
  head.program().Signal(SIGXCPU);
  EXPECT_EQ(head.program().Wait(), ExitStatus{});
  EXPECT_THAT(head.log().text(), HasSubstr("head ends: CPU time limit"));
}

}  // namespace
}  // namespace deptyr
