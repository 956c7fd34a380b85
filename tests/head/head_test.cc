#include "lib/head/head.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/exit_codes.h"
#include "lib/body/body.h"
#include "lib/sys/fd_passing.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"
#include "tests/support/kernel.h"
#include "tests/support/program.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "tests/support/watcher.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

std::string Ended(const std::string& how) {
  return KernelTellsExitStatus() ? absl::StrCat("ended: ", how)
                                 : "ended (its supervisor knows how)";
}

// A peer at the head socket that says what the test makes it say.
class Guest {
 public:
  explicit Guest(const std::string& path)
      : connection_(Value(Connect(path, kDeadline))) {}

  void Send(absl::string_view bytes, int fd = -1) const {
    EXPECT_THAT(SendWithFd(connection_.get(), bytes, fd), IsOk());
  }
  void SendWithFds(absl::string_view bytes, const std::vector<int>& fds) const;
  void HalfClose() const { (void)::shutdown(connection_.get(), SHUT_WR); }
  void Leave() { connection_.Reset(); }

  // Head's next message; nothing if it closed instead, or sent none in time.
  std::optional<HeadMessage> Answer(EventLoop& loop);
  // "accepted NAME", "CODE: TEXT" of a refusal, or "".
  std::string Said(EventLoop& loop);
  // Head closes the connection, and says nothing more.
  bool IsClosed(EventLoop& loop);

 private:
  bool Readable() const {
    pollfd question{connection_.get(), POLLIN, 0};
    return ::poll(&question, 1, 0) == 1;
  }

  Fd connection_;
  std::string inbox_;
};

void Guest::SendWithFds(absl::string_view bytes,
                        const std::vector<int>& fds) const {
  deptyr::SendWithFds(connection_.get(), bytes, fds);
}

std::optional<HeadMessage> Guest::Answer(EventLoop& loop) {
  for (;;) {
    absl::string_view rest = inbox_;
    std::optional<HeadMessage> message = Value(TakeMessage(rest));
    inbox_.erase(0, inbox_.size() - rest.size());
    if (message) return message;
    if (!RunUntil(loop, [&] { return Readable(); })) return std::nullopt;
    std::array<char, 4096> room{};
    const IoResult got = ReadSome(connection_.get(), room);
    if (got.state != IoState::kDone) return std::nullopt;
    inbox_.append(room.data(), got.bytes);
  }
}

std::string Guest::Said(EventLoop& loop) {
  const std::optional<HeadMessage> answer = Answer(loop);
  if (!answer) return "";
  if (const auto* accepted = std::get_if<Accepted>(&*answer)) {
    return absl::StrCat("accepted ", accepted->name);
  }
  const auto* refused = std::get_if<Refused>(&*answer);
  return refused == nullptr ? "something else"
                            : absl::StrCat(refused->code, ": ", refused->text);
}

bool Guest::IsClosed(EventLoop& loop) {
  if (!RunUntil(loop, [&] { return Readable(); })) return false;
  char byte = 0;
  return ::recv(connection_.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

std::string Registration(const std::string& name, bool replace = false) {
  return Encode(Register{.name = name,
                         .rows = 24,
                         .cols = 80,
                         .term = "xterm",
                         .argv = {"program"},
                         .replace = replace});
}

// A real body and its supervisor, which reaps it.
class Body {
 public:
  Body(EventLoop& loop, const BodyOptions& options,
       const char* folder = nullptr, uid_t uid = 0)
      : process_(Program::Fork(
            [&] {
              if (folder != nullptr) (void)!::chdir(folder);
              if (uid != 0) (void)!::setuid(uid);
              return RunBody(options);
            },
            {.fds = {{log_.write_end.get(), STDERR_FILENO}}})),
        reaper_(loop.Add(process_.pidfd(), Interest::kRead, [this](Ready) {
          status_ = process_.Wait();
          reaper_.Reset();
        })) {
    log_.write_end.Reset();
  }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  pid_t pid() const { return process_.pid(); }
  const Program& process() const { return process_; }
  const std::optional<ExitStatus>& status() const { return status_; }
  // The text that it left in its supervisor's log.
  std::string Log() const {
    OutputReader output(log_.read_end.get());
    EXPECT_TRUE(output.UntilEnd());
    return output.text();
  }

 private:
  Pipe log_;
  Program process_;
  std::optional<ExitStatus> status_;
  Watch reaper_;
};

class HeadTest : public testing::Test {
 protected:
  HeadTest() {
    (void)::signal(SIGPIPE, SIG_IGN);
    options_.socket = dir_ / "head.sock";
    options_.history = 64 << 10;
  }

  void Start() { head_ = Value(Head::Create(*loop_, options_)); }
  void SetUp() override { Start(); }

  bool Until(absl::FunctionRef<bool()> predicate) {
    return RunUntil(*loop_, predicate);
  }

  const std::string& socket() const { return options_.socket; }
  BodyOptions Runs(const std::string& name, std::vector<std::string> program) {
    return {.socket = socket(),
            .name = name,
            .size = {},
            .term = "",
            .wait = kDeadline,
            .program = std::move(program)};
  }
  BodyOptions RunsShell(const std::string& name, const std::string& script) {
    return Runs(name, {"sh", "-c", script});
  }

  // Null if there is none of that name.
  Session* Find(const std::string& name) const {
    const auto found = head_->sessions().find(name);
    return found == head_->sessions().end() ? nullptr : found->second.get();
  }
  std::string Shown(const std::string& name) const {
    const Session* const session = Find(name);
    return session == nullptr ? ""
                              : std::string(session->ring().From(
                                    session->ring().history_start()));
  }
  std::string State(const std::string& name) const {
    const Session* const session = Find(name);
    return session == nullptr ? "" : session->State();
  }
  bool HasStarted(const std::string& name) const {
    const Session* const session = Find(name);
    return session != nullptr && session->program().number() > 0;
  }
  bool HasEnded(const std::string& name) const {
    return HasStarted(name) && !Find(name)->running();
  }

  const TempDir dir_;
  HeadOptions options_;
  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  std::unique_ptr<Head> head_;
};

// --- a program's life

TEST_F(HeadTest, AProgramRegistersRunsAndEnds) {
  Body body(*loop_, RunsShell("name", "echo hello; exit 3"));
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(Shown("name"), "hello\r\n");
  EXPECT_EQ(State("name"), Ended("exit status 3"));
  const Session& session = *Find("name");
  EXPECT_EQ(session.owner(), ::getuid());
  EXPECT_EQ(session.program().argv(),
            std::string("sh\0-c\0echo hello; exit 3", 24));
  EXPECT_EQ(head_->newest(), &session);
  ASSERT_TRUE(Until([&] { return body.status().has_value(); }));
  EXPECT_EQ(body.status(), ExitStatus{.code = 3});
  EXPECT_EQ(body.Log(), "");
}

TEST_F(HeadTest, ThePidHeldIsTheOneTheSupervisorStarted) {
  Body body(*loop_, RunsShell("name", "read line"));
  ASSERT_TRUE(Until([&] { return HasStarted("name"); }));
  EXPECT_EQ(Find("name")->program().pid(), body.pid());
  EXPECT_EQ(head_->RunningPrograms(false),
            absl::StrCat("name (pid ", body.pid(), ")"));
  body.process().Signal(SIGKILL);
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(State("name"), Ended("signal 9 (Killed)"));
  EXPECT_EQ(head_->RunningPrograms(false), "");
}

TEST_F(HeadTest, WhoWatchesStaysWhileTheSupervisorRestarts) {
  Body first(*loop_, RunsShell("name", "echo first; read line"));
  ASSERT_TRUE(Until([&] { return HasStarted("name"); }));
  Watcher watcher(*loop_);
  watcher.Join(*Find("name"));
  watcher.Type("\n");
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  Body second(*loop_, RunsShell("name", "echo second"));
  ASSERT_TRUE(
      Until([&] { return absl::StrContains(watcher.text(), "second"); }));
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_THAT(watcher.events(), ElementsAre(Ended("exit status 0"), "started",
                                            Ended("exit status 0")));
}

TEST_F(HeadTest, AProgramThatCannotBeExecutedSaysWhyToBothSides) {
  Body body(*loop_, Runs("name", {"/no/such/program"}));
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(State("name"),
            "could not be executed: execute /no/such/program: No such file or "
            "directory");
  ASSERT_TRUE(Until([&] { return body.status().has_value(); }));
  EXPECT_EQ(body.status(), ExitStatus{.code = kNotFound});
  EXPECT_THAT(body.Log(), HasSubstr("execute /no/such/program: No such file"));
}

// Only when it is shown is it made printable.
TEST_F(HeadTest, WhatABodySaysIsKeptAsItIs) {
  Pty pty = Value(OpenPty({}));
  Program other = Program::Fork(
      [&] {
        const auto connection = Connect(socket(), kDeadline);
        if (!connection.ok()) return 1;
        (void)SendWithFd(connection->get(), Registration("name"),
                         pty.controller.get());
        std::array<char, 100> room{};
        (void)ReadSome(connection->get(), room);
        (void)SendWithFd(connection->get(), Encode(ExecFailed{"\x1b[2J\n"}),
                         -1);
        return 0;
      },
      {.keep = {pty.controller.get()}});
  pty.controller.Reset();
  ASSERT_TRUE(Until([&] { return other.HasEnded(); }));
  EXPECT_EQ(other.Wait(), ExitStatus{.code = 0});
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(State("name"), "could not be executed: \x1b[2J\n");
}

TEST_F(HeadTest, AnEndThatIsToldHasToBeOne) {
  const Body body(*loop_, Runs("name", {"cat"}));
  ASSERT_TRUE(Until([&] { return HasStarted("name"); }));
  const auto told = [&](absl::string_view key, const std::string& value) {
    Guest guest(socket());
    guest.Send(Encode(
        Ask{.what = "ended",
            .fields = {{"session", "name"}, {std::string(key), value}}}));
    return guest.Said(*loop_);
  };
  for (const char* code : {"", "-1", "256", "x"}) {
    EXPECT_THAT(told("code", code), StartsWith("malformed: ")) << code;
  }
  for (const char* signal : {"-1", "65", "x"}) {
    EXPECT_THAT(told("signal", signal), StartsWith("malformed: ")) << signal;
  }
  EXPECT_EQ(told("code", "3"), "no-session: name: its program runs");
}

TEST_F(HeadTest, WhoAsksForOneSessionsEventsHearsOfNoOther) {
  const Body first(*loop_, Runs("first", {"cat"}));
  ASSERT_TRUE(Until([&] { return HasStarted("first"); }));
  Guest guest(socket());
  guest.Send(Encode(Ask{.what = "events", .fields = {{"session", "first"}}}) +
             Encode(Ask{.what = "head", .fields = {}}));
  (void)guest.Answer(*loop_);  // of head: it listens
  const Body second(*loop_, Runs("second", {"cat"}));
  ASSERT_TRUE(Until([&] { return HasStarted("second"); }));
  first.process().Signal(SIGKILL);
  std::optional<HeadMessage> answer;
  do {
    answer = guest.Answer(*loop_);
    ASSERT_TRUE(answer.has_value());
  } while (!std::holds_alternative<Item>(*answer));
  EXPECT_EQ(ValueOf(std::get<Item>(*answer).fields, "session"), "first");
}

TEST_F(HeadTest, ManyProgramsAtOnceAreAllServed) {
  constexpr int kMany = 50;
  std::vector<std::unique_ptr<Body>> bodies;
  for (int i = 0; i < kMany; ++i) {
    bodies.push_back(std::make_unique<Body>(
        *loop_, RunsShell(absl::StrCat("n", i), absl::StrCat("echo ", i))));
  }
  for (int i = 0; i < kMany; ++i) {
    const std::string name = absl::StrCat("n", i);
    ASSERT_TRUE(Until([&] { return HasEnded(name); })) << i;
    EXPECT_EQ(Shown(name), absl::StrCat(i, "\r\n"));
  }
}

TEST_F(HeadTest, AThousandRestartsLeaveTheDescriptorsAsTheyWere) {
  const auto run_once = [&](uint64_t count) {
    Body body(*loop_, Runs("name", {"true"}));
    return Until([&] {
      return HasEnded("name") && Find("name")->program().number() == count &&
             body.status().has_value();
    });
  };
  ASSERT_TRUE(run_once(1));
  ASSERT_TRUE(IsQuiet(*loop_));
  const size_t before = CountOpenFds();
  for (uint64_t i = 2; i <= 1000; ++i) ASSERT_TRUE(run_once(i)) << i;
  EXPECT_TRUE(Until([&] { return CountOpenFds() <= before; }));
  EXPECT_THAT(head_->sessions(), SizeIs(1));
}

TEST_F(HeadTest, OfSessionsWithoutAProgramTheLatestAreRemembered) {
  Body runs(*loop_, RunsShell("runs", "read line"));
  ASSERT_TRUE(Until([&] { return HasStarted("runs"); }));
  Body watched(*loop_, RunsShell("watched", "exit 0"));
  ASSERT_TRUE(Until([&] { return HasEnded("watched"); }));
  Watcher watcher(*loop_);
  watcher.Join(*Find("watched"));
  constexpr size_t kMore = kMostEnded + 6;
  for (size_t i = 0; i < kMore; ++i) {
    const std::string name = absl::StrCat("n", i);
    Body body(*loop_, Runs(name, {"true"}));
    ASSERT_TRUE(Until([&] { return HasEnded(name); }));
  }
  // And the one that runs, and the one that is watched.
  ASSERT_TRUE(
      Until([&] { return head_->sessions().size() <= kMostEnded + 2; }));
  EXPECT_NE(Find("runs"), nullptr);
  EXPECT_NE(Find("watched"), nullptr) << "somebody looks at it";
  EXPECT_EQ(Find("n0"), nullptr);
  EXPECT_NE(Find(absl::StrCat("n", kMore - 1)), nullptr);
}

// --- who may have a name

TEST_F(HeadTest, ANameHeldByALiveProgramIsRefused) {
  Body holder(*loop_, RunsShell("name", "read line"));
  ASSERT_TRUE(Until([&] { return HasStarted("name"); }));
  Body second(*loop_, RunsShell("name", "exit 0"));
  ASSERT_TRUE(Until([&] { return second.status().has_value(); }));
  EXPECT_EQ(second.status(), ExitStatus{.code = kSystemError});
  EXPECT_THAT(second.Log(),
              AllOf(HasSubstr(absl::StrCat("held by pid ", holder.pid())),
                    HasSubstr("--replace")));
  EXPECT_EQ(Find("name")->program().pid(), holder.pid());
}

TEST_F(HeadTest, ItIsTakenFromALiveProgramWithReplace) {
  Body holder(*loop_, RunsShell("name", "echo runs; read line"));
  ASSERT_TRUE(Until([&] {
    return HasStarted("name") && head_->sessions().at("name")->ring().end() > 0;
  }));
  BodyOptions options = RunsShell("name", "echo mine");
  options.replace = true;
  Body second(*loop_, options);
  ASSERT_TRUE(Until([&] { return holder.status().has_value(); }));
  EXPECT_EQ(holder.status(), ExitStatus{.signal = SIGHUP});
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(Shown("name"), "mine\r\n");
}

class OtherUserTest : public HeadTest {
 protected:
  static constexpr uid_t kOther = 12345;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    options_.rights.mode = 0666;
    Start();
  }
  // The path is relative, because the folders above may be root's alone.
  BodyOptions Relative(BodyOptions options) const {
    options.socket = "head.sock";
    return options;
  }
};

TEST_F(OtherUserTest, ANewNameBelongsToWhoRegisteredIt) {
  Body body(*loop_, Relative(RunsShell("name", "exit 0")), dir_.path().c_str(),
            kOther);
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(Find("name")->owner(), kOther);
}

TEST_F(OtherUserTest, ANameOfAnotherUserIsRefusedDeadOrAliveReplaceOrNot) {
  for (const char* script : {"read line", "exit 0"}) {
    const std::string name = script[0] == 'r' ? "alive" : "dead";
    Body holder(*loop_, RunsShell(name, script));
    ASSERT_TRUE(Until(
        [&] { return name == "alive" ? HasStarted(name) : HasEnded(name); }));
    for (const bool replace : {false, true}) {
      BodyOptions options = Relative(RunsShell(name, "exit 0"));
      options.replace = replace;
      Body thief(*loop_, options, dir_.path().c_str(), kOther);
      ASSERT_TRUE(Until([&] { return thief.status().has_value(); }));
      EXPECT_EQ(thief.status(), ExitStatus{.code = kSystemError});
      EXPECT_THAT(thief.Log(), HasSubstr("belongs to another user"));
    }
    EXPECT_EQ(Find(name)->program().number(), 1u);
  }
}

// --- refusals

class RefusalTest : public HeadTest {
 protected:
  // Head's answer to `bytes`, after which it closes the connection.
  std::string Said(absl::string_view bytes, int fd = -1) {
    Guest guest(socket());
    guest.Send(bytes, fd);
    const std::string said = guest.Said(*loop_);
    EXPECT_TRUE(guest.IsClosed(*loop_));
    return said;
  }

  Pty pty_ = Value(OpenPty({}));
};

TEST_F(RefusalTest, AnotherVersionIsToldOurs) {
  Register message{.name = "x", .rows = 0, .cols = 0, .term = "", .argv = {}};
  message.version = 7;
  EXPECT_THAT(Said(Encode(message), pty_.controller.get()),
              AllOf(StartsWith("version: "), HasSubstr("version 1"),
                    HasSubstr("not 7")));
}

TEST_F(RefusalTest, WhatIsNoMessageIsMalformed) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(1, '\0'),
        EncodePacket(kDeptyr, 99, ""), EncodePacket(kDeptyr, 1, "garbage"),
        EncodePacket(kDeptyr, 1, ""), Encode(Accepted{.name = "x"}),
        Encode(Refused{.code = "x", .text = "y"}), Encode(ExecFailed{"x"})}) {
    EXPECT_THAT(Said(bytes, pty_.controller.get()), StartsWith("malformed: "));
  }
}

TEST_F(RefusalTest, TwoRegistrationsAreOneTooMany) {
  Guest guest(socket());
  guest.Send(Registration("name"), pty_.controller.get());
  EXPECT_EQ(guest.Said(*loop_), "accepted name");
  guest.Send(Registration("other"), pty_.controller.get());
  EXPECT_THAT(guest.Said(*loop_), StartsWith("malformed: "));
  EXPECT_EQ(Find("other"), nullptr);
  EXPECT_TRUE(Find("name")->running()) << "the program is not to blame";
}

TEST_F(RefusalTest, WithoutADescriptorThereIsNoTerminal) {
  EXPECT_THAT(Said(Registration("name")),
              StartsWith("descriptor: no descriptor"));
}

TEST_F(RefusalTest, OneDescriptorIsEnough) {
  const int fd = pty_.controller.get();
  for (const size_t count : {2, 4, 5, 200}) {
    const size_t before = CountOpenFds();
    {
      Guest guest(socket());
      guest.SendWithFds(Registration("name"), std::vector<int>(count, fd));
      EXPECT_THAT(guest.Said(*loop_), StartsWith("descriptor: "));
      EXPECT_TRUE(guest.IsClosed(*loop_));
    }
    EXPECT_TRUE(Until([&] { return CountOpenFds() == before; })) << count;
  }
}

TEST_F(RefusalTest, DescriptorsInPiecesCountTogether) {
  const std::string message = Registration("name");
  Guest guest(socket());
  guest.Send(message.substr(0, 5), pty_.controller.get());
  guest.Send(message.substr(5), pty_.controller.get());
  EXPECT_THAT(guest.Said(*loop_), StartsWith("descriptor: "));
}

TEST_F(RefusalTest, TheDescriptorHasToBeAControllingEnd) {
  const Pipe pipe;
  const Fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd :
       {pty_.terminal.get(), pipe.read_end.get(), file.get(), null.get()}) {
    EXPECT_THAT(Said(Registration("name"), fd),
                HasSubstr("not a PTY's controlling end"));
  }
  EXPECT_THAT(head_->sessions(), IsEmpty());
}

TEST_F(RefusalTest, WithoutMemoryForItASessionIsRefused) {
  head_.reset();
  options_.history = size_t{1} << 60;
  Start();
  EXPECT_THAT(Said(Registration("name"), pty_.controller.get()),
              StartsWith("limit: "));
  EXPECT_THAT(head_->sessions(), IsEmpty());
}

// The lowest number that is free from now on is the last one there is.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t free_ones) {
    (void)::getrlimit(RLIMIT_NOFILE, &before_);
    // Numbers in use above the limit go on working.
    const Fd lowest(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(lowest.get()) + free_ones;
    (void)::setrlimit(RLIMIT_NOFILE, &now);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(RefusalTest, WithoutADescriptorForItTheTerminalIsRefused) {
  Guest guest(socket());
  guest.Send(Registration("name").substr(0, 1));
  ASSERT_TRUE(IsQuiet(*loop_));
  guest.Send(Registration("name").substr(1), pty_.controller.get());
  const DescriptorLimit limit(0);
  EXPECT_THAT(guest.Said(*loop_),
              StartsWith("limit: head has no descriptor left "));
}

TEST_F(RefusalTest, WithoutADescriptorForTheProcessItIsRefused) {
  Guest guest(socket());
  guest.Send(Registration("name").substr(0, 1));
  ASSERT_TRUE(IsQuiet(*loop_));
  guest.Send(Registration("name").substr(1), pty_.controller.get());
  const DescriptorLimit limit(1);
  EXPECT_THAT(guest.Said(*loop_), StartsWith("limit: "));
}

TEST_F(RefusalTest, AHeadThatEndsTakesNobodyNew) {
  Guest guest(socket());
  guest.Send(Registration("name").substr(0, 1));
  ASSERT_TRUE(IsQuiet(*loop_));
  head_->Stop("the test says so");
  guest.Send(Registration("name").substr(1), pty_.controller.get());
  EXPECT_THAT(guest.Said(*loop_), StartsWith("stopping: "));
}

// This is the one slow test: nobody holds a place for ever.
TEST_F(RefusalTest, WhoSaysNothingInTimeIsToldSo) {
  const std::string message = Registration("name");
  Guest silent(socket());
  Guest header(socket());
  header.Send(message.substr(0, 2));
  Guest half(socket());
  half.Send(message.substr(0, message.size() - 1), pty_.controller.get());
  Guest registered(socket());
  registered.Send(message, pty_.controller.get());
  EXPECT_EQ(registered.Said(*loop_), "accepted name");
  for (Guest* guest : {&silent, &header, &half}) {
    EXPECT_THAT(guest->Said(*loop_), StartsWith("timeout: "));
    EXPECT_TRUE(guest->IsClosed(*loop_));
  }
  // The time of the one that registered is over, too; its program runs on.
  EXPECT_TRUE(registered.IsClosed(*loop_));
  EXPECT_TRUE(Find("name")->running());
}

// --- how a registration arrives

TEST_F(RefusalTest, HowARegistrationIsCutIntoReadsDoesNotMatter) {
  const std::string message = Registration("name");
  // The descriptor may come beside any byte.
  for (const size_t beside :
       {size_t{0}, message.size() / 2, message.size() - 1}) {
    const Pty pty = Value(OpenPty({}));
    Guest guest(socket());
    for (size_t i = 0; i < message.size(); ++i) {
      guest.Send(message.substr(i, 1), i == beside ? pty.controller.get() : -1);
      bool turned = false;
      const Timer turn =
          loop_->After(absl::ZeroDuration(), [&] { turned = true; });
      while (!turned) ASSERT_THAT(loop_->RunOnce(), IsOk());
    }
    EXPECT_EQ(guest.Said(*loop_), "accepted name");
    // The program is this very process; it goes on, so take its place next.
    head_.reset();
    Start();
  }
}

TEST_F(RefusalTest, AFailureToExecuteMayComeInTheSameRead) {
  Guest guest(socket());
  guest.Send(absl::StrCat(Registration("name"), Encode(ExecFailed{"no"})),
             pty_.controller.get());
  EXPECT_EQ(guest.Said(*loop_), "accepted name");
  guest.Leave();
  ASSERT_TRUE(IsQuiet(*loop_));
  EXPECT_TRUE(Find("name")->running()) << "until the process ends";
}

// --- who goes away, and when

class GoneTest : public RefusalTest,
                 public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(, GoneTest,
                         testing::Values("AtOnce", "InTheHeader",
                                         "BeforeTheLastByte", "BeforeTheAnswer",
                                         "AfterTheAnswer", "AfterARefusal",
                                         "HalfClosed"),
                         [](const auto& when) { return when.param; });

// Guests that go away leave nothing behind.
TEST_P(GoneTest, LeavesNothing) {
  const std::string when = GetParam();
  const std::string message = Registration("name");
  const size_t before = CountOpenFds();
  for (int i = 0; i < 20; ++i) {
    Pty pty = Value(OpenPty({}));
    Guest guest(socket());
    if (when == "InTheHeader") {
      guest.Send(message.substr(0, 2), pty.controller.get());
    } else if (when == "BeforeTheLastByte") {
      guest.Send(message.substr(0, message.size() - 1), pty.controller.get());
    } else if (when == "HalfClosed") {
      guest.Send(message.substr(0, 10), pty.controller.get());
      guest.HalfClose();
    } else if (when == "BeforeTheAnswer") {
      guest.Send(message, pty.controller.get());
    } else if (when == "AfterARefusal") {
      guest.Send(message, pty.terminal.get());
      EXPECT_NE(guest.Said(*loop_), "");
    } else if (when == "AfterTheAnswer") {
      // The process ends after the answer, as the program of a body would.
      Program body = Program::Fork(
          [&] {
            Guest inner(socket());
            inner.Send(message, pty.controller.get());
            const auto loop = Value(EventLoop::Create());
            return inner.Said(*loop) == "accepted name" ? 0 : 1;
          },
          {.keep = {pty.controller.get()}});
      pty.controller.Reset();
      ASSERT_TRUE(Until([&] { return body.HasEnded(); }));
      EXPECT_EQ(body.Wait(), ExitStatus{.code = 0});
      ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
    }
    if (i % 2 == 0) {
      const Timer at_once = loop_->After(absl::ZeroDuration(), [] {});
      ASSERT_THAT(loop_->RunOnce(), IsOk());
    }
    guest.Leave();
  }
  // The session is remembered in a memfd.
  const size_t kept = when == "AfterTheAnswer" ? 1 : 0;
  EXPECT_TRUE(Until([&] { return CountOpenFds() == before + kept; }))
      << CountOpenFds() - before << " more";
  if (when != "AfterTheAnswer") {
    EXPECT_THAT(head_->sessions(), IsEmpty());
  }
  // And nobody is disturbed.
  Body body(*loop_, RunsShell("other", "echo hello"));
  ASSERT_TRUE(Until([&] { return HasEnded("other"); }));
  EXPECT_EQ(Shown("other"), "hello\r\n");
}

TEST_F(RefusalTest, AFloodOfGuestsDisturbsNobody) {
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < 200; ++i) {
    guests.push_back(std::make_unique<Guest>(socket()));
    if (i % 2 == 0) guests.back()->Send("garbage");
  }
  Body body(*loop_, RunsShell("name", "echo hello"));
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_EQ(Shown("name"), "hello\r\n");
}

// --- out of descriptors

TEST_F(RefusalTest, WhoFindsNoDescriptorLeftWaitsAndNothingSpins) {
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < 3; ++i) {
    guests.push_back(std::make_unique<Guest>(socket()));
    guests.back()->Send("garbage");
  }
  {
    const DescriptorLimit none(0);
    EXPECT_TRUE(IsQuiet(*loop_));
  }
  for (const auto& guest : guests) {
    EXPECT_THAT(guest->Said(*loop_), StartsWith("malformed: "));
  }
}

// --- the socket

TEST_F(HeadTest, ASecondHeadIsRefused) {
  EXPECT_THAT(
      Head::Create(*loop_, options_),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("already served")));
  Body body(*loop_, RunsShell("name", "exit 0"));
  EXPECT_TRUE(Until([&] { return HasEnded("name"); }));
}

TEST_F(HeadTest, TheSocketGoesWithIt) {
  EXPECT_TRUE(std::filesystem::exists(socket()));
  head_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(HeadTest, ALostSocketFileCanBeRestored) {
  std::filesystem::remove(socket());
  EXPECT_THAT(Connect(socket(), absl::Seconds(1)), Not(IsOk()));
  head_->RestoreSocket();
  Body body(*loop_, RunsShell("name", "exit 0"));
  EXPECT_TRUE(Until([&] { return HasEnded("name"); }));
}

TEST_F(HeadTest, ASocketThatIsThereIsNotRestored) {
  struct stat before {};
  struct stat after {};
  ASSERT_EQ(::stat(socket().c_str(), &before), 0);
  const Guest waiting(socket());
  head_->RestoreSocket();
  ASSERT_EQ(::stat(socket().c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
}

// The head that took the path meanwhile keeps it.
TEST_F(HeadTest, ASocketOfAnotherHeadIsNotTakenBack) {
  std::filesystem::remove(socket());
  const std::unique_ptr<Head> second = Value(Head::Create(*loop_, options_));
  head_->RestoreSocket();
  head_.reset();
  Body body(*loop_, RunsShell("name", "exit 0"));
  ASSERT_TRUE(Until([&] { return !second->sessions().empty(); }));
}

TEST_F(HeadTest, AnInheritedSocketIsServedAndItsFileStays) {
  const std::string path = dir_ / "inherited";
  const ListeningSocket socket = Value(Listen(path, {}));
  Program child = Program::Fork(
      [&] {
        (void)::setenv("LISTEN_PID", absl::StrCat(::getpid()).c_str(), 1);
        const auto loop = Value(EventLoop::Create());
        HeadOptions options;
        options.socket = path;
        {
          const auto head = Value(Head::Create(*loop, options));
          Guest guest(path);
          guest.Send("garbage");
          if (guest.Said(*loop).empty()) return 1;
        }
        return std::filesystem::exists(path) ? 0 : 2;
      },
      {.fds = {{socket.fd(), 3}}, .env = {"LISTEN_FDS=1"}});
  EXPECT_EQ(child.Wait(), ExitStatus{.code = 0});
}

// --- supervisors are told

TEST_F(HeadTest, ReadinessAndStatusAreTold) {
  head_.reset();
  const std::string address = dir_ / "notify";
  const Fd notify(
      ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, address.data(), address.size());
  ASSERT_EQ(
      ::bind(notify.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  std::string told;
  const Watch watch = loop_->Add(notify.get(), Interest::kRead, [&](Ready) {
    std::array<char, 1000> room{};
    const ssize_t count = ::recv(notify.get(), room.data(), room.size(), 0);
    if (count > 0) {
      absl::StrAppend(
          &told, absl::string_view(room.data(), static_cast<size_t>(count)),
          "\n");
    }
  });
  (void)::setenv("NOTIFY_SOCKET", address.c_str(), 1);
  const absl::Cleanup clean = [] { (void)::unsetenv("NOTIFY_SOCKET"); };
  Pipe ready;
  options_.ready_fd = ready.write_end.Release();
  Start();
  OutputReader output(ready.read_end.get());
  EXPECT_TRUE(output.UntilEnd());
  EXPECT_EQ(output.text(), "\n");
  const auto until_told = [&](absl::string_view what) {
    return Until([&] { return absl::StrContains(told, what); });
  };
  EXPECT_TRUE(until_told("READY=1\n"));
  EXPECT_TRUE(until_told("STATUS=0 programs run"));
  Body body(*loop_, RunsShell("name", "read line"));
  EXPECT_TRUE(until_told("STATUS=1 programs run"));
  head_->Stop("the test says so");
  EXPECT_TRUE(until_told("STOPPING=1\n"));
}

// --- its end

TEST_F(HeadTest, StoppedItIsFinishedWithTheSocketGone) {
  Body body(*loop_, RunsShell("name", "echo runs; read line"));
  ASSERT_TRUE(Until([&] {
    return HasStarted("name") && head_->sessions().at("name")->ring().end() > 0;
  }));
  EXPECT_FALSE(head_->finished());
  head_->Stop("the test says so");
  EXPECT_TRUE(Until([&] { return head_->finished(); }));
  EXPECT_FALSE(std::filesystem::exists(socket()));
  head_.reset();
  ASSERT_TRUE(Until([&] { return body.status().has_value(); }));
  EXPECT_EQ(body.status(), ExitStatus{.signal = SIGHUP});
}

TEST_F(HeadTest, WithNothingToDoItSleeps) {
  Body body(*loop_, RunsShell("name", "echo hello; read line"));
  ASSERT_TRUE(Until([&] { return Shown("name") == "hello\r\n"; }));
  ASSERT_TRUE(IsQuiet(*loop_));
  body.process().Signal(SIGKILL);
  ASSERT_TRUE(Until([&] { return HasEnded("name"); }));
  EXPECT_TRUE(IsQuiet(*loop_));
}

}  // namespace
}  // namespace deptyr
