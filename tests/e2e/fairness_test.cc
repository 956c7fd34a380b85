// Users take everything they can get at root's head.  Whatever it is, it is
// counted for them, others have their share, and root is always served.  And no
// default leads into another user's session.

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/guest.h"
#include "tests/support/other_user.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tmux.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uid_t kAlice = 12345;  // the one who takes
constexpr uid_t kBob = 12346;

std::string Registration(const std::string& name, std::string word = "it") {
  return Encode(Register{.name = name,
                         .rows = 24,
                         .cols = 80,
                         .term = "xterm",
                         .argv = {std::move(word)}});
}

struct Said {
  std::optional<ExitStatus> status;
  std::string out;
  std::string err;
};

class FairnessTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be other users";
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0777));
    std::filesystem::copy(Deptyr(), deptyr_);
    (void)RaiseDescriptorLimit();
  }
  void StartHead(std::vector<std::string> options = {},
                 ProgramOptions how = {}) {
    options.insert(options.begin(), "--mode=0666");
    HeadProcessOptions more;
    more.socket = folder_ / "head.sock";
    more.how = std::move(how);
    head_.emplace(options, std::move(more));
    ASSERT_TRUE(head_->ready()) << head_->log().text();
  }
  HeadProcess& head() { return *head_; }

  Guest Connected(uid_t uid) {
    return Guest(ConnectAs(head().socket(), {.uid = uid}));
  }
  // Registers this very process as a program of theirs; it runs as long as the
  // test.
  Guest Registers(uid_t uid, const std::string& name,
                  const std::string& word = "it") {
    Guest guest = Connected(uid);
    const Pty pty = Value(OpenPty({}));
    // Head may have refused it already.
    (void)SendWithFd(guest.fd(), Registration(name, word),
                     pty.controller.get());
    return guest;
  }
  // Starts a program of their own; true if head took it.
  template <uid_t kUid>
  bool Starts(const std::string& name, std::vector<std::string> program) {
    said_.push_back(std::make_unique<LogFile>());
    std::vector<std::string> words = {deptyr_, "body",          "--name",
                                      name,    head().socket(), "--"};
    words.insert(words.end(), program.begin(), program.end());
    programs_.push_back(std::make_unique<Program>(Program::Start(
        words, {.fds = {{said_.back()->fd(), 1}, {said_.back()->fd(), 2}},
                .prepare = kUid == 0            ? nullptr
                           : Become < kUid == 0 ? kAlice
                                                : kUid > })));
    const std::string line =
        absl::StrCat("session=", name, " pid=", programs_.back()->pid(), " ");
    return WaitFor([&] {
             return absl::StrContains(head().log().text(), line) ||
                    absl::StrContains(said_.back()->text(), "refused");
           }) &&
           !absl::StrContains(said_.back()->text(), "refused");
  }
  // Starts one that has ended, as head knows.
  template <uid_t kUid>
  void StartsAndEnds(const std::string& name) {
    ASSERT_TRUE(Starts<kUid>(name, {"true"})) << said_.back()->text();
    const pid_t pid = programs_.back()->pid();
    EXPECT_EQ(programs_.back()->Wait(), ExitStatus{});
    ASSERT_TRUE(head().log().Until(
        HasSubstr(absl::StrCat("session=", name, " pid=", pid, " ended"))));
  }
  Said Run(std::vector<std::string> words, void (*become)() = nullptr) {
    const LogFile out;
    const LogFile err;
    words.insert(words.begin(), deptyr_);
    Program program = Program::Start(
        words, {.fds = {{out.fd(), 1}, {err.fd(), 2}},
                .env = {absl::StrCat("DEPTYR_SOCKET=", head().socket())},
                .prepare = become});
    const auto status = program.Wait();
    return {status, out.text(), err.text()};
  }
  std::vector<std::string> Names() {
    const std::string out = Run({"ls", "--names"}).out;
    return absl::StrSplit(out, '\n', absl::SkipEmpty());
  }
  // `ls`, `kick`, `status` and `upgrade` have to work for root.
  void ExpectServesRoot(const std::string& session) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"ls"},
                                               {"status", "--head"},
                                               {"status", session},
                                               {"kick", session},
                                               {"upgrade"},
                                               {"ls"}}) {
      const Said said = Run(words);
      EXPECT_EQ(said.status, ExitStatus{}) << words[0] << ": " << said.err;
    }
  }

  TempDir folder_;
  const std::string deptyr_ = folder_ / "deptyr";  // where they can get at it
  std::optional<HeadProcess> head_;
  std::vector<std::unique_ptr<LogFile>> said_;
  std::vector<std::unique_ptr<Program>> programs_;
};

// --- connections

template <rlim_t kMost>
void LimitDescriptors() {
  const rlimit limit{kMost, kMost};
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(FairnessTest, ASessionHasOneConnectionOfARegistration) {
  StartHead();
  Guest first = Registers(kAlice, "a");
  ASSERT_EQ(first.Answer(), "accepted");
  Guest second = Registers(kAlice, "a");
  ASSERT_EQ(second.Answer(), "accepted");
  EXPECT_TRUE(first.IsClosed());
  // The second is served: it may still say that it wasn't executed.
  second.Say(ExecFailed{"no such file"});
  second.Say(ExecFailed{"no such file"});
  Guest third = Registers(kAlice, "a");
  EXPECT_EQ(third.Answer(), "accepted");
  EXPECT_TRUE(second.IsClosed());
}

TEST_F(FairnessTest, TheEndOfAProgramEndsItsRegistration) {
  StartHead();
  // Somebody else, here this test, has the connection, too.
  const SocketPair sockets;
  Program program = Program::Fork(
      [&] {
        Guest guest = Registers(0, "a");
        if (guest.Answer() != "accepted") return 1;
        (void)SendWithFd(sockets.theirs.get(), "x", guest.fd());
        return 0;
      },
      {.keep = {sockets.theirs.get()}});
  EXPECT_EQ(program.Wait(), ExitStatus{});
  std::array<char, 1> room;
  FdMessage got = ReceiveWithFds(sockets.ours.get(), room);
  ASSERT_EQ(got.fds.size(), 1U);
  EXPECT_TRUE(Guest(std::move(got.fds[0])).IsClosed());
}

TEST_F(FairnessTest, ConnectionsThatNeverExecuteAProgramUseUpNothing) {
  StartHead({}, {.prepare = LimitDescriptors<128>});
  std::vector<Guest> guests;
  for (int i = 0; i < 300; ++i) {
    guests.push_back(Registers(kAlice, "a"));
    ASSERT_EQ(guests.back().Answer(), "accepted") << i;
  }
  EXPECT_LT(CountFdsOf(head().pid()), 64U);
  EXPECT_TRUE(Starts<kBob>("b", {"cat"}));
  ExpectServesRoot("a");
}

// These programs left something running that holds their terminals.
TEST_F(FairnessTest, NorDoTerminalsThatWereLeftBehind) {
  StartHead({}, {.prepare = LimitDescriptors<128>});
  std::vector<Fd> terminals;
  for (int i = 0; i < 100; ++i) {
    Pty pty = Value(OpenPty({}));
    Program program = Program::Fork(
        [&] {
          Guest guest = Connected(kAlice);
          (void)SendWithFd(guest.fd(), Registration("a"), pty.controller.get());
          return guest.Answer() == "accepted" ? 0 : 1;
        },
        {.keep = {pty.controller.get()}});
    ASSERT_EQ(program.Wait(), ExitStatus{}) << i;
    terminals.push_back(std::move(pty.terminal));
  }
  EXPECT_LT(CountFdsOf(head().pid()), 64U);
  ExpectServesRoot("a");
}

TEST_F(FairnessTest, AUserHasHalfOfTheDescriptorsAndRootTheLast) {
  StartHead({}, {.prepare = LimitDescriptors<128>});
  ASSERT_EQ(Registers(0, "root").Answer(), "accepted");
  // They are connections that say nothing, each with a descriptor that is of no
  // use yet; sessions; and clients.
  const Pty pty = Value(OpenPty({}));
  std::vector<Guest> guests;
  for (int i = 0; i < 40; ++i) {
    guests.push_back(Registers(kAlice, absl::StrCat("a", i)));
    (void)guests.back().Answer();
    guests.push_back(Connected(kAlice));
    guests.back().Say(Attach{.session = "a0", .from = From::kNow});
    (void)guests.back().Answer();
    guests.push_back(Connected(kAlice));
    (void)SendWithFd(guests.back().fd(), "\xde", pty.controller.get());
  }
  EXPECT_THAT(Connected(kAlice).Answer(),
              AllOf(StartsWith("limit: uid 12345 has half of the 128"),
                    HasSubstr("LimitNOFILE=")));
  EXPECT_TRUE(Starts<kBob>("b", {"cat"})) << said_.back()->text();
  ExpectServesRoot("a0");

  // Together they have everything that users may have.
  std::vector<Guest> more;
  std::string last;
  for (int i = 0; i < 100 && last.empty(); ++i) {
    more.push_back(Registers(kBob, absl::StrCat("b", i)));
    const std::string answer = more.back().Answer();
    if (answer != "accepted") last = answer;
  }
  EXPECT_THAT(last, AllOf(StartsWith("limit: the last of the 128 descriptors"),
                          HasSubstr("are root's")));
  ExpectServesRoot("a0");
  EXPECT_FALSE(absl::StrContains(head().log().text(), "can't accept"));
}

TEST_F(FairnessTest, TheLastOfTheClientsAreRoots) {
  StartHead({"--max-user-clients=1000"}, {.prepare = LimitDescriptors<80>});
  ASSERT_EQ(Registers(kAlice, "a").Answer(), "accepted");
  ASSERT_EQ(Registers(kBob, "b").Answer(), "accepted");
  std::vector<Guest> guests;
  std::array<int, 2> attached = {};
  for (int i = 0; i < 80; ++i) {
    const bool bob = i % 2 != 0;
    guests.push_back(Connected(bob ? kBob : kAlice));
    guests.back().Say(Attach{.session = bob ? "b" : "a", .from = From::kNow});
    if (guests.back().Answer() == "attached") ++attached[bob ? 1 : 0];
  }
  // There may be 40.
  EXPECT_EQ(attached[0] + attached[1], 30);
  ExpectServesRoot("a");
}

// --- sessions that have ended

TEST_F(FairnessTest, WhatAUserEndsIsForgottenInPlaceOfTheirOwn) {
  StartHead();
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kBob>("gameserver"));
  constexpr int kMore = 70;
  for (int i = 0; i < kMore; ++i) {
    ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kAlice>(absl::StrCat("a", i)));
  }
  // The latest of hers are left, and his.
  EXPECT_TRUE(WaitFor([&] { return Names().size() == 64 + 1; }));
  EXPECT_THAT(Names(),
              AllOf(testing::Contains("gameserver"), testing::Contains("a69"),
                    Not(testing::Contains("a0"))));
  EXPECT_THAT(Registers(kAlice, "gameserver").Answer(),
              StartsWith("not-owner: "));
}

TEST_F(FairnessTest, WhereThereIsNoRoomWhoHasMoreGivesWay) {
  StartHead({"--max-sessions=3"});
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kBob>("b1"));
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kAlice>("a1"));
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kAlice>("a2"));
  // Her own gives way, although his is older.
  ASSERT_TRUE(Starts<kAlice>("a3", {"cat"}));
  EXPECT_THAT(Names(), ElementsAre("a2", "a3", "b1"));
  ASSERT_TRUE(Starts<kAlice>("a4", {"cat"}));
  EXPECT_THAT(Names(), ElementsAre("a3", "a4", "b1"));
  // She can't take his place, because he has fewer.
  EXPECT_FALSE(Starts<kAlice>("a5", {"cat"}));
  EXPECT_THAT(Names(), ElementsAre("a3", "a4", "b1"));
  // He may take hers.
  programs_[3]->Signal(SIGKILL);
  ASSERT_TRUE(programs_[3]->Wait());
  ASSERT_TRUE(head().log().Until(HasSubstr(
      absl::StrCat("session=a3 pid=", programs_[3]->pid(), " ended"))));
  ASSERT_TRUE(Starts<0>("r", {"cat"}));
  EXPECT_THAT(Names(), ElementsAre("a4", "b1", "r"));
}

// --- places with the keeper

// Takes what is sent to it, as systemd would, and keeps nothing.
class KeeperTest : public FairnessTest {
 protected:
  void StartKeptHead(int places) {
    store_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string path = folder_ / "notify";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(store_.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof address),
              0);
    reader_ = std::make_unique<Program>(Program::Fork(
        [this] {
          std::array<char, 4096> room;
          while (ReceiveWithFds(store_.get(), room).io.state ==
                 IoState::kDone) {
          }
          return 0;
        },
        {.keep = {store_.get()}}));
    StartHead({"--keeper=systemd"},
              {.env = {absl::StrCat("NOTIFY_SOCKET=", path),
                       absl::StrCat("FDSTORE=", places)}});
  }
  bool IsKept(const std::string& session) {
    return absl::StrContains(Run({"status", "--json", session}).out,
                             "\"keeper\": \"systemd\"");
  }

  Fd store_;
  std::unique_ptr<Program> reader_;
};

TEST_F(KeeperTest, NobodyHasAllPlaces) {
  StartKeptHead(9);
  for (const char* name : {"a1", "a2", "a3", "a4"}) {
    ASSERT_TRUE(Starts<kAlice>(name, {"cat"}));
  }
  EXPECT_TRUE(IsKept("a3"));
  EXPECT_FALSE(IsKept("a4"));
  ASSERT_TRUE(Starts<kBob>("b", {"cat"}));
  EXPECT_TRUE(WaitFor([&] { return IsKept("b"); }));
  EXPECT_TRUE(IsKept("a1"));
  EXPECT_TRUE(IsKept("a2"));
  EXPECT_FALSE(IsKept("a3"));
  EXPECT_TRUE(head().log().Until(
      HasSubstr("session=a3 would not outlive head any more: uid 12345 has the "
                "most that is kept, and uid 12346 needs the room")));
  // He doesn't take turns with her: she would have fewer.  Root has none yet.
  ASSERT_TRUE(Starts<kBob>("b2", {"cat"}));
  ASSERT_TRUE(Starts<0>("r", {"cat"}));
  EXPECT_TRUE(WaitFor([&] { return IsKept("r"); }));
  EXPECT_THAT(head().log().text(),
              AllOf(HasSubstr("session=a2 would not outlive head any more: uid "
                              "12345 has the most that is kept, and uid 0 "),
                    Not(HasSubstr("session=b would not outlive head any"))));
}

TEST_F(KeeperTest, WhatEndedOfAUserWhoHasFewerKeepsItsPlace) {
  StartKeptHead(6);
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kBob>("b"));
  ASSERT_TRUE(Starts<kAlice>("a1", {"cat"}));
  ASSERT_TRUE(Starts<kAlice>("a2", {"cat"}));
  ASSERT_TRUE(
      head().log().Until(HasSubstr("session=a2 would not outlive head: ")));
  // Root has none yet, so his gives way, who has one.
  EXPECT_TRUE(Starts<0>("r", {"cat"}));
  EXPECT_TRUE(WaitFor([&] { return IsKept("r"); }));
  EXPECT_TRUE(IsKept("a1"));
  EXPECT_FALSE(IsKept("a2"));
  EXPECT_FALSE(IsKept("b"));
}

// --- the log

TEST_F(FairnessTest, OneUsersLinesDoNotFillTheLog) {
  StartHead();
  constexpr int kTimes = 3000;
  const std::string word(4096, 'w');
  std::vector<Guest> guests;
  for (int i = 0; i < kTimes; ++i) {
    guests.clear();
    guests.push_back(Registers(kAlice, "a", word));
    ASSERT_EQ(guests.back().Answer(), "accepted") << i;
  }
  ASSERT_TRUE(Starts<kBob>("b", {"cat"}));
  const std::vector<std::string> lines = head().log().lines();
  // Each is logged when it begins and when it ends.
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return absl::StrContains(line, "session=a ");
                          }),
            5000);
  for (const std::string& line : lines) EXPECT_LT(line.size(), 512U) << line;
  EXPECT_THAT(head().log().text(), HasSubstr("www...\n"));
}

// --- whose session is meant

TEST_F(FairnessTest, NoDefaultLeadsRootIntoAnothersSession) {
  StartHead();
  ASSERT_TRUE(Starts<kAlice>("a", {"cat"}));
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"attach"},
                                             {"status"},
                                             {"snapshot"},
                                             {"history"},
                                             {"wait", "--exit"}}) {
    const Said said = Run(words);
    EXPECT_EQ(said.status, ExitStatus{.code = 111}) << words[0];
    EXPECT_THAT(said.err, HasSubstr("no session is your own; name the one you "
                                    "mean, deptyr ls"))
        << words[0];
  }
  EXPECT_EQ(Run({"status", "a"}).status, ExitStatus{});
  // She needn't name her own, and has no rights in his.
  EXPECT_EQ(Run({"status"}, Become<kAlice>).status, ExitStatus{});
  EXPECT_THAT(Run({"status"}, Become<kBob>).err,
              HasSubstr("there is no session yet"));
  ASSERT_TRUE(Starts<0>("r", {"cat"}));
  ASSERT_TRUE(Starts<kAlice>("later", {"cat"}));
  EXPECT_THAT(Run({"status", "--json"}).out, HasSubstr("\"name\": \"r\""));
}

TEST_F(FairnessTest, TheNewestIsTheOneThatRegisteredLast) {
  StartHead({"--max-sessions=4"});
  ASSERT_TRUE(Starts<0>("a", {"cat"}));
  ASSERT_TRUE(Starts<0>("b", {"cat"}));
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<0>("c"));
  const auto newest = [&] { return Run({"status", "--json"}).out; };
  EXPECT_THAT(newest(), HasSubstr("\"name\": \"c\""));
  ASSERT_EQ(Run({"upgrade"}).status, ExitStatus{});
  EXPECT_THAT(newest(), HasSubstr("\"name\": \"c\""));
  // It is forgotten to make room for somebody else's.
  ASSERT_TRUE(Starts<kAlice>("a1", {"cat"}));
  ASSERT_TRUE(Starts<kAlice>("a2", {"cat"}));
  ASSERT_THAT(Names(), ElementsAre("a", "a1", "a2", "b"));
  EXPECT_THAT(newest(), HasSubstr("\"name\": \"b\""));
  ASSERT_EQ(Run({"upgrade"}).status, ExitStatus{});
  EXPECT_THAT(newest(), HasSubstr("\"name\": \"b\""));
}

TEST_F(FairnessTest, AClientOfASocketGetsItsOwnUsersSession) {
  StartHead({"--raw", folder_ / "raw", "--raw", "tcp:127.0.0.1:0"});
  ASSERT_TRUE(Starts<kAlice>("a", {"echo", "of alice"}));
  const std::string log = head().log().text();
  const size_t at = log.find("tcp:127.0.0.1:");
  Connection tcp =
      Connection::To(log.substr(at, log.find_first_of(", \n", at) - at));
  Connection raw = Connection::To(folder_ / "raw");
  EXPECT_TRUE(head().log().Until(
      AllOf(HasSubstr("for a session of uid 0; tcp:127.0.0.1:0=SESSION"),
            HasSubstr("raw=SESSION would mean another's"))));
  // A client that waited goes on waiting, over an upgrade too.
  ASSERT_TRUE(Starts<kAlice>("a2", {"echo", "of alice"}));
  ASSERT_EQ(Run({"upgrade"}).status, ExitStatus{});
  ASSERT_TRUE(Starts<kAlice>("a3", {"echo", "of alice"}));
  ASSERT_TRUE(Starts<0>("r", {"echo", "of root"}));
  for (Connection* client : {&tcp, &raw}) {
    EXPECT_TRUE(client->output().Until(HasSubstr("of root")));
    EXPECT_THAT(client->output().text(), Not(HasSubstr("alice")));
  }
}

// A head with a terminal of its own, and programs of several users.
struct HeadInTmux {
  HeadInTmux(std::string file, std::string path)
      : deptyr(std::move(file)),
        socket(std::move(path)),
        tmux(absl::StrCat("exec ", Quote(deptyr), " head --mode 0666 ",
                          Quote(socket)),
             {24, 160}) {}  // a path may be long
  void Start(const std::string& name, void (*become)()) {
    programs.push_back(
        Program::Start({deptyr, "body", "--name", name, socket, "--", "sh",
                        "-c", absl::StrCat("echo this is ", name, "; cat")},
                       {.prepare = become}));
  }

  const std::string deptyr;
  const std::string socket;
  std::vector<Program> programs;
  const Tmux tmux;
};

TEST_F(FairnessTest, HeadsOwnTerminalShowsOthersOnlyIfAsked) {
  HeadInTmux head(deptyr_, folder_ / "head.sock");
  const Tmux& tmux = head.tmux;
  ASSERT_TRUE(tmux.Until(HasSubstr("waits for its first program")));
  head.Start("alices", Become<kAlice>);
  EXPECT_TRUE(tmux.Until(HasSubstr("waits for a program of its own user")));
  tmux.Press({"C-\\", "l"});
  ASSERT_TRUE(tmux.Until(HasSubstr("1  alices")));
  tmux.Press({"1"});
  EXPECT_TRUE(tmux.Until(HasSubstr("this is alices")));
  tmux.Press({"C-\\", "l"});
  head.Start("roots", nullptr);
  ASSERT_TRUE(tmux.Until(HasSubstr("roots")));
}

TEST_F(FairnessTest, HeadsOwnTerminalGoesToItsOwnUsersProgramByItself) {
  HeadInTmux head(deptyr_, folder_ / "head.sock");
  const Tmux& tmux = head.tmux;
  ASSERT_TRUE(tmux.Until(HasSubstr("waits for its first program")));
  head.Start("alices", Become<kAlice>);
  ASSERT_TRUE(tmux.Until(HasSubstr("waits for a program of its own user")));
  head.Start("roots", nullptr);
  EXPECT_TRUE(tmux.Until(HasSubstr("this is roots")));
}

// --- what is told of it

TEST_F(FairnessTest, WhatEachUserHasIsInHeadsReport) {
  StartHead();
  Guest program = Registers(kAlice, "a");
  ASSERT_EQ(program.Answer(), "accepted");
  ASSERT_NO_FATAL_FAILURE(StartsAndEnds<kBob>("b"));
  Guest client = Connected(kAlice);
  client.Say(Attach{.session = "a", .from = From::kNow});
  ASSERT_EQ(client.Answer(), "attached");
  // She has the ring, the terminal, the process and its connection, and a
  // client.
  const std::string alice =
      "\"uid\": 12345,\n      \"sessions\": 1,\n      \"running\": 1,\n      "
      "\"kept\": 0,\n      \"clients\": 1,\n      \"pending\": 0,\n      "
      "\"descriptors\": 5\n";
  const std::string all = Run({"status", "--head", "--json"}).out;
  EXPECT_THAT(all, AllOf(HasSubstr(alice), HasSubstr("\"uid\": 12346,")));
  EXPECT_THAT(Run({"status", "--head"}).out,
              testing::ContainsRegex("12345 +1 +1 +0 +1 +0 +5\n"));
  // Others are told only about themselves.
  EXPECT_THAT(Run({"status", "--head", "--json"}, Become<kAlice>).out,
              AllOf(HasSubstr("\"uid\": 12345,"), Not(HasSubstr("12346"))));
}

}  // namespace
}  // namespace deptyr
