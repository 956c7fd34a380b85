// deptyr upgrade replaces the running head by the installed program, in the
// same process, and nobody notices.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/wire/messages.h"
#include "lib/wire/upgrade_state.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"
#include "tests/support/kernel.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::StrEq;

struct Said {
  std::optional<ExitStatus> status;
  std::string out;
  std::string err;
};

size_t CountOf(absl::string_view text, absl::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// Returns those lines of JSON that have the key.
std::vector<std::string> ValuesOf(const std::string& json,
                                  const std::string& key) {
  std::vector<std::string> values;
  for (absl::string_view line : absl::StrSplit(json, '\n')) {
    if (absl::StrContains(line, absl::StrCat("\"", key, "\":"))) {
      values.emplace_back(absl::StripAsciiWhitespace(line));
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

// Reads numbered lines (traffic lines) in a thread of its own, and forgets
// them. From the first one on, each has to be the next.
class LinesReader {
 public:
  // The descriptor stays the caller's.
  explicit LinesReader(int fd) : thread_([this, fd] { Read(fd); }) {}
  ~LinesReader() { thread_.join(); }
  uint64_t next() const { return next_; }
  bool over() const { return over_; }
  // The text that came in a line's place.
  const std::string& wrong() const { return wrong_; }
  bool ended() const { return ended_; }

 private:
  void Read(int fd) {
    std::array<char, 65536> room;
    std::string left;
    while (!over_ && wrong_.empty()) {
      if (WaitForEvents(fd, POLLIN) == 0) break;
      const ssize_t got = ::read(fd, room.data(), room.size());
      if (got <= 0) break;
      left.append(room.data(), static_cast<size_t>(got));
      size_t begin = 0;
      for (size_t end = left.find('\n'); end != std::string::npos;
           begin = end + 1, end = left.find('\n', begin)) {
        Take(left.substr(begin, end - begin));
      }
      left.erase(0, begin);
    }
    ended_ = true;
  }
  void Take(const std::string& line) {
    constexpr size_t kDigits = 15;
    uint64_t number = 0;
    const bool numbered =
        line.size() == kDigits && absl::SimpleAtoi(line, &number);
    if (next_ == 0) {
      // A single one may come from a painted screen.
      if (numbered && number == before_ + 1) next_ = number + 1;
      before_ = numbered ? number : 0;
    } else if (numbered && number == next_) {
      next_ = number + 1;
    } else if (line == "over") {
      over_ = true;
    } else if (wrong_.empty()) {
      wrong_ = absl::StrCat(line, " in place of ", next_.load());
    }
  }

  std::atomic<uint64_t> next_ = 0;
  uint64_t before_ = 0;
  std::atomic<bool> over_ = false;
  std::atomic<bool> ended_ = false;
  std::string wrong_;
  std::thread thread_;
};

class UpgradeTest : public testing::Test {
 protected:
  UpgradeTest() {
    Install(original_);
    ::setenv("DEPTYR", installed_.c_str(), 1);
  }
  ~UpgradeTest() override { ::setenv("DEPTYR", original_.c_str(), 1); }

  // A package manager installs it like this.
  void Install(const std::string& program) const {
    std::filesystem::copy_file(program, installed_ + ".new");
    std::filesystem::rename(installed_ + ".new", installed_);
  }
  void InstallScript(const std::string& text, mode_t mode = 0755) const {
    WriteFile(installed_ + ".new", text);
    (void)::chmod((installed_ + ".new").c_str(), mode);
    std::filesystem::rename(installed_ + ".new", installed_);
  }

  void StartHead(std::vector<std::string> options = {}) {
    head_ = std::make_unique<HeadProcess>(options);
    ASSERT_TRUE(head_->ready());
  }
  const std::string& socket() const { return head_->socket(); }

  // Runs the original.
  Said Run(std::vector<std::string> words) const {
    words.insert(words.begin(), original_);
    return RunProgram(words);
  }
  static Said RunProgram(const std::vector<std::string>& words) {
    const LogFile out;
    const LogFile err;
    Program program =
        Program::Start(words, {.fds = {{out.fd(), 1}, {err.fd(), 2}}});
    const auto status = program.Wait();
    return {status, out.text(), err.text()};
  }
  void Upgrade() {
    Install(original_);
    ASSERT_THAT(ExeOf(head_->pid()), EndsWith("(deleted)"));
    const Said said = Run({"upgrade", socket()});
    EXPECT_EQ(said.status, ExitStatus{}) << said.err;
    EXPECT_THAT(said.out, StartsWith(absl::StrCat("head, pid ", head_->pid(),
                                                  ", is deptyr ")));
    EXPECT_EQ(ExeOf(head_->pid()), installed_);
  }

  BodyProcess Body(const std::string& name,
                   const std::vector<std::string>& program) {
    BodyProcess body(socket(), {"--name", name}, program);
    EXPECT_TRUE(head_->log().Until(
        HasSubstr(absl::StrCat("session=", name, " pid=", body.pid()))));
    return body;
  }
  std::string Status(const std::string& session) const {
    return Run({"status", "--json", socket(), session}).out;
  }
  testing::AssertionResult HistoryUntil(
      const std::string& session,
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil(
        [&] {
          return Run({"history", socket(), session}).out;
        },
        matcher);
  }

  TempDir folder_;
  const std::string original_ = Deptyr();
  const std::string installed_ = folder_ / "deptyr";
  std::unique_ptr<HeadProcess> head_;
};

TEST_F(UpgradeTest, ItIsTheNewProgramInTheSameProcess) {
  StartHead();
  BodyProcess body = Body("a", {"cat"});
  Upgrade();
  Upgrade();
  EXPECT_EQ(ChildrenOf(head_->pid()), std::vector<pid_t>{});
  EXPECT_FALSE(body.program().HasEnded());
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

// A client keeps its number, in the log and in kick, over an upgrade too.
TEST_F(UpgradeTest, TheNumbersOfClientsGoOn) {
  StartHead({"--raw", folder_ / "raw"});
  BodyProcess body = Body("a", {"cat"});
  const auto id = [&] {
    return absl::StrJoin(ValuesOf(Status("a"), "id"), "");
  };
  const auto join = [&](const std::string& number) {
    Connection raw = Connection::To(folder_ / "raw");
    EXPECT_TRUE(TextUntil(id, StrEq(absl::StrCat("\"id\": ", number, ","))));
  };
  join("1");
  join("2");
  ASSERT_TRUE(TextUntil(id, IsEmpty()));
  Upgrade();
  join("3");
  EXPECT_EQ(head_->Stop(), ExitStatus{});
}

// This is Linux 5.3, or a container's filter, where a trial's end would be
// reported for ever.
TEST_F(UpgradeTest, WhereAChildCantBeAskedForItsEndItFailsAndNothingSpins) {
  head_ = std::make_unique<HeadProcess>(
      std::vector<std::string>{},
      HeadProcessOptions{
          .how = {.prepare = [] { RefuseSystemCalls({SYS_waitid}, EINVAL); }}});
  ASSERT_TRUE(head_->ready());
  const BodyProcess body = Body("a", {"cat"});
  const Said said = Run({"upgrade", socket()});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("waitid(2) of a pidfd is needed: Linux 5.4"));
  EXPECT_EQ(CountOf(said.err, "\n"), 1U) << said.err;
  EXPECT_TRUE(WaitUntilQuiet(head_->pid()));
  EXPECT_THAT(Status("a"), HasSubstr("\"running\""));
}

TEST_F(UpgradeTest, ASignalDoesTheSame) {
  StartHead();
  Install(original_);
  head_->program().Signal(SIGUSR2);
  EXPECT_TRUE(head_->log().Until(HasSubstr("took over from deptyr ")));
  EXPECT_EQ(ExeOf(head_->pid()), installed_);
}

TEST_F(UpgradeTest, SeveralAtOnceAreAnsweredAll) {
  StartHead();
  std::vector<Program> all;
  std::vector<LogFile> said(4);
  for (const LogFile& one : said) {
    all.push_back(Program::Start({original_, "upgrade", socket()},
                                 {.fds = {{one.fd(), 1}}}));
  }
  for (Program& one : all) EXPECT_EQ(one.Wait(), ExitStatus{});
  for (const LogFile& one : said)
    EXPECT_THAT(one.text(), HasSubstr("is deptyr"));
}

TEST_F(UpgradeTest, DescriptorsAreAsManyAsBefore) {
  StartHead({"--raw", folder_ / "raw"});
  BodyProcess body = Body("a", {"cat"});
  Connection raw = Connection::To(folder_ / "raw");
  Upgrade();
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));
  const size_t count = CountFdsOf(head_->pid());
  for (int i = 0; i < 3; ++i) Upgrade();
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_->pid()) == count; }))
      << CountFdsOf(head_->pid()) << " descriptors, before " << count;
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));
  // A program would inherit none.
  for (const auto& entry : std::filesystem::directory_iterator(
           absl::StrCat("/proc/", head_->pid(), "/fdinfo"))) {
    const int number = std::atoi(entry.path().filename().c_str());
    uint32_t flags = 0;
    for (absl::string_view line :
         absl::StrSplit(ReadFile(entry.path()), '\n')) {
      if (absl::ConsumePrefix(&line, "flags:\t")) {
        flags = static_cast<uint32_t>(
            std::strtoul(std::string(line).c_str(), nullptr, 8));
      }
    }
    EXPECT_TRUE(number <= 2 || (flags & O_CLOEXEC) != 0) << number;
  }
}

TEST_F(UpgradeTest, UnderLoadNobodyNotices) {
  constexpr int kAttached = 20;
  constexpr int kUpgrades = 10;
  StartHead({"--when-behind", "block", "--raw",
             absl::StrCat(folder_ / "raw", "=a"), "--uwsgi",
             absl::StrCat(folder_ / "uwsgi", "=a"), "--uwsgi",
             absl::StrCat(folder_ / "keys", "=b")});
  BodyProcess lines = Body("a", {Traffic(), "lines", folder_ / "count"});
  BodyProcess cat =
      Body("b", {"sh", "-c", "stty raw -echo; echo up; exec cat"});
  ASSERT_TRUE(HistoryUntil("b", HasSubstr("up")));

  const LogFile events;
  Program follower = Program::Start({original_, "events", socket()},
                                    {.fds = {{events.fd(), 1}}});
  Connection raw = Connection::To(folder_ / "raw");
  Connection uwsgi = Connection::To(folder_ / "uwsgi");
  const Pipe input;  // open, and silent
  std::vector<Pipe> outputs(kAttached);
  std::vector<Program> attached;
  for (Pipe& output : outputs) {
    attached.push_back(Program::Start(
        {original_, "attach", "-q", socket(), "a"},
        {.fds = {{input.read_end.get(), 0}, {output.write_end.get(), 1}}}));
    output.write_end.Reset();
  }
  std::vector<std::unique_ptr<LinesReader>> readers;
  readers.push_back(std::make_unique<LinesReader>(raw.fd()));
  readers.push_back(std::make_unique<LinesReader>(uwsgi.fd()));
  for (const Pipe& output : outputs) {
    readers.push_back(std::make_unique<LinesReader>(output.read_end.get()));
  }
  // They stop in the middle of a packet's header, of its payload, and of a
  // message.
  Connection header = Connection::To(folder_ / "keys");
  header.Send(KeysFrame("header\n").substr(0, 3));
  Connection payload = Connection::To(folder_ / "keys");
  payload.Send(KeysFrame("payload\n").substr(0, 7));
  const std::string keys = Encode(Keys{"message\n"});
  Connection message = Connection::To(socket());
  message.Send(Encode(Attach{.session = "b", .from = From::kNow}) +
               keys.substr(0, keys.size() - 3));
  ASSERT_TRUE(
      TextUntil([&] { return Status("a"); },
                HasSubstr(absl::StrCat("\"clients\": ", kAttached + 2))));
  ASSERT_TRUE(
      TextUntil([&] { return Status("b"); }, HasSubstr("\"clients\": 3")));
  for (const auto& reader : readers) {
    ASSERT_TRUE(WaitFor([&] { return reader->next() > 0; }));
  }
  const auto ids = ValuesOf(Status("a"), "id");
  const auto missed = ValuesOf(Status("a"), "missed");
  ASSERT_EQ(ids.size(), readers.size());
  const size_t joined = CountOf(head_->log().text(), " joined ");
  const size_t left = CountOf(head_->log().text(), " left; ");
  // The follower is told only from some time on; an event shows that.
  ASSERT_TRUE(WaitFor([&] {
    EXPECT_EQ(Body("probe", {"true"}).Wait(), ExitStatus{});
    return !events.text().empty();
  }));

  std::vector<std::unique_ptr<BodyProcess>> bodies;
  for (int i = 0; i < kUpgrades; ++i) {
    bodies.push_back(std::make_unique<BodyProcess>(
        socket(), std::vector<std::string>{"--name", absl::StrCat("new-", i)},
        std::vector<std::string>{"cat"}));
    const uint64_t before = readers[0]->next();
    Upgrade();
    for (const auto& reader : readers) {
      ASSERT_TRUE(
          WaitFor([&] { return reader->ended() || reader->next() > before; }));
    }
  }
  EXPECT_EQ(ValuesOf(Status("a"), "id"), ids);
  EXPECT_EQ(ValuesOf(Status("a"), "missed"), missed);
  EXPECT_EQ(CountOf(head_->log().text(), " joined "), joined);
  EXPECT_EQ(CountOf(head_->log().text(), " left; "), left);
  for (const auto& body : bodies) EXPECT_TRUE(body->WaitExecuted());
  EXPECT_TRUE(events.Until(HasSubstr(absl::StrCat("new-", kUpgrades - 1))));
  EXPECT_EQ(CountOf(events.text(), "\"started\",\"session\":\"new-"),
            size_t{kUpgrades});
  EXPECT_THAT(events.text(), Not(HasSubstr("detached")));

  payload.Send(KeysFrame("payload\n").substr(7));
  EXPECT_TRUE(HistoryUntil("b", EndsWith("up\npayload\n")));
  header.Send(KeysFrame("header\n").substr(3));
  EXPECT_TRUE(HistoryUntil("b", EndsWith("payload\nheader\n")));
  message.Send(keys.substr(keys.size() - 3));
  EXPECT_TRUE(HistoryUntil("b", EndsWith("header\nmessage\n")));

  raw.Send("x");
  for (const auto& reader : readers) {
    EXPECT_TRUE(WaitFor([&] { return reader->ended(); }));
    EXPECT_TRUE(reader->over()) << reader->wrong();
    EXPECT_EQ(reader->next(), readers[0]->next());
  }
  EXPECT_TRUE(TextUntil([&] { return ReadFile(folder_ / "count"); },
                        StartsWith(absl::StrCat(readers[0]->next(), " "))));
}

TEST_F(UpgradeTest, WhatIsTypedAndNotTakenIsTakenLater) {
  constexpr size_t kSize = 1'000'000;
  StartHead({"--raw", folder_ / "raw", "--uwsgi", folder_ / "uwsgi"});
  const std::string go = folder_ / "go";
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  BodyProcess body =
      Body("a", {"sh", "-c",
                 absl::StrCat("stty raw -echo; echo up; read x < ", Quote(go),
                              "; exec cat > ", Quote(folder_ / "got"))});
  Connection raw = Connection::To(folder_ / "raw");
  ASSERT_TRUE(raw.output().Until(HasSubstr("up")));
  std::string text;
  while (text.size() < kSize) absl::StrAppend(&text, text.size(), "\n");
  size_t sent = 0;
  // Fill it until nothing more is taken, which is about half.
  ASSERT_TRUE(WaitFor([&] {
    const size_t now = raw.SendSome(text.substr(sent));
    sent += now;
    return now == 0 && WaitUntilQuiet(head_->pid());
  }));
  ASSERT_LT(sent, text.size());
  Upgrade();
  Upgrade();
  sent += raw.SendSome(text.substr(sent));
  WriteFile(go, "x\n");
  raw.Send(text.substr(sent));
  ASSERT_TRUE(WaitFor([&] {
    std::error_code none;
    return std::filesystem::file_size(folder_ / "got", none) == text.size();
  }));
  EXPECT_TRUE(ReadFile(folder_ / "got") == text);
}

TEST_F(UpgradeTest, WhoIsAmidItsFirstMessageGoesOn) {
  StartHead();
  BodyProcess body = Body("a", {"sh", "-c", "echo hello; exec cat"});
  Connection peer = Connection::To(socket());
  const std::string attach =
      Encode(Attach{.session = "a", .from = From::kHistory});
  peer.Send(attach.substr(0, 7));
  ASSERT_TRUE(TextUntil(
      [&] {
        return Run({"status", "--head", "--json", socket()}).out;
      },
      HasSubstr("\"pending\": 1")));
  Upgrade();
  peer.Send(attach.substr(7));
  EXPECT_TRUE(peer.output().Until(HasSubstr("hello")));
}

// No descriptor of its own reports it; it would be polled for ever.
TEST_F(UpgradeTest, WhoSendsNoMoreCostsNothing) {
  StartHead({"--raw", absl::StrCat(folder_ / "raw", "=later")});
  Connection waiting = Connection::To(folder_ / "raw");
  waiting.HalfClose();
  Upgrade();
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));
  const long before = CpuTimeOf(head_->pid());
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));  // takes a third of a second
  EXPECT_LT(CpuTimeOf(head_->pid()) - before, 4);
  BodyProcess body = Body("later", {"echo", "hello"});
  EXPECT_TRUE(waiting.output().Until(HasSubstr("hello")));
}

TEST_F(UpgradeTest, TheScreenIsExactWhereTheRingHasOnlyItsEnd) {
  StartHead({"--history", "64K", "--raw", folder_ / "raw"});
  // The screen is painted once; then only one row is written, for longer than
  // the ring.
  BodyProcess body =
      Body("a", {"sh", "-c",
                 "stty -echo; printf '\\033]2;The title\\007\\033[2J\\033[H"
                 "\\033[31mold paint\\033[m\\033[5;7H\\033[1mmore\\033[m'; "
                 "while read x; do i=0; while [ $i -lt 100 ]; do printf "
                 "'\\033[20;1Hline %d %060d' $i 0; i=$((i+1)); done; printf "
                 "'\\033[22;1Hwrote %s.' \"$x\"; done"});
  Connection raw = Connection::To(folder_ / "raw");
  ASSERT_TRUE(raw.output().Until(HasSubstr("more")));
  // It writes at a pace that the model of the screen keeps.
  for (int i = 0; i < 30; ++i) {
    raw.Send(absl::StrCat(i, "\n"));
    ASSERT_TRUE(raw.output().Until(HasSubstr(absl::StrCat("wrote ", i, "."))));
    ASSERT_THAT(Status("a"), HasSubstr("\"screen\": \"exact\""));
    raw.output().Forget();
  }
  const auto snapshot = [&] {
    return Run({"snapshot", "--format=ansi", socket(), "a"}).out +
           Run({"snapshot", socket(), "a"}).out;
  };
  ASSERT_THAT(snapshot(), AllOf(HasSubstr("old paint"), HasSubstr("wrote 29")));
  const std::string before = snapshot();
  Upgrade();
  EXPECT_THAT(Status("a"), AllOf(HasSubstr("\"screen\": \"exact\""),
                                 HasSubstr("The title")));
  EXPECT_EQ(snapshot(), before);
  Upgrade();
  EXPECT_EQ(snapshot(), before);
}

// There is more than is modelled at once for somebody who asks.
TEST_F(UpgradeTest, TheScreenIsExactWhereTheRingHasMuch) {
  StartHead({"--history", "4M"});
  BodyProcess body =
      Body("a", {"sh", "-c",
                 "printf 'old paint'; i=0; while [ $i -lt 9000 ]; do printf "
                 "'\\033[20;1Hline %d %060d' $i 0; i=$((i+1)); done; printf "
                 "'\\033[22;1Hdone'; exec cat"});
  const auto history = [&] { return Run({"history", socket(), "a"}).out; };
  const auto snapshot = [&] { return Run({"snapshot", socket(), "a"}).out; };
  ASSERT_TRUE(TextUntil(history, HasSubstr("done")));
  // A client that asks before the model is done gets the end of it,
  // approximate.
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));
  const std::string before = snapshot();
  ASSERT_THAT(before, AllOf(HasSubstr("old paint"), HasSubstr("done")));
  Upgrade();
  EXPECT_EQ(snapshot(), before);
  EXPECT_THAT(Status("a"), HasSubstr("\"screen\": \"exact\""));
}

TEST_F(UpgradeTest, WhatTheProgramBeforeLeftIsRemembered) {
  StartHead({"--history", "64K"});
  BodyProcess first = Body("a", {"echo", "last words"});
  ASSERT_EQ(first.Wait(), ExitStatus{});
  ASSERT_TRUE(head_->log().Until(HasSubstr("exit status 0")));
  BodyProcess second =
      Body("a", {"sh", "-c",
                 "head -c 200000 /dev/zero | tr '\\0' x; echo; echo "
                 "end; exec cat"});
  ASSERT_TRUE(HistoryUntil("a", HasSubstr("end")));
  const auto last = [&] {
    return Run({"snapshot", "--last", socket(), "a"}).out;
  };
  ASSERT_THAT(last(), HasSubstr("last words"));
  Upgrade();
  EXPECT_THAT(last(), HasSubstr("last words"));
}

TEST_F(UpgradeTest, SocketsAreTheSame) {
  const std::string dir = folder_ / "clients";
  std::filesystem::create_directory(dir);
  StartHead({"--mode", "0640", "--raw", folder_ / "raw", "--raw",
             "tcp:127.0.0.1:0", "--client-dir", dir});
  BodyProcess body = Body("a", {"cat"});
  const auto inode = [](const std::string& path) {
    struct stat file {};
    EXPECT_EQ(::lstat(path.c_str(), &file), 0) << path;
    return absl::StrCat(file.st_ino, " ", file.st_mode, " ", file.st_gid);
  };
  const std::vector<std::string> paths = {socket(), folder_ / "raw",
                                          dir + "/a.raw", dir + "/a.uwsgi"};
  std::vector<std::string> before;
  for (const std::string& path : paths) before.push_back(inode(path));
  // Somebody connects all the time.
  std::atomic<bool> stop = false;
  std::atomic<int> refused = 0;
  std::thread caller([&] {
    while (!stop) refused += Connection::Works(folder_ / "raw") ? 0 : 1;
  });
  // A folder that has gone is no reason to end.
  for (int i = 0; i < 3; ++i) Upgrade();
  stop = true;
  caller.join();
  EXPECT_EQ(refused, 0);
  for (size_t i = 0; i < paths.size(); ++i) {
    EXPECT_EQ(inode(paths[i]), before[i]) << paths[i];
    Connection::To(paths[i]);
  }
  BodyProcess later = Body("b", {"cat"});
  EXPECT_TRUE(std::filesystem::exists(dir + "/b.raw"));
  EXPECT_EQ(head_->Stop(), ExitStatus{});
  for (const std::string& path : paths) {
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
}

TEST_F(UpgradeTest, WhatKeptAHeadFromStartingDoesntEndOne) {
  const std::string dir = folder_ / "clients";
  std::filesystem::create_directory(dir);
  StartHead({"--client-dir", dir});
  BodyProcess body = Body("a", {"cat"});
  std::filesystem::remove_all(dir);
  Upgrade();
  EXPECT_THAT(Status("a"), HasSubstr("\"running\""));
}

// Head has everything that is kept; taking it back would make every session
// twice.
TEST_F(UpgradeTest, WhatAnFdHolderKeepsIsntTakenBack) {
  std::filesystem::copy(absl::StrCat(std::getenv("DEPTYR_SOURCE_DIR"),
                                     "/s6/deptyr-fdholder/data/rules"),
                        folder_ / "rules",
                        std::filesystem::copy_options::recursive);
  const std::string path = folder_ / "fdholder.sock";
  Program holder =
      Program::Start({"s6-fdholder-daemon", "-i", folder_ / "rules", path});
  ASSERT_TRUE(WaitFor([&] { return Connection::Works(path); }));
  StartHead(
      {"--keeper", absl::StrCat("s6:", path), "--client-dir", folder_.path()});
  BodyProcess body = Body("a", {"cat"});
  // A holder that had no time is asked again, after a while.
  ASSERT_TRUE(TextUntil([&] { return Status("a"); },
                        HasSubstr("\"keeper\": \"s6-fdholder\"")));
  Upgrade();
  EXPECT_THAT(head_->log().text(),
              Not(testing::AnyOf(HasSubstr("taken back"),
                                 HasSubstr("can't be attached"))));
  EXPECT_THAT(Status("a"), HasSubstr("\"keeper\": \"s6-fdholder\""));
  // A holder that has gone is no reason to end, either; it may come back.
  holder.Signal(SIGKILL);
  (void)holder.Wait();
  Upgrade();
  EXPECT_THAT(Status("a"), AllOf(HasSubstr("\"running\""),
                                 HasSubstr("\"keeper\": \"s6-fdholder\"")));
  Connection client = Connection::To(folder_ / "a.raw");
  client.Send("hello\n");
  EXPECT_TRUE(client.output().Until(HasSubstr("hello\r\nhello")));
}

struct Unfit {
  std::string name;
  std::string script;  // "": there is no file
  mode_t mode = 0755;
  std::string why;
};

void PrintTo(const Unfit& unfit, std::ostream* out) {
  *out << unfit.name;
}

class UnfitTest : public UpgradeTest,
                  public testing::WithParamInterface<Unfit> {};

TEST_P(UnfitTest, HeadGoesOnAndSaysWhy) {
  StartHead({"--raw", folder_ / "raw"});
  BodyProcess body = Body("a", {"cat"});
  Connection raw = Connection::To(folder_ / "raw");
  raw.Send("before\n");
  ASSERT_TRUE(raw.output().Until(HasSubstr("before\r\nbefore\r\n")));
  const std::string ids = absl::StrJoin(ValuesOf(Status("a"), "id"), "");
  ASSERT_TRUE(WaitUntilQuiet(head_->pid()));
  const size_t fds = CountFdsOf(head_->pid());
  if (GetParam().script.empty()) {
    std::filesystem::remove(installed_);
  } else {
    InstallScript(GetParam().script, GetParam().mode);
  }
  const Said said = Run({"upgrade", socket()});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.out, IsEmpty());
  EXPECT_THAT(said.err, HasSubstr(GetParam().why));
  EXPECT_EQ(CountOf(said.err, "\n"), 1U) << said.err;
  EXPECT_THAT(head_->log().text(), HasSubstr(GetParam().why));
  raw.Send("after\n");
  EXPECT_TRUE(raw.output().Until(HasSubstr("after\r\nafter\r\n")));
  EXPECT_EQ(absl::StrJoin(ValuesOf(Status("a"), "id"), ""), ids);
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_->pid()) == fds; }))
      << CountFdsOf(head_->pid()) << " descriptors, before " << fds;
  EXPECT_THAT(ChildrenOf(head_->pid()), IsEmpty());
  // The next one can.
  Install(original_);
  EXPECT_EQ(Run({"upgrade", socket()}).status, ExitStatus{});
  raw.Send("new\n");
  EXPECT_TRUE(raw.output().Until(HasSubstr("new\r\nnew\r\n")));
}

INSTANTIATE_TEST_SUITE_P(
    Programs, UnfitTest,
    testing::Values(
        Unfit{"Missing", "", 0, "No such file"},
        Unfit{"NotExecutable", "#!/bin/sh\n", 0644, "Permission denied"},
        Unfit{"NoProgram", "nothing\n", 0755, "Exec format error"},
        Unfit{"Fails",
              "#!/bin/sh\necho not much\necho the disk is full >&2\nexit 3\n",
              0755, "can't take over: the disk is full"},
        Unfit{"FailsSilently", "#!/bin/sh\nexit 3\n", 0755, "exit status 3"},
        Unfit{"Crashes", "#!/bin/sh\nkill -SEGV $$\n", 0755, "signal 11"},
        Unfit{"OtherFormat",
              "#!/bin/sh\necho 'the state that was handed over is of format 1, "
              "and this deptyr knows 7' >&2\nexit 111\n",
              0755, "is of format 1, and this deptyr knows 7"},
        Unfit{"Hangs", "#!/bin/sh\nexec sleep 1000\n", 0755, "signal 9"}),
    [](const auto& unfit) { return unfit.param.name; });

// It is in the middle of its own end.
TEST_F(UpgradeTest, AHeadThatEndsIsntUpgraded) {
  StartHead({"--raw", folder_ / "raw"});
  BodyProcess body =
      Body("a", {"sh", "-c", "head -c 3000000 /dev/zero; exec cat"});
  Connection slow = Connection::To(folder_ / "raw");  // is owed something
  ASSERT_TRUE(WaitForEvents(slow.fd(), POLLIN) != 0);
  InstallScript("#!/bin/sh\nexec sleep 1000\n");
  const LogFile err;
  Program upgrade = Program::Start({original_, "upgrade", socket()},
                                   {.fds = {{err.fd(), 2}}});
  ASSERT_TRUE(WaitFor([&] { return !ChildrenOf(head_->pid()).empty(); }));
  head_->program().Signal(SIGTERM);
  EXPECT_EQ(upgrade.Wait(), ExitStatus{.code = 111});
  EXPECT_EQ(head_->program().Wait(), ExitStatus{});
}

TEST_F(UpgradeTest, OnlyRootAndItsOwnUserMay) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  StartHead({"--mode", "0666"});
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  const std::string folder =
      std::filesystem::path(socket()).parent_path().string();
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  const Said said =
      RunProgram({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                  installed_, "upgrade", socket()});
  EXPECT_EQ(said.status, ExitStatus{.code = 111});
  EXPECT_THAT(said.err, HasSubstr("only root and head's own user"));
  EXPECT_THAT(head_->log().text(), Not(HasSubstr("took over")));
}

// Runs head on a terminal.
class UpgradeOnTerminalTest : public UpgradeTest {
 protected:
  void Show(const std::vector<std::string>& options = {}) {
    tmux_.emplace(absl::StrCat(
        "stty -g > ", Quote(folder_ / "before"), "; ", Quote(installed_),
        " head ", Quote(options), " ", Quote(path_), " 2> ", Quote(log_),
        "; stty -g > ", Quote(folder_ / "after"), "; exec cat"));
    ASSERT_TRUE(LogUntil(HasSubstr("listens on")));
  }
  testing::AssertionResult LogUntil(
      const testing::Matcher<const std::string&>& matcher) {
    return TextUntil([this] { return ReadFile(log_); }, matcher);
  }
  void UpgradeIt() {
    const size_t before = CountOf(ReadFile(log_), "took over");
    Install(original_);
    const Said said = Run({"upgrade", path_});
    EXPECT_EQ(said.status, ExitStatus{}) << said.err;
    EXPECT_TRUE(WaitFor([&] {
      return CountOf(ReadFile(log_), "took over") == before + 1;
    })) << ReadFile(log_);
  }
  std::string StatusOf(const std::string& name) const {
    return Run({"status", "--json", path_, name}).out;
  }
  const Tmux& tmux() { return *tmux_; }

  const std::string path_ = folder_ / "head.sock";
  const std::string log_ = folder_ / "log";
  std::optional<Tmux> tmux_;
};

TEST_F(UpgradeOnTerminalTest, ItShowsTheSameAndGivesTheTerminalBackAtTheEnd) {
  Show();
  BodyProcess body(path_, {"--name", "a", "--term", Tmux::kTerm},
                   {"sh", "-c",
                    "printf '\\033[2J\\033[H\\033[31mred\\033[m\\r\\nhere: "
                    "'; exec cat"});
  ASSERT_TRUE(tmux().Until(HasSubstr("here:")));
  const std::string before = tmux().StyledScreen();
  const auto ids = ValuesOf(StatusOf("a"), "id");
  UpgradeIt();
  EXPECT_TRUE(tmux().StyledUntil(before));
  EXPECT_EQ(ValuesOf(StatusOf("a"), "id"), ids);
  tmux().Type("typed\n");
  EXPECT_TRUE(tmux().Until(HasSubstr("here: typed\ntyped\n")));
  UpgradeIt();
  tmux().Press({"C-\\", "q", "y"});
  ASSERT_TRUE(TextUntil([this] { return ReadFile(folder_ / "after"); },
                        Not(IsEmpty())));
  EXPECT_EQ(ReadFile(folder_ / "after"), ReadFile(folder_ / "before"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UpgradeOnTerminalTest, WithoutAProgramItWaitsForOne) {
  Show();
  ASSERT_TRUE(tmux().Until(HasSubstr("first program")));
  UpgradeIt();
  BodyProcess body(path_, {"--name", "a", "--term", Tmux::kTerm},
                   {"sh", "-c", "echo hello; exec cat"});
  EXPECT_TRUE(tmux().Until(HasSubstr("hello")));
}

TEST_F(UpgradeOnTerminalTest, AHeadThatCantHaveTheTerminalAgainSaysSo) {
  // This is the state of one that had a terminal, with invalid settings.
  HeadState state;
  state.terminal = "settings";
  WriteFile(folder_ / "state", Encode(state));
  tmux_.emplace(absl::StrCat("exec 9< ", Quote(folder_ / "state"), " 2> ",
                             Quote(log_), "; DEPTYR_OFFER=\"9 $$\" exec ",
                             Quote(installed_), " head ", Quote(path_)));
  EXPECT_TRUE(LogUntil(HasSubstr("goes on without its terminal: ")));
  BodyProcess body(path_, {"--name", "a"}, {"sh", "-c", "echo hello; cat"});
  EXPECT_TRUE(TextUntil([&] { return StatusOf("a"); }, HasSubstr("running")));
  // It doesn't go with its window.
  EXPECT_EQ(::kill(tmux().pane_pid(), SIGTERM), 0);
  EXPECT_TRUE(LogUntil(HasSubstr("head has ended")));
}

TEST_F(UpgradeOnTerminalTest, WhoLeadsAndHowLargeItIsStay) {
  Show({"--uwsgi", folder_ / "uwsgi"});
  BodyProcess body(path_, {"--name", "a", "--term", Tmux::kTerm},
                   {Traffic(), "sizes"});
  ASSERT_TRUE(tmux().Until(HasSubstr("size 24x80")));
  Connection other = Connection::To(folder_ / "uwsgi");
  other.Send(SizeFrames(30, 70));
  ASSERT_TRUE(other.output().Until(HasSubstr("size 30x70")));
  other.output().Forget();
  UpgradeIt();
  other.Send(KeysFrame("echo"));
  ASSERT_TRUE(other.output().Until(HasSubstr("echo")));
  EXPECT_THAT(other.output().text(), Not(HasSubstr("size")));
  // When it goes, the terminal's size counts.
  other.Close();
  EXPECT_TRUE(TextUntil(
      [&] { return StatusOf("a"); },
      AllOf(HasSubstr("\"rows\": 24"), Not(HasSubstr("\"rows\": 30")))));
}

TEST_F(UpgradeOnTerminalTest, WhatIsPastedIsntLost) {
  Show();
  const std::string go = folder_ / "go";
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  BodyProcess body(
      path_, {"--name", "a", "--term", Tmux::kTerm},
      {"sh", "-c",
       absl::StrCat("stty raw -echo; echo up; read x < ", Quote(go),
                    "; exec cat > ", Quote(folder_ / "got"))});
  ASSERT_TRUE(tmux().Until(HasSubstr("up")));
  std::string text;
  while (text.size() < 100'000) absl::StrAppend(&text, text.size(), "\r");
  WriteFile(folder_ / "paste", text);
  tmux().Paste(folder_ / "paste");
  const std::string log = ReadFile(log_);
  const pid_t head = std::atoi(log.c_str() + log.find("head pid=") + 9);
  ASSERT_TRUE(WaitUntilQuiet(head));
  UpgradeIt();
  WriteFile(go, "x\n");
  EXPECT_TRUE(WaitFor([&] {
    std::error_code none;
    return std::filesystem::file_size(folder_ / "got", none) == text.size();
  })) << ReadFile(folder_ / "got").size();
  EXPECT_TRUE(ReadFile(folder_ / "got") == text);
}

}  // namespace
}  // namespace deptyr
