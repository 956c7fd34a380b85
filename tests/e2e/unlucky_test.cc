// Runs head and body on an unlucky machine: its socket goes, its disk is full,
// its clock jumps, its terminals run out.  Every problem is reported, and
// nothing else is lost.

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/unix_socket.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kGone[] = "was removed or replaced";

ExitStatus Served(const std::string& socket) {
  BodyProcess body(socket, {"--wait=0"}, {"true"});
  return body.Wait().value_or(ExitStatus{.code = -1});
}

// A client that was there before gets its echo, whatever happens to the
// machine.
class Witness {
 public:
  explicit Witness(HeadProcess& head)
      : body_(head.socket(), {"--name=witness"}, {Traffic(), "sizes"}) {
    // It has its client at a listener named "witness" beside the socket.
    connection_ = Value(Connect(PathBeside(head.socket()), kDeadline));
    said_ = std::make_unique<OutputReader>(connection_.get());
    EXPECT_TRUE(said_->Until(HasSubstr("size 24x80")));
  }
  static std::string PathBeside(const std::string& socket) {
    return std::filesystem::path(socket).replace_filename("witness");
  }
  testing::AssertionResult IsServed() {
    const std::string word = absl::StrCat("<", ++count_, ">");
    if (::write(connection_.get(), word.data(), word.size()) < 0) {
      return testing::AssertionFailure() << "it can't type";
    }
    return said_->Until(HasSubstr(word));
  }

 private:
  BodyProcess body_;
  Fd connection_;
  std::unique_ptr<OutputReader> said_;
  int count_ = 0;
};

class UnluckyTest : public testing::Test {
 protected:
  std::vector<std::string> Listen() const {
    return {"--raw", absl::StrCat(Witness::PathBeside(socket_), "=witness")};
  }
  TempDir folder_;
  const std::string socket_ = folder_ / "sock";
};

// --- the socket --------------------------------------------------------------

TEST_F(UnluckyTest, ASocketThatIsRemovedIsMissedAtOnceAndPutBackWhenAsked) {
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  ASSERT_TRUE(head.log().Until(
      HasSubstr(absl::StrCat("the socket ", socket_, " ", kGone))));
  EXPECT_TRUE(witness.IsServed());
  head.program().Signal(SIGHUP);
  ASSERT_TRUE(head.log().Until(HasSubstr("restored the socket")));
  EXPECT_EQ(Served(socket_), ExitStatus{});
  // It happens again.
  std::filesystem::rename(socket_, socket_ + ".old");
  ASSERT_TRUE(
      head.log().Until(ContainsRegex(absl::StrCat(kGone, "[^\001]*", kGone))));
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(head.Stop(), ExitStatus{});
}

TEST_F(UnluckyTest, AStaleSocketInItsPlaceIsReplacedWhenAsked) {
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  {
    HeadProcess killed({}, {.socket = socket_});
    killed.program().Signal(SIGKILL);
    (void)killed.program().Wait();
  }
  ASSERT_TRUE(head.log().Until(HasSubstr(kGone)));
  head.program().Signal(SIGHUP);
  ASSERT_TRUE(head.log().Until(HasSubstr("restored the socket")));
  EXPECT_EQ(Served(socket_), ExitStatus{});
  EXPECT_TRUE(witness.IsServed());
}

TEST_F(UnluckyTest, WhatTookItsPlaceAndIsSomebodysIsLeftAlone) {
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  WriteFile(folder_ / "precious", "precious");
  std::filesystem::rename(folder_ / "precious", socket_);
  ASSERT_TRUE(head.log().Until(HasSubstr(kGone)));
  head.program().Signal(SIGHUP);
  ASSERT_TRUE(head.log().Until(
      AllOf(HasSubstr("can't restore the socket: "),
            HasSubstr("exists and is not a socket; remove it"))));
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_EQ(ReadFile(socket_), "precious");
}

TEST_F(UnluckyTest, AHeadThatTookItsPlaceIsLeftAlone) {
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  HeadProcess other({}, {.socket = socket_});
  ASSERT_TRUE(other.ready()) << other.log().text();
  head.program().Signal(SIGHUP);
  ASSERT_TRUE(head.log().Until(
      AllOf(HasSubstr("can't restore the socket: "),
            HasSubstr("is already served by another process"))));
  EXPECT_EQ(Served(socket_), ExitStatus{});
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(head.Stop(), ExitStatus{});
  EXPECT_EQ(Served(socket_), ExitStatus{});
}

// --- a full disk -------------------------------------------------------------

TEST_F(UnluckyTest, AFullDiskCostsLogLinesAndNothingElse) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  HeadProcess head(Listen(), {.socket = socket_, .stderr_fd = full.get()});
  ASSERT_TRUE(head.ready());
  Witness witness(head);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Served(socket_), ExitStatus{});
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(head.Stop(), ExitStatus{});
}

class RootTest : public UnluckyTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
};

// A file system of 64 KiB that others see too; it goes with the object.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    mounted_ = ::mount("small", path_.c_str(), "tmpfs", 0, "size=64k") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) (void)::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void MakeReadOnly() const {
    ASSERT_EQ(::mount("small", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY,
                      nullptr),
              0);
  }
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }

 private:
  const std::string path_;
  bool mounted_ = false;
};

TEST_F(RootTest, ALogThatHasRoomAgainTellsHowMuchIsMissing) {
  const SmallDisk disk(folder_ / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here";
  const Fd log(::open((disk / "log").c_str(),
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  HeadProcess head(Listen(), {.socket = socket_, .stderr_fd = log.get()});
  ASSERT_TRUE(head.ready());
  Witness witness(head);
  const std::string ballast(64 << 10, 'x');
  WriteFile(disk / "ballast", ballast);
  // The rest of the log's last block is used up, too.
  for (int i = 0; i < 60; ++i) EXPECT_EQ(Served(socket_), ExitStatus{});
  EXPECT_TRUE(witness.IsServed());
  std::filesystem::remove(disk / "ballast");
  EXPECT_EQ(Served(socket_), ExitStatus{});
  EXPECT_EQ(head.Stop(), ExitStatus{});
  // A line that was cut is followed by a whole one.
  const std::string text = ReadFile(disk / "log");
  EXPECT_THAT(text, ContainsRegex("\ndeptyr: [0-9]+ log lines lost: "));
  EXPECT_THAT(text, Not(HasSubstr("\n\n")));
}

TEST_F(RootTest, ARecordingThatFillsTheDiskEndsAndSaysSo) {
  const SmallDisk disk(folder_ / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here";
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  BodyProcess body(socket_, {"--name=much"},
                   {"sh", "-c", "read x; seq 100000; read x"});
  ASSERT_TRUE(body.WaitExecuted());
  const LogFile said;
  Program record =
      Program::Start({Deptyr(), "record", socket_, "much", disk / "recording"},
                     {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  ASSERT_TRUE(WaitFor([&] {
    return absl::StrContains(
        OutputOf({Deptyr(), "status", "--json", socket_, "much"}),
        "\"attach\"");
  }));
  (void)OutputOf({Deptyr(), "send", socket_, "much", "go", "--enter"});
  EXPECT_EQ(record.Wait(), ExitStatus{.code = 111}) << said.text();
  EXPECT_THAT(said.lines().back(), AllOf(StartsWith("deptyr record: "),
                                         HasSubstr("No space left on device")));
  EXPECT_TRUE(witness.IsServed());
  EXPECT_FALSE(body.program().HasEnded());
}

// --- a folder that can't be written to ---------------------------------------

TEST_F(RootTest, AReadOnlyRunIsNamedAndWhoIsServedStaysSo) {
  const SmallDisk run(folder_ / "run");
  if (!run.mounted()) GTEST_SKIP() << "no file system can be mounted here";
  HeadProcess head({"--raw", absl::StrCat(run / "witness", "=witness")},
                   {.socket = run / "sock"});
  ASSERT_TRUE(head.ready()) << head.log().text();
  Witness witness(head);
  ASSERT_NO_FATAL_FAILURE(run.MakeReadOnly());
  HeadProcess late({}, {.socket = run / "late"});
  EXPECT_EQ(late.program().Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(late.log().lines(),
              ElementsAre(AllOf(StartsWith("deptyr head: "),
                                HasSubstr("Read-only file system"))));
  // Connecting doesn't write to the disk.
  EXPECT_EQ(Served(run / "sock"), ExitStatus{});
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(head.Stop(), ExitStatus{});
}

// --- no PTY ------------------------------------------------------------------

TEST_F(RootTest, WithoutAPtyLeftABodySaysWhichLimitItIs) {
  HeadProcess head(Listen(), {.socket = socket_});
  Witness witness(head);
  const LogFile said;
  // It runs in a devpts of its own with two PTYs: sleep's descriptor 3 takes
  // one, and its 4 the other.
  const std::string command = absl::StrCat(
      "mount -t devpts -o newinstance,ptmxmode=0666,max=2 devpts /dev/pts && "
      "mount --bind /dev/pts/ptmx /dev/ptmx && exec 3<> /dev/ptmx 4<> "
      "/dev/ptmx && exec ",
      Deptyr(), " body --wait=0 ", socket_, " -- true");
  Program body = Program::Start({"unshare", "--mount", "sh", "-c", command},
                                {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  EXPECT_EQ(body.Wait(), ExitStatus{.code = 111}) << said.text();
  EXPECT_THAT(
      said.lines(),
      ElementsAre(AllOf(StartsWith("deptyr body: open a PTY, /dev/ptmx"),
                        HasSubstr("kernel.pty.max"),
                        HasSubstr("No space left on device"))));
  EXPECT_TRUE(witness.IsServed());
  EXPECT_EQ(Served(socket_), ExitStatus{});
}

// --- clocks ------------------------------------------------------------------

// A test can't set the machine's time of day, but can change what head is told
// of it.
class Clock {
 public:
  explicit Clock(const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    Set(0);
  }
  void Set(int64_t offset) const {
    ASSERT_EQ(::pwrite(file_.get(), &offset, sizeof offset, 0),
              static_cast<ssize_t>(sizeof offset));
  }

 private:
  const Fd file_;
};

TEST_F(UnluckyTest, WhenTheTimeOfDayJumpsNobodyNotices) {
  const char* const preload = std::getenv("DEPTYR_CLOCK");
  ASSERT_NE(preload, nullptr);
  const Clock clock(folder_ / "clock");
  // The installed binary is static, so nothing can be preloaded into it.
  HeadProcess head(
      Listen(),
      {.socket = socket_,
       .wrapper = {"sh", "-c", "shift; exec \"$DEPTYR_SHARED\" \"$@\"", "sh"},
       .how = {.env = {absl::StrCat("LD_PRELOAD=", preload),
                       absl::StrCat("CLOCK_OFFSET=", folder_ / "clock")}}});
  Witness witness(head);
  constexpr int64_t kYear = 365 * 86400;
  for (const int64_t jump : {kYear, -kYear, int64_t{0}, -2 * kYear}) {
    BodyProcess body(socket_, {"--name=lasting"},
                     {"sh", "-c", "echo up; read x"});
    ASSERT_TRUE(body.WaitExecuted());
    clock.Set(jump);
    EXPECT_TRUE(witness.IsServed());
    EXPECT_EQ(Served(socket_), ExitStatus{});
    // This shows that it got the other time.
    const std::string since =
        OutputOf({"sh", "-c",
                  absl::StrCat(Deptyr(), " status --json ", socket_,
                               " true | jq .since_ms")});
    EXPECT_NEAR(std::atof(since.c_str()) / 1000,
                absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) +
                    static_cast<double>(jump),
                600);
    (void)OutputOf({Deptyr(), "send", socket_, "lasting", "end", "--enter"});
    EXPECT_EQ(body.Wait(), ExitStatus{});
  }
  EXPECT_EQ(head.Stop(), ExitStatus{});
  // Running times don't depend on it.
  EXPECT_THAT(head.log().text(),
              Not(ContainsRegex("after (-|[0-9.]+h|[0-9.]+m[0-9])")));
}

// The other clocks are those of a process that booted earlier: days ago, or
// years (time_namespaces(7)).
class TimeNamespaceTest : public RootTest,
                          public testing::WithParamInterface<const char*> {};

TEST_P(TimeNamespaceTest, HeadInATimeOfItsOwnServesAsAnyOther) {
  const std::string offset = GetParam();
  const std::vector<std::string> wrapper = {
      "unshare",     "--time", "--fork",     "--kill-child",
      "--monotonic", offset,   "--boottime", offset};
  {
    std::vector<std::string> probe = wrapper;
    probe.emplace_back("true");
    const LogFile said;
    Program unshare =
        Program::Start(probe, {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
    if (unshare.Wait() != ExitStatus{}) {
      GTEST_SKIP() << "no time namespaces: " << said.text();
    }
  }
  HeadProcess head(Listen(), {.socket = socket_, .wrapper = wrapper});
  ASSERT_TRUE(head.ready()) << head.log().text();
  Witness witness(head);
  EXPECT_EQ(Served(socket_), ExitStatus{});
  // Timers and times of starts and ends are right.
  EXPECT_TRUE(head.log().Until(ContainsRegex(
      "session=true pid=[0-9]+ ended: .*, after (0|[0-9.]+m?s)\n")));
  EXPECT_TRUE(witness.IsServed());
}

// Seconds; a monotonic clock can't be set before 0.
INSTANTIATE_TEST_SUITE_P(Years, TimeNamespaceTest,
                         testing::Values("1000000", "300000000"));

}  // namespace
}  // namespace deptyr
