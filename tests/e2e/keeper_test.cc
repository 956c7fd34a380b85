// Heads that die, and what a keeper saves of it: beside systemd, whose
// descriptor store it is, and beside s6, with an s6-fdholder.
//
//   DEPTYR_TEST_KILLS=100   the long form
//   DEPTYR_TEST_SEED=N      the moments of another run

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/session/ring_state.h"
#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/status_matchers.h"
#include "tests/support/supervision.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

constexpr char kClients[] = "/run/deptyr-clients";
// On a busy machine, nobody is passed over only because they had no turn.
constexpr char kPatient[] = "--when-behind block";

int FromEnvironment(const char* name, int otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

bool IsSystemd() {
  return std::getenv("SCANDIR") == nullptr;
}

// --- The head that a supervisor runs ----------------------------------------

std::string Folder(const std::string& service) {
  return absl::StrCat(std::getenv("SCANDIR"), "/", service);
}

std::string HeadLog() {
  return IsSystemd() ? MustShell(
                           "journalctl -o cat _TRANSPORT=stdout"
                           " -u deptyr-head.service")
                     : ReadFile(Folder("deptyr-head/log/main/current"));
}

testing::AssertionResult HeadLogGets(
    const testing::Matcher<std::string>& matcher) {
  if (WaitFor([&] { return matcher.Matches(HeadLog()); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << LastLines(HeadLog());
}

// 0 while there is none.
pid_t HeadPid() {
  const std::string pid =
      Shell(IsSystemd() ? "systemctl show -P MainPID deptyr-head.service"
                        : "s6-svstat -o pid " + Folder("deptyr-head"))
          .text;
  return std::max(0, std::atoi(pid.c_str()));
}

bool HeadAnswers() {
  return Shell(absl::StrCat("deptyr ls --names ", kHeadSocket)).status ==
         ExitStatus{};
}

void StopHead() {
  MustShell(IsSystemd()
                ? "systemctl stop deptyr-head.socket deptyr-head.service"
                : "s6-svc -T 60000 -wD -d " + Folder("deptyr-head"));
}

void StartHead() {
  MustShell(IsSystemd()
                ? "systemctl start deptyr-head.socket deptyr-head.service"
                : "s6-svc -T 60000 -wU -u " + Folder("deptyr-head"));
}

void RestartHead() {
  MustShell(IsSystemd() ? "systemctl restart deptyr-head.service"
                        : "s6-svc -T 60000 -wR -r " + Folder("deptyr-head"));
}

// Starts head with that much room in the keeper, if it is systemd's.
void FreshHead(const std::string& options = "", int room = 4096) {
  StopHead();
  if (IsSystemd()) {
    WriteFile(
        "/etc/systemd/system/deptyr-head.service.d/test.conf",
        absl::StrCat("[Service]\nExecStart=\nExecStart=deptyr head ",
                     "--client-dir ", kClients, " ", options, " ", kHeadSocket,
                     "\nRuntimeDirectory=deptyr-clients"
                     "\nRuntimeDirectoryPreserve=yes"
                     "\nFileDescriptorStoreMax=",
                     room, "\nEnvironment=FDSTORE=", room, "\n"));
    MustShell("systemctl daemon-reload");
  } else {
    MustShell("s6-svc -T 60000 -wD -d " + Folder("deptyr-fdholder"));
    MustShell("s6-svc -T 60000 -wU -u " + Folder("deptyr-fdholder"));
    WriteScript(Folder("deptyr-head/run"),
                absl::StrCat("#!/bin/sh\nexec 2>&1\nmkdir -p ", kClients,
                             "\nexec deptyr head --ready-fd 3 --client-dir ",
                             kClients, " ", options, " ", kHeadSocket, "\n"));
  }
  StartHead();
}

// Returns when there is another.
void KillHead() {
  pid_t pid = 0;
  ASSERT_TRUE(WaitFor([&] { return (pid = HeadPid()) != 0; }));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(WaitFor([&] {
    const pid_t next = HeadPid();
    return next != 0 && next != pid;
  }));
}

class PrivateRun : public testing::Environment {
 public:
  void SetUp() override {
    SetUpPrivateRun();
    if (!IsSystemd()) return;
    WriteFile("/etc/systemd/system/service.d/quick.conf",
              "[Unit]\nStartLimitIntervalSec=0\n");
    MustShell("systemctl daemon-reload");
  }
  void TearDown() override { StopHead(); }
};
const auto* const kPrivateRun =
    testing::AddGlobalTestEnvironment(new PrivateRun);

// --- Who is there -----------------------------------------------------------

Fd Open(const std::string& path, int flags) {
  return Fd(::open(path.c_str(), flags | O_CLOEXEC, 0666));
}

// Starts a child of the test, which so sees how it ends.  Its standard output
// is a file, unless there is a log.
Program Body(const std::string& name, const std::vector<std::string>& program,
             const std::vector<std::string>& options = {}, int log = -1) {
  const Fd null = Open("/dev/null", O_RDWR);
  const Fd said = Open(absl::StrCat(kFiles, "/", name, ".body"),
                       O_WRONLY | O_CREAT | O_APPEND);
  std::vector<std::string> argv = {"deptyr", "body", "--name", name};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), {kHeadSocket, "--"});
  argv.insert(argv.end(), program.begin(), program.end());
  return Program::Start(argv, {.fds = {{null.get(), 0},
                                       {log < 0 ? said.get() : log, 1},
                                       {said.get(), 2}},
                               .env = {"TERM=xterm"}});
}

std::string BodySaid(const std::string& name) {
  return ReadFile(absl::StrCat(kFiles, "/", name, ".body"));
}

// Returns what a command of deptyr prints about a session.
std::string Ask(const std::string& command, const std::string& session) {
  return MustShell(
      absl::StrCat("deptyr ", command, " ", kHeadSocket, " ", session));
}

std::string Incarnations(const std::string& session) {
  const std::string status = Ask("status --json", session);
  return status.substr(
      std::min(status.find("\"incarnations\""), status.size()));
}

// Returns the session's line in `deptyr ls`.
std::string Listed(const std::string& session) {
  const std::string all = MustShell(absl::StrCat("deptyr ls ", kHeadSocket));
  for (const absl::string_view line : absl::StrSplit(all, '\n')) {
    if (absl::StartsWith(line, session + " ")) return std::string(line);
  }
  return "";
}

testing::AssertionResult ListedAs(
    const std::string& session, const testing::Matcher<std::string>& matcher) {
  if (WaitFor([&] { return matcher.Matches(Listed(session)); })) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << Listed(session);
}
std::string KeeperName() {
  return IsSystemd() ? "systemd" : "s6";
}

// Follows the output of `traffic numbers` byte for byte.
class Expected {
 public:
  bool Takes(absl::string_view bytes) {
    while (!bytes.empty()) {
      const size_t size = std::min(bytes.size(), next_.size() - at_);
      if (bytes.substr(0, size) != absl::string_view(next_).substr(at_, size)) {
        return false;
      }
      bytes.remove_prefix(size);
      at_ += size;
      if (at_ == next_.size()) Next();
    }
    return true;
  }

 private:
  void Next() {
    at_ = 0;
    size_t digit = 14;
    for (; next_[digit] == '9'; --digit) next_[digit] = '0';
    ++next_[digit];
  }
  std::string next_ = "000000000000000\n";
  size_t at_ = 0;
};

// `deptyr attach` clients of a flood, which are read all the time.
class Followers {
 public:
  // Returns when all are there, before its first line.
  Followers(const std::string& session, int count) {
    EXPECT_TRUE(WaitFor([&] {
      const std::string listed = Listed(session);
      return absl::StrContains(listed, "running") &&
             absl::StrContains(listed, KeeperName()) &&
             Ask("history", session) == "ready\n";
    }));
    const Fd null = Open("/dev/null", O_RDWR);
    for (int i = 0; i < count; ++i) {
      auto one = std::make_unique<Follower>();
      one->errors = absl::StrCat(kFiles, "/", session, ".", i, ".attach");
      const Fd errors = Open(one->errors, O_WRONLY | O_CREAT | O_APPEND);
      Pipe pipe;
      one->program = std::make_unique<Program>(Program::Start(
          {"deptyr", "attach", "--once", "--read-only", kHeadSocket, session},
          {.fds = {{null.get(), 0},
                   {pipe.write_end.get(), 1},
                   {errors.get(), 2}}}));
      one->output = std::move(pipe.read_end);
      all_.push_back(std::move(one));
    }
    EXPECT_TRUE(WaitFor([&] {
      return absl::StrContains(Ask("status --json", session),
                               absl::StrCat("\"clients\": ", count, ","));
    }));
    thread_ = std::thread([this] { Read(); });
  }
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;
  ~Followers() {
    for (const auto& one : all_) one->program->Signal(SIGKILL);
    Join();
  }

  size_t count() const { return all_.size(); }
  uint64_t Got(size_t i) const { return all_[i]->bytes; }
  // Waits until each has had that much.
  testing::AssertionResult AllGot(uint64_t bytes) {
    for (const auto& one : all_) {
      if (!WaitFor([&] { return one->bytes >= bytes; })) {
        return testing::AssertionFailure()
               << one->bytes << " of " << bytes << " bytes came\n"
               << ReadFile(one->errors);
      }
    }
    return testing::AssertionSuccess();
  }
  // Expects, once the program has ended, that each got everything it wrote.
  void ExpectWhole(uint64_t bytes) {
    for (const auto& one : all_) {
      EXPECT_EQ(one->program->Wait(), ExitStatus{}) << ReadFile(one->errors);
    }
    Join();
    for (const auto& one : all_) {
      EXPECT_EQ(one->bytes, bytes) << ReadFile(one->errors);
      EXPECT_EQ(one->wrong_at, 0) << ReadFile(one->errors);
      EXPECT_THAT(ReadFile(one->errors), Not(HasSubstr("miss")));
    }
  }

 private:
  struct Follower {
    std::unique_ptr<Program> program;
    std::string errors;
    Fd output;
    Expected expected;
    std::atomic<uint64_t> bytes = 0;
    std::atomic<uint64_t> wrong_at = 0;  // about
  };

  void Join() {
    if (thread_.joinable()) thread_.join();
  }

  void Read() {
    std::vector<char> room(256 << 10);
    for (;;) {
      std::vector<pollfd> fds;
      std::vector<Follower*> whose;
      for (const auto& one : all_) {
        if (!one->output.valid()) continue;
        fds.push_back({one->output.get(), POLLIN, 0});
        whose.push_back(one.get());
      }
      if (fds.empty() || ::poll(fds.data(), fds.size(), -1) < 0) return;
      for (size_t i = 0; i < fds.size(); ++i) {
        if (fds[i].revents == 0) continue;
        Follower& one = *whose[i];
        const ssize_t got = ::read(fds[i].fd, room.data(), room.size());
        if (got <= 0) {
          one.output.Reset();
          continue;
        }
        const auto size = static_cast<size_t>(got);
        if (one.wrong_at == 0 && !one.expected.Takes({room.data(), size})) {
          one.wrong_at = one.bytes + size;
        }
        one.bytes += size;
      }
    }
  }

  std::vector<std::unique_ptr<Follower>> all_;
  std::thread thread_;
};

// Follows the lines 1, 2, 3 and so on.  Those that a log didn't take in time
// are told, and so not missing.
class Numbers {
 public:
  void Take(absl::string_view line) {
    uint64_t lost = 0;
    absl::string_view count = line;
    if (line == absl::StrCat(last_ + 1)) {
      ++last_;
    } else if (absl::ConsumePrefix(&count, "deptyr: ") &&
               absl::SimpleAtoi(count.substr(0, count.find(' ')), &lost)) {
      last_ += lost;
      lost_ += lost;
    } else if (others_.size() < 1000) {
      absl::StrAppend(&others_, line, " instead of ", last_ + 1, "\n");
    }
  }
  uint64_t last() const { return last_; }
  uint64_t lost() const { return lost_; }
  // The lines that aren't the next one.
  const std::string& others() const { return others_; }

 private:
  std::atomic<uint64_t> last_ = 0;
  std::atomic<uint64_t> lost_ = 0;
  std::string others_;
};

// Reads such a log to its end.
class NumbersLog {
 public:
  explicit NumbersLog(Fd fd) : fd_(std::move(fd)) {
    thread_ = std::thread([this] { Read(); });
  }
  NumbersLog(const NumbersLog&) = delete;
  NumbersLog& operator=(const NumbersLog&) = delete;
  ~NumbersLog() {
    stop_.write_end.Reset();
    Join();
  }

  uint64_t last() const { return numbers_.last(); }
  // Waits for the end.
  const Numbers& all() {
    Join();
    return numbers_;
  }

 private:
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  void Read() {
    std::vector<char> room(256 << 10);
    std::string text;
    for (;;) {
      std::array<pollfd, 2> fds = {
          {{fd_.get(), POLLIN, 0}, {stop_.read_end.get(), 0, 0}}};
      if (::poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) return;
      const ssize_t got = ::read(fd_.get(), room.data(), room.size());
      if (got <= 0) return;
      text.append(room.data(), static_cast<size_t>(got));
      size_t begin = 0;
      for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
           begin = end + 1) {
        numbers_.Take(absl::string_view(text).substr(begin, end - begin));
      }
      text.erase(0, begin);
    }
  }

  const Fd fd_;
  Pipe stop_;
  Numbers numbers_;
  std::thread thread_;
};

// A client of --client-dir, at which head's death can be seen.
class RawClient {
 public:
  explicit RawClient(const std::string& session)
      : path_(absl::StrCat(kClients, "/", session, ".raw")) {}

  testing::AssertionResult Connects() {
    absl::Status last;
    if (WaitFor([&] {
          auto socket = Connect(path_, kDeadline);
          last = socket.status();
          if (!socket.ok()) return false;
          socket_ = *std::move(socket);
          return true;
        })) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure() << path_ << ": " << last;
  }
  testing::AssertionResult Says(const std::string& text) {
    return OutputReader(socket_.get()).Until(HasSubstr(text));
  }
  testing::AssertionResult IsClosed() {
    return OutputReader(socket_.get()).UntilEnd();
  }

 private:
  const std::string path_;
  Fd socket_;
};

// --- The kills --------------------------------------------------------------

class KeeperTest : public testing::Test {
 protected:
  const std::string name_ =
      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::mt19937 random_;

  void SetUp() override {
    std::random_device device;
    const int seed = FromEnvironment("DEPTYR_TEST_SEED",
                                     static_cast<int>(device() % 100000));
    std::cerr << "DEPTYR_TEST_SEED=" << seed << "\n";
    random_.seed(static_cast<unsigned>(seed));
  }
  int Below(int limit) { return static_cast<int>(random_() % limit); }
  std::string File(const std::string& suffix) const {
    return absl::StrCat(kFiles, "/", name_, suffix);
  }
  // Ends a flood of `traffic`, which says in .count how many numbers it wrote.
  // All followers have to be there, hear it to its end, and have every byte.
  // Returns their number.
  uint64_t EndFlood(const std::string& flood, Program& writer,
                    Followers& followers) {
    EXPECT_TRUE(followers.AllGot(followers.Got(0) + 1));
    Ask("send", flood + " x");
    EXPECT_EQ(writer.Wait(), ExitStatus{});
    const uint64_t bytes =
        16 * std::strtoull(ReadFile(File(".count")).c_str(), nullptr, 10);
    followers.ExpectWhole(bytes);
    return bytes;
  }
};

// Programs that must notice nothing, and the state that must not change.
class Idlers {
 public:
  explicit Idlers(const std::string& prefix)
      : vim_name_(prefix + ".vim"),
        report_name_(prefix + ".report"),
        ended_name_(prefix + ".ended"),
        text_(absl::StrCat(kFiles, "/", prefix, ".txt")),
        vim_(StartVim()),
        report_(Body(report_name_, {"report", report_name_})) {
    EXPECT_EQ(Body(ended_name_, {"sh", "-c", "echo last words; exit 3"}).Wait(),
              ExitStatus{.code = 3});
    const Report reported(report_name_);
    EXPECT_EQ(reported.pid(), report_.pid());
    EXPECT_TRUE(WaitFor([&] {
      return !Listed(vim_name_).empty() &&
             absl::StrContains(Ask("snapshot", vim_name_), "unsaved");
    }));
    EXPECT_TRUE(WaitFor([&] {
      return absl::StrContains(Incarnations(ended_name_), "exit status 3");
    }));
    // Otherwise they would notice.
    EXPECT_TRUE(ListedAs(vim_name_, HasSubstr(KeeperName())));
    EXPECT_TRUE(ListedAs(report_name_, HasSubstr(KeeperName())));
    before_ = Look();
  }
  void ExpectAsBefore() const {
    EXPECT_FALSE(vim_.HasEnded());
    EXPECT_FALSE(report_.HasEnded());
    const std::string signals =
        absl::StrCat(kFiles, "/", report_name_, ".signals");
    EXPECT_EQ(ReadFile(signals), "");
    EXPECT_EQ(Look(), before_);
  }
  const std::string& report() const { return report_name_; }

 private:
  Program StartVim() {
    WriteFile(text_, "a line of a file\n");
    return Body(vim_name_, {"vim", "-u", "NONE", "-i", "NONE", "-n", "-c",
                            "normal Gounsaved", text_});
  }
  std::vector<std::string> Look() const {
    return {Ask("snapshot --format ansi", vim_name_),
            Ask("history", vim_name_),
            Incarnations(vim_name_),
            Incarnations(report_name_),
            Incarnations(ended_name_),
            Ask("history", ended_name_),
            Ask("snapshot --last", ended_name_)};
  }

  const std::string vim_name_, report_name_, ended_name_, text_;
  const Program vim_, report_;
  std::vector<std::string> before_;
};

TEST_F(KeeperTest, KillsOfHeadCostNobodyAnything) {
  const int kills = FromEnvironment("DEPTYR_TEST_KILLS", IsSystemd() ? 12 : 8);
  FreshHead(kPatient);
  const Idlers idlers(name_);
  RawClient raw(idlers.report());
  const std::string flood = name_ + ".flood";
  Program writer = Body(flood, {"traffic", "numbers", File(".count")});
  Followers followers(flood, 20);
  ASSERT_FALSE(HasFatalFailure());
  Ask("send", flood + " x");
  for (int round = 0; round < kills; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_TRUE(raw.Connects());
    // Fewer names than ended sessions that head remembers.
    const std::string name = absl::StrCat(name_, ".", round % 20);
    Program body = Body(name, {"sh", "-c", "echo said by $$"});
    const size_t who = static_cast<size_t>(Below(20));
    const uint64_t enough =
        followers.Got(who) + static_cast<uint64_t>(Below(2 << 20));
    ASSERT_TRUE(WaitFor([&] { return followers.Got(who) >= enough; }))
        << LastLines(HeadLog());
    KillHead();
    // Some die before they are there.
    if (Below(4) == 0) KillHead();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(raw.IsClosed());
    ASSERT_EQ(body.Wait(), ExitStatus{}) << BodySaid(name);
    ASSERT_TRUE(WaitFor(HeadAnswers));
    EXPECT_TRUE(WaitFor([&] {
      return absl::StrContains(Ask("history", name),
                               absl::StrCat("said by ", body.pid()));
    })) << Ask("status", name);
    EXPECT_FALSE(writer.HasEnded());
    EXPECT_THAT(Incarnations(flood),
                AllOf(HasSubstr(absl::StrCat("\"pid\": ", writer.pid())),
                      Not(HasSubstr("\"number\": 2"))));
    idlers.ExpectAsBefore();
    if (HasFailure()) break;
  }
  const uint64_t bytes = EndFlood(flood, writer, followers);
  std::cerr << kills << " kills, " << (bytes >> 20) << " MiB\n";
}

TEST_F(KeeperTest, KillsOfHeadCostALogNoLineAndDoubleNone) {
  const int kills = FromEnvironment("DEPTYR_TEST_KILLS", 6);
  // systemd's head may write no files.
  FreshHead(IsSystemd() ? "" : absl::StrCat("--log-dir ", kFiles));
  Pipe pipe;
  Program writer = Body(name_, {"sh", "-c", "read go; exec seq 1 1000000000"},
                        {}, pipe.write_end.get());
  pipe.write_end.Reset();
  NumbersLog log(std::move(pipe.read_end));
  ASSERT_TRUE(ListedAs(name_, HasSubstr(KeeperName())));
  ASSERT_TRUE(WaitFor([&] {
    return absl::StrContains(Ask("status --json", name_), "\"log\"");
  }));
  Ask("send --enter", name_ + " go");
  for (int round = 0; round < kills; ++round) {
    const uint64_t enough =
        log.last() + 1 + static_cast<uint64_t>(Below(30000));
    ASSERT_TRUE(WaitFor([&] { return log.last() >= enough; })) << HeadLog();
    KillHead();
    ASSERT_TRUE(WaitFor(HeadAnswers));
  }
  const uint64_t killed_at = log.last();
  ASSERT_TRUE(WaitFor([&] { return log.last() > killed_at; }));
  EXPECT_FALSE(writer.HasEnded());
  writer.Signal(SIGHUP);
  EXPECT_TRUE(writer.Wait());
  const Numbers& numbers = log.all();
  std::cerr << kills << " kills, " << numbers.last() << " lines, "
            << numbers.lost() << " lost\n";
  const std::string ends =
      absl::StrCat("go instead of 1\n([0-9]+ instead of [0-9]+\n)?deptyr: pid ",
                   writer.pid(), " ended.* instead of [0-9]+\n");
  EXPECT_THAT(numbers.others(), testing::MatchesRegex(ends));
  if (IsSystemd()) return;
  Numbers of_file;
  for (const absl::string_view line :
       absl::StrSplit(ReadFile(File(".log")), '\n')) {
    const bool marks =
        absl::StartsWith(line, "deptyr: client ") ||
        absl::StartsWith(
            line, absl::StrCat("deptyr: pid ", writer.pid(), " started"));
    if (!marks && !line.empty()) of_file.Take(line);
  }
  EXPECT_THAT(of_file.others(), testing::MatchesRegex(ends));
  EXPECT_EQ(of_file.last(), numbers.last());
}

TEST_F(KeeperTest, ARestartOfHeadCostsNobodyAnything) {
  FreshHead(kPatient);
  const Idlers idlers(name_);
  const std::string flood = name_ + ".flood";
  Program writer = Body(flood, {"traffic", "numbers", File(".count")});
  Followers followers(flood, 3);
  Ask("send", flood + " x");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(followers.AllGot(followers.Got(0) + 10000));
    RestartHead();
    idlers.ExpectAsBefore();
  }
  (void)EndFlood(flood, writer, followers);
}

// --- The ends of the keeper's care ------------------------------------------

TEST_F(KeeperTest, AStopIsAnnouncedAndWhatComesBackIsServed) {
  if (!IsSystemd()) GTEST_SKIP() << "an s6-fdholder keeps over a stop";
  FreshHead();
  const std::string unit = "/etc/systemd/system/" + name_ + ".service";
  WriteFile(unit,
            absl::StrCat("[Service]\nExecStart=deptyr body --name ", name_, " ",
                         kHeadSocket, " -- sleep 1000\nRestart=always\n"));
  MustShell("systemctl daemon-reload");
  MustShell("systemctl start " + name_);
  ASSERT_TRUE(ListedAs(name_, HasSubstr("running")));
  const std::string first = MustShell("systemctl show -P MainPID " + name_);
  MustShell("systemctl stop deptyr-head.service");
  EXPECT_TRUE(HeadLogGets(
      ContainsRegex("it lets go of them, and these programs get SIGHUP: .*" +
                    name_ + " \\(pid ")));
  // Its socket, which goes on, starts the next head.
  ASSERT_TRUE(WaitFor([&] {
    return std::atoi(
               MustShell("systemctl show -P NRestarts " + name_).c_str()) > 0;
  }));
  ASSERT_TRUE(ListedAs(name_, HasSubstr("running")));
  EXPECT_NE(MustShell("systemctl show -P MainPID " + name_), first);
  MustShell("systemctl stop " + name_);
  fs::remove(unit);
}

TEST_F(KeeperTest, AStopOfHeadIsNoneForProgramsBesideAnFdHolder) {
  if (IsSystemd()) GTEST_SKIP() << "systemd lets go of what it keeps";
  FreshHead();
  const Idlers idlers(name_);
  StopHead();
  StartHead();
  idlers.ExpectAsBefore();
}

// Head prepares for connections that say nothing, because they may be bodies.
TEST_F(KeeperTest, WhoSaysNothingKeepsNoFdHolderFromEnding) {
  if (IsSystemd()) GTEST_SKIP() << "systemd does not end";
  FreshHead();
  const Fd silent = Value(Connect(kHeadSocket, kDeadline));
  const Idlers idlers(name_);  // head has served since
  MustShell("s6-svc -T 60000 -wD -d " + Folder("deptyr-fdholder"));
  MustShell("s6-svc -T 60000 -wU -u " + Folder("deptyr-fdholder"));
}

TEST_F(KeeperTest, WhatFindsNoRoomIsToldSoAndKeptLater) {
  if (!IsSystemd()) GTEST_SKIP() << "a full s6-fdholder is tested by itself";
  FreshHead("", 6);
  const std::string one = name_ + ".1", two = name_ + ".2",
                    three = name_ + ".3";
  const Program first = Body(one, {"sleep", "1000"});
  ASSERT_TRUE(ListedAs(one, HasSubstr(" systemd ")));
  Program second = Body(two, {"sleep", "1000"});
  ASSERT_TRUE(ListedAs(two, HasSubstr(" systemd ")));
  const Program third = Body(three, {"sleep", "1000"});
  ASSERT_TRUE(ListedAs(three, HasSubstr("running")));
  EXPECT_THAT(Listed(three), Not(HasSubstr("systemd")));
  EXPECT_TRUE(HeadLogGets(HasSubstr(three + " would not outlive head")));
  second.Signal(SIGKILL);
  EXPECT_TRUE(second.Wait());
  EXPECT_TRUE(ListedAs(three, HasSubstr(" systemd ")));
  EXPECT_TRUE(HeadLogGets(AllOf(HasSubstr(two + " has ended and is no longer"),
                                HasSubstr(three + " would outlive head now"))));
  KillHead();
  ASSERT_TRUE(WaitFor(HeadAnswers));
  EXPECT_TRUE(ListedAs(one, HasSubstr("running")));
  EXPECT_TRUE(ListedAs(three, HasSubstr("running")));
  EXPECT_FALSE(first.HasEnded());
  EXPECT_FALSE(third.HasEnded());
}

TEST_F(KeeperTest, AHeadWithoutAKeeperSaysWhatItsEndCosts) {
  Pipe pipe;
  const Program head = Program::Start(
      {"deptyr", "head", "--headless", "--keeper", "none", File(".sock")},
      {.fds = {{pipe.write_end.get(), 2}}});
  pipe.write_end.Reset();
  EXPECT_TRUE(OutputReader(pipe.read_end.get())
                  .Until(HasSubstr("nobody keeps the terminals for it: if it "
                                   "ends, its programs get SIGHUP\n")));
}

// --- A ring of a newer deptyr -----------------------------------------------

// Returns the ring of a session, as head has it.
Fd RingOf(const std::string& session) {
  for (const auto& entry :
       fs::directory_iterator(absl::StrCat("/proc/", HeadPid(), "/fd"))) {
    std::error_code ignored;
    const std::string target = fs::read_symlink(entry.path(), ignored);
    if (!absl::StartsWith(target, "/memfd:")) continue;
    Fd fd = Open(entry.path(), O_RDWR);
    std::array<char, 72> name{};
    if (!fd.valid() || ::pread(fd.get(), name.data(), name.size() - 1,
                               offsetof(RingState, name)) < 0) {
      continue;
    }
    if (session == name.data()) return fd;
  }
  ADD_FAILURE() << "head has no ring of " << session;
  return Fd();
}

void SetVersion(const Fd& ring, uint32_t version) {
  EXPECT_EQ(::pwrite(ring.get(), &version, sizeof version,
                     offsetof(RingState, version)),
            static_cast<ssize_t>(sizeof version));
}

TEST_F(KeeperTest, WhatANewerDeptyrWroteIsHeldForIt) {
  FreshHead();
  const Program program = Body(name_, {"report", name_});
  const Report reported(name_);
  ASSERT_TRUE(ListedAs(name_, HasSubstr("running")));
  const Fd ring = RingOf(name_);
  SetVersion(ring, kRingVersion + 1);
  KillHead();
  ASSERT_TRUE(WaitFor(HeadAnswers));
  EXPECT_TRUE(HeadLogGets(
      HasSubstr("session=" + name_ + " is held, but can't be served: ")));
  EXPECT_THAT(Listed(name_), HasSubstr(" held "));
  EXPECT_FALSE(program.HasEnded());
  Program another = Body(name_, {"true"}, {"--wait", "0"});
  EXPECT_EQ(another.Wait(), ExitStatus{.code = 111});
  EXPECT_THAT(BodySaid(name_),
              HasSubstr("that of a program whose state a newer deptyr wrote"));
  // The newer one comes.
  SetVersion(ring, kRingVersion);
  KillHead();
  ASSERT_TRUE(WaitFor(HeadAnswers));
  EXPECT_THAT(Listed(name_), HasSubstr("running"));
  EXPECT_FALSE(program.HasEnded());
  EXPECT_EQ(ReadFile(File(".signals")), "");
}

// --- Many at once -----------------------------------------------------------

TEST_F(KeeperTest, ManyWhoWaitedForHeadAreServedAndNoneSpun) {
  const int many = FromEnvironment("DEPTYR_TEST_KILLS", 0) > 0 ? 200 : 60;
  FreshHead();
  StopHead();
  std::vector<Program> bodies;
  for (int i = 0; i < many; ++i) {
    bodies.push_back(Body(absl::StrCat(name_, ".", i), {"sleep", "1000"}));
  }
  for (int i = 0; i < many; ++i) {
    const std::string name = absl::StrCat(name_, ".", i);
    ASSERT_TRUE(WaitFor([&] { return !BodySaid(name).empty(); })) << name;
  }
  // In the meantime the first have waited for the last to start.
  for (const Program& body : bodies) {
    EXPECT_TRUE(WaitFor([&] { return Sleeps(body.pid()); }));
    EXPECT_LE(CpuTicksOf(body.pid()), 5);  // of 10 ms
    EXPECT_EQ(ProgramOf(body.pid()), "deptyr");
  }
  const absl::Time before = absl::Now();
  StartHead();
  for (const Program& body : bodies) {
    ASSERT_TRUE(WaitFor([&] { return ProgramOf(body.pid()) == "sleep"; }));
  }
  std::cerr << many << " bodies were served within "
            << absl::ToInt64Milliseconds(absl::Now() - before) << " ms\n";
  for (int i = 0; i < many; ++i) {
    // A keeper that had no time for one at once is asked again.
    EXPECT_TRUE(ListedAs(absl::StrCat(name_, ".", i),
                         AllOf(HasSubstr("running"), HasSubstr(KeeperName()))));
  }
  KillHead();
  ASSERT_TRUE(WaitFor(HeadAnswers));
  for (const Program& body : bodies) EXPECT_FALSE(body.HasEnded());
  for (int i = 0; i < many; ++i) {
    EXPECT_THAT(Listed(absl::StrCat(name_, ".", i)), HasSubstr("running"));
  }
}

}  // namespace
}  // namespace deptyr
