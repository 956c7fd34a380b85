// Tests who may do what, as other users at the sockets of a real head.

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/frames.h"
#include "tests/support/kernel.h"
#include "tests/support/other_user.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr uid_t kOwner = 12345;
constexpr uid_t kStranger = 12346;
constexpr uid_t kMember = 12347;
constexpr gid_t kGroup = 23456;
constexpr uid_t kNobody = 65534;

struct Said {
  std::optional<ExitStatus> status;
  std::string out;
  std::string err;
};

// A connection to the head socket.
class Guest {
 public:
  Guest(const std::string& path, const User& user)
      : fd_(ConnectAs(path, user)) {}

  void Say(const HeadMessage& message) {
    const std::string bytes = Encode(message);
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Returns the next message; nothing at the end.
  std::optional<HeadMessage> Hear() {
    for (;;) {
      absl::string_view rest = inbox_;
      auto message = Value(TakeMessage(rest));
      inbox_.erase(0, inbox_.size() - rest.size());
      if (message) return message;
      if (WaitForEvents(fd_.get(), POLLIN) == 0) return std::nullopt;
      std::array<char, 4096> room;
      const ssize_t count = ::read(fd_.get(), room.data(), room.size());
      if (count <= 0) return std::nullopt;
      inbox_.append(room.data(), static_cast<size_t>(count));
    }
  }
  // Returns "CODE: TEXT" if a refusal is next.
  std::string Refusal() {
    const auto message = Hear();
    const auto* refused = message ? std::get_if<Refused>(&*message) : nullptr;
    return refused == nullptr
               ? ""
               : absl::StrCat(refused->code, ": ", refused->text);
  }
  std::optional<Attached> Attach(const std::string& session,
                                 WindowSize size = {0, 0}) {
    Say(deptyr::Attach{.session = session,
                       .rows = size.rows,
                       .cols = size.cols,
                       .from = From::kNow});
    const auto message = Hear();
    const auto* attached = message ? std::get_if<Attached>(&*message) : nullptr;
    if (attached == nullptr) return std::nullopt;
    return *attached;
  }
  // Waits until head has taken everything that was said.
  bool SaidAll() {
    (void)::shutdown(fd_.get(), SHUT_WR);
    while (const auto message = Hear()) {
      if (std::holds_alternative<Done>(*message)) return true;
    }
    return false;
  }

 private:
  Fd fd_;
  std::string inbox_;
};

class RightsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
    // Other users can reach it here.
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
    std::filesystem::copy(Deptyr(), folder_ / "deptyr");
  }
  void StartHead(std::vector<std::string> options,
                 HeadProcessOptions more = {}) {
    options.insert(options.begin(), "--mode=0666");
    more.socket = folder_ / "head.sock";
    head_.emplace(options, std::move(more));
    ASSERT_TRUE(head_->ready()) << head_->log().text();
  }
  HeadProcess& head() { return *head_; }
  // Starts the owner's program, which writes what it reads.
  void StartBody(const std::string& name = "a") {
    bodies_.push_back(std::make_unique<LogFile>());
    programs_.push_back(std::make_unique<Program>(Program::Start(
        {folder_ / "deptyr", "body", "--name", name, head().socket(), "--",
         "sh", "-c", "stty -echo; echo ready; exec cat"},
        {.fds = {{bodies_.back()->fd(), 1}, {bodies_.back()->fd(), 2}},
         .prepare = Become<kOwner>})));
    ASSERT_TRUE(TextUntil([&] { return Screen(name); }, HasSubstr("ready")))
        << bodies_.back()->text();
  }
  Said Run(void (*become)(), std::vector<std::string> words) {
    const LogFile out;
    const LogFile err;
    words.insert(words.begin(), folder_ / "deptyr");
    Program program = Program::Start(
        words, {.fds = {{out.fd(), 1}, {err.fd(), 2}},
                .env = {absl::StrCat("DEPTYR_SOCKET=", head().socket())},
                .prepare = become});
    const auto status = program.Wait();
    return {status, out.text(), err.text()};
  }
  static void AsRoot() {}
  std::string Screen(const std::string& name = "a") {
    return Run(AsRoot, {"snapshot", name}).out;
  }
  std::string Status(const std::string& name = "a") {
    return Run(AsRoot, {"status", "--json", name}).out;
  }
  std::string HeadStatus() {
    return Run(AsRoot, {"status", "--head", "--json"}).out;
  }
  // This comes after anything that others typed.
  testing::AssertionResult OwnerTypes(const std::string& text) {
    const Said said = Run(Become<kOwner>, {"send", "--enter", "a", text});
    if (said.status != ExitStatus{}) {
      return testing::AssertionFailure() << said.err;
    }
    return TextUntil([&] { return Screen(); }, HasSubstr(text));
  }

  TempDir folder_;
  std::optional<HeadProcess> head_;
  std::vector<std::unique_ptr<LogFile>> bodies_;
  std::vector<std::unique_ptr<Program>> programs_;
};

constexpr char kMayNotSee[] =
    "head refused: uid 12346 may not see a, a session of uid 12345; ask as "
    "that user or root, or have head started with --allow uid:12346=see@a\n";

TEST_F(RightsTest, ByDefaultNobodyElseMayAnything) {
  StartHead({});
  StartBody();
  EXPECT_EQ(Run(Become<kStranger>, {"ls", "--names"}).out, "");
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"attach", "a"},
                                             {"status", "a"},
                                             {"snapshot", "a"},
                                             {"history", "a"},
                                             {"events", "a"},
                                             {"send", "a", "x"},
                                             {"wait", "--exit", "a"}}) {
    const Said said = Run(Become<kStranger>, verb);
    EXPECT_EQ(said.status, ExitStatus{.code = 111}) << verb[0];
    EXPECT_EQ(said.err, absl::StrCat("deptyr ", verb[0], ": ", kMayNotSee));
    EXPECT_EQ(said.out, "");
  }
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{
           {"kick", "a"}, {"forget", "a"}, {"ended", "a", "0", "0"}}) {
    const Said said = Run(Become<kStranger>, verb);
    EXPECT_EQ(said.status, ExitStatus{.code = 111}) << verb[0];
    EXPECT_THAT(said.err, HasSubstr("uid 12346 may not administer a"));
  }
  EXPECT_THAT(Run(Become<kStranger>, {"signal", "a", "TERM"}).err,
              HasSubstr("uid 12346 may not signal a"));
  EXPECT_THAT(Run(Become<kStranger>, {"resize", "a", "30x90"}).err,
              HasSubstr("uid 12346 may not resize a"));
  const Said upgrade = Run(Become<kStranger>, {"upgrade"});
  EXPECT_EQ(upgrade.status, ExitStatus{.code = 111});
  EXPECT_THAT(upgrade.err, HasSubstr("only root and head's own user, uid 0"));
  // There is no newest session that they may see.
  EXPECT_THAT(Run(Become<kStranger>, {"status"}).err,
              HasSubstr("there is no session"));
}

TEST_F(RightsTest, TheOwnerMayAll) {
  StartHead({});
  StartBody();
  EXPECT_EQ(Run(Become<kOwner>, {"ls", "--names"}).out, "a\n");
  Guest guest(head().socket(), {kOwner});
  const auto attached = guest.Attach("a", {30, 90});
  ASSERT_TRUE(attached);
  EXPECT_EQ(attached->rights, Rights::All());
  EXPECT_TRUE(OwnerTypes("of mine"));
  EXPECT_THAT(Status(), HasSubstr("\"rows\": 30"));
  EXPECT_EQ(Run(Become<kOwner>, {"kick", "a"}).status, ExitStatus{});
}

// Terminals belong to their owners, even if head runs as somebody who isn't
// root.
TEST_F(RightsTest, HeadsOwnUserMayUpgradeAndNoMore) {
  StartHead({},
            {.wrapper = {"setpriv", "--reuid", absl::StrCat(kMember), "--regid",
                         absl::StrCat(kMember), "--clear-groups", "--"}});
  StartBody();
  EXPECT_EQ(Run(Become<kMember>, {"ls", "--names"}).out, "");
  EXPECT_THAT(Run(Become<kMember>, {"snapshot", "a"}).err,
              HasSubstr("uid 12347 may not see a"));
  EXPECT_EQ(Run(Become<kMember>, {"upgrade"}).status, ExitStatus{});
}

TEST_F(RightsTest, WithoutANameItIsTheNewestOfTheirOwn) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=see@a1")});
  for (const std::string name : {"a2", "a1", "b"}) StartBody(name);
  Guest guest(head().socket(), {kStranger});
  guest.Say(Attach{.session = "", .from = From::kNow});
  EXPECT_THAT(guest.Refusal(),
              StartsWith("no-session: no session is your own"));
  Guest owner(head().socket(), {kOwner});
  const auto newest = owner.Attach("");
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->session, "b");
}

TEST_F(RightsTest, WhoMaySeeIsReadOnlyOnHeadsSide) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=see")});
  StartBody();
  EXPECT_EQ(Run(Become<kStranger>, {"ls", "--names"}).out, "a\n");
  EXPECT_THAT(Run(Become<kStranger>, {"snapshot", "a"}).out,
              HasSubstr("ready"));
  const Said resize = Run(Become<kStranger>, {"resize", "a", "30x90"});
  EXPECT_EQ(resize.status, ExitStatus{.code = 111});
  EXPECT_THAT(resize.err, HasSubstr("uid 12346 may not resize a"));
  Guest guest(head().socket(), {kStranger});
  const auto attached = guest.Attach("a", {30, 90});
  ASSERT_TRUE(attached);
  EXPECT_EQ(Spell(attached->rights), "see");
  guest.Say(Keys{"smuggled\n"});
  guest.Say(Resize{.rows = 31, .cols = 91});
  // Bytes and sizes are dropped and counted.
  EXPECT_TRUE(TextUntil(
      [&] { return Status(); },
      AllOf(HasSubstr("\"dropped\": 10"), HasSubstr("\"read_only\": true"),
            HasSubstr("\"rows\": 24"))));
  ASSERT_TRUE(OwnerTypes("of mine"));
  EXPECT_THAT(Screen(), Not(HasSubstr("smuggled")));

  const Said sent = Run(Become<kStranger>, {"send", "a", "x"});
  EXPECT_EQ(sent.status, ExitStatus{.code = 111});
  EXPECT_EQ(sent.err,
            "deptyr send: nothing was typed: you may see a, but not type into "
            "it; ask its owner or root, or start head with --allow\n");
  const Said kicked = Run(Become<kStranger>, {"kick", "a"});
  EXPECT_THAT(kicked.err, HasSubstr("may not administer a"));
  Guest alone(head().socket(), {kStranger});
  alone.Say(Attach{.session = "a", .from = From::kNow, .kick = true});
  EXPECT_THAT(alone.Refusal(), StartsWith("not-permitted: "));
}

TEST_F(RightsTest, OnATerminalItIsSaidThatOneMayOnlyLook) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=see")});
  StartBody();
  const Tmux tmux(
      absl::StrCat("setpriv --reuid ", kStranger, " --regid ", kStranger,
                   " --clear-groups -- ", Quote(folder_ / "deptyr"), " attach ",
                   Quote(head().socket()), " a"),
      {24, 80});
  EXPECT_TRUE(tmux.Until(AllOf(
      HasSubstr("ready"),
      HasSubstr(
          "[deptyr: a is read-only for you, what you type is dropped]"))));
}

TEST_F(RightsTest, AGroupMayTypeIntoOneSession) {
  StartHead({absl::StrCat("--allow=gid:", kGroup, "=type@a")});
  StartBody("a");
  StartBody("b");
  EXPECT_EQ(Run(Become<kMember, kGroup>, {"ls", "--names"}).out, "a\n");
  EXPECT_EQ(Run(Become<kMember>, {"ls", "--names"}).out, "");
  EXPECT_EQ(
      Run(Become<kMember, kGroup>, {"send", "--enter", "a", "hello"}).status,
      ExitStatus{});
  EXPECT_TRUE(TextUntil([&] { return Screen("a"); }, HasSubstr("hello")));
  EXPECT_EQ(Run(Become<kMember, kGroup>, {"send", "b", "x"}).status,
            ExitStatus{.code = 111});
  // Their keys are dropped, but their size isn't.
  Guest guest(head().socket(), {kMember, {kGroup}});
  const auto attached = guest.Attach("a", {30, 90});
  ASSERT_TRUE(attached);
  EXPECT_EQ(Spell(attached->rights), "see,type");
  guest.Say(Keys{"typed\n"});
  ASSERT_TRUE(guest.SaidAll());
  EXPECT_TRUE(TextUntil([&] { return Screen("a"); }, HasSubstr("typed")));
  EXPECT_THAT(Status("a"), HasSubstr("\"rows\": 24"));
}

TEST_F(RightsTest, ToResizeIsARightOfItsOwn) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=resize")});
  StartBody();
  Guest guest(head().socket(), {kStranger});
  ASSERT_TRUE(guest.Attach("a", {30, 90}));
  guest.Say(Keys{"x\n"});
  EXPECT_TRUE(
      TextUntil([&] { return Status(); },
                AllOf(HasSubstr("\"rows\": 30"), HasSubstr("\"dropped\": 2"))));
}

TEST_F(RightsTest, WhoAdministersSeesNothing) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=administer")});
  StartBody();
  Guest victim(head().socket(), {kOwner});
  ASSERT_TRUE(victim.Attach("a"));
  EXPECT_EQ(Run(Become<kStranger>, {"ls", "--names"}).out, "");
  EXPECT_EQ(Run(Become<kStranger>, {"kick", "a"}).status, ExitStatus{});
  EXPECT_THAT(victim.Refusal(), StartsWith("kicked: "));
  EXPECT_EQ(Run(Become<kStranger>, {"upgrade"}).status, ExitStatus{});
}

TEST_F(RightsTest, EventsAreOfSessionsThatOneMaySee) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=see@b")});
  Guest guest(head().socket(), {kStranger});
  guest.Say(Ask{.what = "events", .fields = {{"session", ""}}});
  StartBody("a");
  StartBody("b");
  const auto message = guest.Hear();
  ASSERT_TRUE(message);
  EXPECT_EQ(ValueOf(std::get<Item>(*message).fields, "session"), "b");
}

// For such a head, all users except root are the kernel's 65534, the user
// nobody.
TEST_F(RightsTest, WhoHasNoNumberInHeadsNamespaceIsNotNobody) {
  if (Program::Start({"unshare", "--map-root-user", "true"}).Wait() !=
      ExitStatus{}) {
    GTEST_SKIP() << "no user namespaces here";
  }
  StartHead({"--allow=uid:65534=all", "--allow=any=see@b"},
            {.wrapper = {"unshare", "--map-root-user", "--"}});
  std::vector<std::unique_ptr<BodyProcess>> programs;
  for (const char* name : {"a", "b"}) {
    programs.push_back(std::make_unique<BodyProcess>(
        head().socket(), std::vector<std::string>{"--name", name},
        std::vector<std::string>{"cat"}));
    ASSERT_TRUE(head().log().Until(HasSubstr(absl::StrCat("session=", name))));
  }
  for (void (*become)() : {Become<kStranger>, Become<kNobody>}) {
    EXPECT_EQ(Run(become, {"ls", "--names"}).out, "b\n");
    const Said seen = Run(become, {"snapshot", "a"});
    EXPECT_EQ(seen.status, ExitStatus{.code = 111});
    EXPECT_THAT(seen.err, HasSubstr("a user unknown here may not see a"));
    // Otherwise one of them could take another's session.
    const Said body =
        Run(become, {"body", "--name=c", head().socket(), "--", "true"});
    EXPECT_EQ(body.status, ExitStatus{.code = 111});
    EXPECT_THAT(body.err, HasSubstr("has no number in head's user namespace"));
  }
  EXPECT_EQ(Run(AsRoot, {"ls", "--names"}).out, "a\nb\n");
}

TEST_F(RightsTest, WhatIsRefusedIsCountedAndLoggedOnce) {
  StartHead({});
  StartBody();
  constexpr int kTimes = 50;
  for (int i = 0; i < kTimes; ++i) {
    Guest guest(head().socket(), {kStranger});
    guest.Say(Attach{.session = "a"});
    EXPECT_THAT(guest.Refusal(), StartsWith("not-permitted: uid 12346 "));
  }
  Guest asker(head().socket(), {kStranger});
  for (int i = 0; i < kTimes; ++i) {
    asker.Say(Ask{.what = "snapshot", .fields = {{"session", "a"}}});
    EXPECT_THAT(asker.Refusal(), StartsWith("not-permitted: uid 12346 "));
  }
  EXPECT_THAT(HeadStatus(), AllOf(HasSubstr("\"refused\": 100"),
                                  HasSubstr("\"refused_not_permitted\": 100")));
  const auto lines = head().log().lines();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return absl::StrContains(line, "refused");
                          }),
            1)
      << head().log().text();
}

// --- listeners

// Before Linux 6.5, a process that connects, hands the connection on and ends
// leaves its pid to somebody else's process.
class TakenPidTest : public RightsTest {
 protected:
  // Attacks as process 1 of a PID namespace, where it can choose the next pid.
  int AttackInside() const {
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("proc", "/proc", "proc", 0, nullptr) != 0) {
      return kNoNamespace;
    }
    HeadProcess head({"--mode=0666"}, {.socket = folder_ / "head.sock",
                                       .how = {.prepare = PretendOldKernel}});
    Pipe go;
    Pipe answer;
    Program attacker = Program::Fork(
        [&] {
          Become<kOwner>();
          const Fd connection = Value(Connect(head.socket(), kDeadline));
          if (::fork() == 0) {
            ::_exit(Register(connection.get(), go.read_end.get(),
                             answer.write_end.get()));
          }
          return 0;
        },
        {.keep = {go.read_end.get(), answer.write_end.get()}});
    const pid_t pid = attacker.pid();
    (void)attacker.Wait();
    WriteFile("/proc/sys/kernel/ns_last_pid", absl::StrCat(pid - 1));
    const Program victim = Program::Start({"sleep", "1000"});
    if (victim.pid() != pid) return kAnotherPid;
    go.write_end.Reset();
    answer.write_end.Reset();
    OutputReader reader(answer.read_end.get());
    if (!reader.UntilEnd()) return kNoAnswer;
    return absl::StrContains(reader.text(), "not-permitted") &&
                   absl::StrContains(reader.text(), "register itself")
               ? 0
               : kAccepted;
  }
  enum { kNoNamespace = 1, kAnotherPid, kNoAnswer, kAccepted };

 private:
  // The rest of the attacker registers a terminal.
  static int Register(int connection, int go, int answer) {
    char byte = 0;
    (void)!::read(go, &byte, 1);
    const Pty pty = Value(OpenPty({24, 80}));
    SendWithFds(connection,
                Encode(deptyr::Register{.name = "evil",
                                        .rows = 24,
                                        .cols = 80,
                                        .term = "xterm",
                                        .argv = {"evil"}}),
                {pty.controller.get()});
    std::array<char, 4096> room;
    const ssize_t count = ::read(connection, room.data(), room.size());
    return count > 0 &&
                   ::write(answer, room.data(), static_cast<size_t>(count)) > 0
               ? 0
               : 1;
  }
};

TEST_F(TakenPidTest, IsRefusedOnOldKernels) {
  const LogFile said;
  Program outside = Program::Fork(
      [&] {
        if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
          return int{kNoNamespace};
        // Its parent has no pid there, so Program can't be it.
        const pid_t first = ::fork();
        if (first == 0) {
          (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
          ::_exit(AttackInside());
        }
        int status = 0;
        if (::waitpid(first, &status, 0) != first || !WIFEXITED(status)) {
          return int{kNoAnswer};
        }
        return WEXITSTATUS(status);
      },
      {.fds = {{said.fd(), 1}, {said.fd(), 2}}});
  EXPECT_EQ(outside.Wait(), ExitStatus{}) << said.text();
}

class ListenerRightsTest : public RightsTest {
 protected:
  std::string socket() const { return folder_ / "client"; }
  // It names the session, because that is another user's.
  std::string address() const { return socket() + "=a"; }
  // A client that connects as that user.
  class Client {
   public:
    Client(const std::string& path, const User& user)
        : fd_(ConnectAs(path, user)), output_(fd_.get()) {}
    void Send(absl::string_view bytes) const {
      EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(bytes.size()));
    }
    OutputReader& output() { return output_; }

   private:
    Fd fd_;
    OutputReader output_;
  };
};

TEST_F(ListenerRightsTest, WithoutRulesItsFileSaysWhoMay) {
  StartHead({"--raw", address()});
  StartBody();
  struct stat file {};
  ASSERT_EQ(::stat(socket().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0600U);
  // The file's rights let somebody in.
  ASSERT_EQ(::chmod(socket().c_str(), 0666), 0);
  Client client(socket(), {kStranger});
  client.Send("typed\n");
  EXPECT_TRUE(client.output().Until(HasSubstr("typed")));
}

TEST_F(ListenerRightsTest, RulesSayWhoMayConnect) {
  StartHead({absl::StrCat("--listener-allow=uid:", kMember, "=see"), "--raw",
             address()});
  StartBody();
  struct stat file {};
  ASSERT_EQ(::stat(socket().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777U, 0666U);
  Client stranger(socket(), {kStranger});
  EXPECT_TRUE(stranger.output().UntilEnd());
  EXPECT_EQ(stranger.output().text(), "");
  EXPECT_TRUE(head().log().Until(
      HasSubstr("uid=12346: not-permitted: a raw client may not see a; "
                "--listener-allow says who may")));
  EXPECT_THAT(HeadStatus(), HasSubstr("\"refused_not_permitted\": 1"));
  Client member(socket(), {kMember});
  EXPECT_TRUE(member.output().Until(HasSubstr("ready")));
  Client owner(socket(), {kOwner});
  owner.Send("of the owner\n");
  EXPECT_TRUE(owner.output().Until(HasSubstr("of the owner")));
}

TEST_F(ListenerRightsTest, WhatWasNotAllowedIsDroppedAndCounted) {
  StartHead({absl::StrCat("--listener-allow=uid:", kMember, "=see"), "--uwsgi",
             address()});
  StartBody();
  Client member(socket(), {kMember});
  ASSERT_TRUE(member.output().Until(HasSubstr("ready")));
  member.Send(absl::StrCat(KeysFrame("smuggled\n"), SignalFrame(9),
                           SizeFrames(31, 91)));
  // Keys, a signal, rows and columns are dropped and counted.
  EXPECT_TRUE(TextUntil(
      [&] { return Status(); },
      AllOf(HasSubstr("\"dropped\": 12"), HasSubstr("\"read_only\": true"),
            HasSubstr("\"rows\": 24"))));
  ASSERT_TRUE(OwnerTypes("of mine"));
  EXPECT_THAT(Screen(), Not(HasSubstr("smuggled")));
}

TEST_F(ListenerRightsTest, AGroupMayTypeAndOthersLook) {
  StartHead({absl::StrCat("--listener-allow=gid:", kGroup, "=type"),
             "--listener-allow=any=see", "--raw", address()});
  StartBody();
  Client stranger(socket(), {kStranger});
  ASSERT_TRUE(stranger.output().Until(HasSubstr("ready")));
  stranger.Send("smuggled\n");
  EXPECT_TRUE(TextUntil([&] { return Status(); }, HasSubstr("\"dropped\": 9")));
  Client member(socket(), {kMember, {kGroup}});
  member.Send("typed\n");
  EXPECT_TRUE(stranger.output().Until(HasSubstr("typed")));
  EXPECT_THAT(stranger.output().text(), Not(HasSubstr("smuggled")));
}

TEST_F(ListenerRightsTest, ASignalIsARightOfItsOwn) {
  StartHead({absl::StrCat("--listener-allow=uid:", kMember, "=signal"),
             absl::StrCat("--listener-allow=uid:", kStranger, "=type"),
             "--uwsgi", address()});
  StartBody();
  Client stranger(socket(), {kStranger});
  stranger.Send(SignalFrame(9));
  EXPECT_TRUE(TextUntil([&] { return Status(); }, HasSubstr("\"dropped\": 1")));
  EXPECT_FALSE(programs_[0]->HasEnded());
  Client member(socket(), {kMember});
  member.Send(SignalFrame(9));
  EXPECT_EQ(programs_[0]->Wait(), ExitStatus{.signal = 9});
}

// Head may send what the session's owner may not.
TEST_F(ListenerRightsTest, ASignalToASetUserIdProgramIsRootsAlone) {
  const std::string program = folder_ / "privileged";
  std::filesystem::copy(Actor(), program);
  ASSERT_EQ(::chown(program.c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(program.c_str(), 04755), 0);
  StartHead({absl::StrCat("--listener-allow=uid:", kMember, "=signal,type"),
             "--uwsgi", address()});
  programs_.push_back(std::make_unique<Program>(
      Program::Start({folder_ / "deptyr", "body", "--name=a", head().socket(),
                      "--", program, "privileged"},
                     {.prepare = Become<kOwner>})));
  for (const uid_t uid : {kOwner, kMember}) {
    Client client(socket(), {uid});
    ASSERT_TRUE(client.output().Until(HasSubstr("uid 0")));
    client.Send(absl::StrCat(SignalFrame(9), SignalFrame(10),
                             KeysFrame(absl::StrCat(uid, " lives\n"))));
    ASSERT_TRUE(client.output().Until(
        HasSubstr(absl::StrCat(uid, " lives\r\n", uid, " lives\r\n"))));
    EXPECT_THAT(client.output().text(), Not(HasSubstr("signal 10")));
    // ^C would do the same.
    client.Send(SignalFrame(2));
    EXPECT_TRUE(client.output().Until(HasSubstr("signal 2")));
  }
  EXPECT_FALSE(programs_[0]->HasEnded());
  Client root(socket(), {0});
  root.Send(SignalFrame(9));
  EXPECT_EQ(programs_[0]->Wait(), ExitStatus{.signal = 9});
}

TEST_F(ListenerRightsTest, OverTcpNobodyIsKnown) {
  StartHead({absl::StrCat("--listener-allow=uid:0=all"), "--raw",
             "tcp:127.0.0.1:0=a"});
  StartBody();
  const std::string log = head().log().text();
  const size_t at = log.find("tcp:127.0.0.1:");
  Connection client =
      Connection::To(log.substr(at, log.find_first_of(", \n", at) - at));
  EXPECT_TRUE(client.output().UntilEnd());
  EXPECT_EQ(client.output().text(), "");
  EXPECT_TRUE(head().log().Until(
      HasSubstr("refused a client over TCP: not-permitted: ")));
}

TEST_F(ListenerRightsTest, OverTcpAnybodyMayBeAllowed) {
  StartHead({"--listener-allow=any=see", "--raw", "tcp:127.0.0.1:0=a"});
  StartBody();
  const std::string log = head().log().text();
  const size_t at = log.find("tcp:127.0.0.1:");
  Connection client =
      Connection::To(log.substr(at, log.find_first_of(", \n", at) - at));
  EXPECT_TRUE(client.output().Until(HasSubstr("ready")));
  client.Send("smuggled\n");
  EXPECT_TRUE(TextUntil([&] { return Status(); }, HasSubstr("\"dropped\": 9")));
}

TEST_F(ListenerRightsTest, AClientDirHasThemToo) {
  const std::string dir = folder_ / "clients";
  std::filesystem::create_directory(dir);
  std::filesystem::permissions(dir, std::filesystem::perms(0755));
  StartHead({absl::StrCat("--listener-allow=uid:", kMember, "=see@a"),
             "--client-dir", dir});
  StartBody("a");
  StartBody("b");
  Client a(absl::StrCat(dir, "/a.raw"), {kMember});
  EXPECT_TRUE(a.output().Until(HasSubstr("ready")));
  Client b(absl::StrCat(dir, "/b.raw"), {kMember});
  EXPECT_TRUE(b.output().UntilEnd());
  EXPECT_EQ(b.output().text(), "");
}

TEST_F(ListenerRightsTest, AnAbstractSocketIsForWhomRulesName) {
  const std::string name = absl::StrCat("@deptyr-rights-", ::getpid());
  StartHead({"--raw", absl::StrCat(name, "-closed=a"),
             absl::StrCat("--listener-allow=uid:", kMember, "=see"), "--raw",
             name + "=a"});
  StartBody();
  const auto as = [](uid_t uid, const std::string& address) {
    EXPECT_EQ(::seteuid(uid), 0);
    Connection client = Connection::To(address);
    EXPECT_EQ(::seteuid(0), 0);
    return client;
  };
  Connection member = as(kMember, name);
  EXPECT_TRUE(member.output().Until(HasSubstr("ready")));
  Connection stranger = as(kStranger, name);
  Connection closed = as(kMember, absl::StrCat(name, "-closed"));
  for (Connection* refused : {&stranger, &closed}) {
    EXPECT_TRUE(refused->output().UntilEnd());
    EXPECT_EQ(refused->output().text(), "");
  }
}

// --- an upgrade

TEST_F(ListenerRightsTest, SurviveAnUpgrade) {
  StartHead({absl::StrCat("--allow=uid:", kStranger, "=see"),
             absl::StrCat("--listener-allow=uid:", kMember, "=see"), "--raw",
             address()});
  StartBody();
  Guest guest(head().socket(), {kStranger});
  ASSERT_TRUE(guest.Attach("a"));
  Client member(socket(), {kMember});
  ASSERT_TRUE(member.output().Until(HasSubstr("ready")));
  Guest rejected(head().socket(), {kMember});
  rejected.Say(Attach{.session = "a"});
  EXPECT_THAT(rejected.Refusal(), StartsWith("not-permitted: "));

  ASSERT_EQ(Run(AsRoot, {"upgrade"}).status, ExitStatus{});
  ASSERT_TRUE(head().log().Until(HasSubstr("took over")));
  guest.Say(Keys{"smuggled\n"});
  member.Send("smuggled\n");
  EXPECT_TRUE(TextUntil(
      [&] { return Status(); },
      testing::ContainsRegex("\"dropped\": 9[^}]*}[^}]*\"dropped\": 9")));
  ASSERT_TRUE(OwnerTypes("of mine"));
  EXPECT_THAT(Screen(), Not(HasSubstr("smuggled")));
  // New ones are refused, too, and earlier refusals still count.
  Client stranger(socket(), {kStranger});
  EXPECT_TRUE(stranger.output().UntilEnd());
  EXPECT_THAT(HeadStatus(), HasSubstr("\"refused_not_permitted\": 2"));
}

}  // namespace
}  // namespace deptyr
