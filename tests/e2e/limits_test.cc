// Users take what they can get: floods of descriptors, of connections, of
// registrations, at a real head.  It serves the others all the while, and
// afterwards it has as many descriptors and as much memory as before.

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/fd_passing.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/guest.h"
#include "tests/support/other_user.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr uid_t kAttacker = 12346;

std::string Registration(const std::string& name) {
  return Encode(Register{
      .name = name, .rows = 24, .cols = 80, .term = "xterm", .argv = {"it"}});
}

class LimitsTest : public testing::Test {
 protected:
  explicit LimitsTest(std::vector<std::string> options = {})
      : head_(Options(std::move(options)), {.socket = folder_ / "head.sock"}) {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    (void)RaiseDescriptorLimit();
    EXPECT_TRUE(head_.ready()) << head_.log().text();
  }
  // FOLDER is folder_.
  std::vector<std::string> Options(std::vector<std::string> options) const {
    for (std::string& option : options) {
      option = absl::StrReplaceAll(option, {{"FOLDER", folder_.path()}});
    }
    options.insert(options.begin(), "--mode=0666");
    return options;
  }

  Guest Connected() const {
    return Guest(Value(Connect(head_.socket(), kDeadline)));
  }
  Guest Attacker() const {
    return Guest(ConnectAs(head_.socket(), {kAttacker}));
  }
  Guest Attaches(const std::string& session) const {
    Guest guest = Connected();
    EXPECT_TRUE(
        guest.Say(Encode(Attach{.session = session, .from = From::kNow})));
    return guest;
  }

  // Somebody else's program is served as usual.
  void ExpectServes() {
    BodyProcess body(head_.socket(), {"--name=other"}, {"sh", "-c", "exit 3"});
    EXPECT_EQ(body.Wait(), ExitStatus{.code = 3}) << body.said().text();
  }
  // Everything that `attack` took is given back.
  void ExpectFlat(absl::FunctionRef<void()> attack) {
    // Head takes now what it takes once and keeps.
    ExpectServes();
    attack();
    ExpectServes();
    ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
    const size_t fds = CountFdsOf(head_.pid());
    const long kilobytes = OwnKilobytes(head_.pid());
    for (int i = 0; i < 5; ++i) attack();
    ExpectServes();
    EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head_.pid()) == fds; }))
        << CountFdsOf(head_.pid()) << " descriptors, before " << fds;
    constexpr long kSlack = 512;
    EXPECT_TRUE(WaitFor([&] {
      return OwnKilobytes(head_.pid()) < kilobytes + kSlack;
    })) << OwnKilobytes(head_.pid())
        << " KiB, before " << kilobytes;
    EXPECT_FALSE(head_.program().HasEnded());
  }
  std::string Status(absl::string_view key) {
    const std::string said =
        OutputOf({Deptyr(), "status", "--head", "--json", head_.socket()});
    const std::string label = absl::StrCat("\"", key, "\": ");
    const size_t at = said.find(label);
    if (at == std::string::npos) return said;
    const size_t begin = at + label.size();
    return said.substr(begin, said.find_first_of(",\n", begin) - begin);
  }
  int StatusNumber(absl::string_view key) {
    int number = -1;
    (void)absl::SimpleAtoi(Status(key), &number);
    return number;
  }

  TempDir folder_;
  HeadProcess head_;
};

// --- descriptors

TEST_F(LimitsTest, MoreDescriptorsThanFitIntoAMessage) {
  const Pty pty = Value(OpenPty({}));
  ExpectFlat([&] {
    constexpr size_t kMostOfTheKernel = 253;  // SCM_MAX_FD
    for (int i = 0; i < 20; ++i) {
      Guest guest = Connected();
      guest.Say(Registration("flood"),
                std::vector<int>(kMostOfTheKernel, pty.controller.get()));
      EXPECT_THAT(guest.Answer(), StartsWith("descriptor: "));
    }
  });
}

TEST_F(LimitsTest, ADescriptorWithEveryByte) {
  const Pty pty = Value(OpenPty({}));
  ExpectFlat([&] {
    for (int i = 0; i < 50; ++i) {
      Guest guest = Connected();
      const std::string bytes = Registration("drop");
      for (size_t at = 0; at < bytes.size(); ++at) {
        if (!SendWithFd(guest.fd(), bytes.substr(at, 1), pty.controller.get())
                 .ok()) {
          break;  // it is refused already
        }
      }
      EXPECT_THAT(guest.Answer(),
                  testing::AnyOf(StartsWith("descriptor: "), ""));
    }
  });
}

TEST_F(LimitsTest, DescriptorsBesideAQuestionAndAmongKeys) {
  const Pty pty = Value(OpenPty({}));
  BodyProcess body(head_.socket(), {"--name=a"},
                   {"sh", "-c", "stty -echo; exec cat >/dev/null"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=a")));
  ExpectFlat([&] {
    for (int i = 0; i < 50; ++i) {
      Guest guest = Connected();
      guest.Say(Encode(Attach{.session = "a", .from = From::kNow}),
                {pty.controller.get()});
      EXPECT_EQ(guest.Answer(), "attached");
      guest.Say(Encode(Keys{"x"}), std::vector<int>(10, pty.controller.get()));
      Guest asker = Connected();
      asker.Say(Encode(Ask{.what = "nothing", .fields = {}}),
                {pty.controller.get()});
      EXPECT_THAT(asker.Answer(), StartsWith("malformed: "));
      asker.Say(Encode(Ask{.what = "nothing", .fields = {}}),
                std::vector<int>(10, pty.controller.get()));
      EXPECT_THAT(asker.Answer(), StartsWith("malformed: "));
    }
  });
}

// A socket that is on its way through itself is nobody's but the kernel's.
TEST_F(LimitsTest, AConnectionThatIsPassedThroughItself) {
  ExpectFlat([&] {
    for (int i = 0; i < 50; ++i) {
      Guest guest = Connected();
      guest.Say(Registration("cycle"), {guest.fd()});
      EXPECT_THAT(guest.Answer(), StartsWith("descriptor: "));
    }
    // Head hasn't taken it from its backlog yet.
    head_.program().Signal(SIGSTOP);
    std::vector<Guest> guests;
    for (int i = 0; i < 50; ++i) {
      guests.push_back(Connected());
      guests.back().Say(absl::string_view(Registration("cycle")).substr(0, 3),
                        {guests.back().fd(), guests.front().fd()});
    }
    guests.clear();
    head_.program().Signal(SIGCONT);
  });
}

TEST(ListeningSocketTest, IsNoTerminalEvenIfItIsHeadsOwn) {
  TempDir folder;
  ListeningSocket listener = Value(Listen(folder / "head.sock", {}));
  HeadProcess head({},
                   {.socket = folder / "head.sock", .stdin_fd = listener.fd()});
  ASSERT_TRUE(head.ready()) << head.log().text();
  BodyProcess before(head.socket(), {"--name=a"}, {"true"});
  EXPECT_EQ(before.Wait(), ExitStatus{});
  ASSERT_TRUE(WaitUntilQuiet(head.pid()));
  const size_t fds = CountFdsOf(head.pid());
  for (int i = 0; i < 50; ++i) {
    const Fd guest = Value(Connect(head.socket(), kDeadline));
    SendWithFds(guest.get(), Registration("cycle"), {listener.fd()});
    OutputReader said(guest.get());
    EXPECT_TRUE(said.Until(HasSubstr("not a PTY's controlling end")));
  }
  BodyProcess after(head.socket(), {"--name=a"}, {"true"});
  EXPECT_EQ(after.Wait(), ExitStatus{});
  EXPECT_TRUE(WaitFor([&] { return CountFdsOf(head.pid()) == fds; }));
  EXPECT_EQ(head.Stop(), ExitStatus{});
}

TEST_F(LimitsTest, WhatIsNoControllingEnd) {
  const Pty pty = Value(OpenPty({}));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ExpectFlat([&] {
    for (int i = 0; i < 50; ++i) {
      for (const int fd : {pty.terminal.get(), null.get()}) {
        Guest guest = Connected();
        guest.Say(Registration("wrong"), {fd});
        EXPECT_THAT(guest.Answer(), StartsWith("descriptor: "));
      }
    }
  });
}

// Nobody has the other end, nor ever will: the "program" is this test.
TEST_F(LimitsTest, AClosedTerminalDoesNotKeepHeadBusy) {
  Pty pty = Value(OpenPty({}));
  pty.terminal.Reset();
  Guest guest = Connected();
  guest.Say(Registration("closed"), {pty.controller.get()});
  EXPECT_EQ(guest.Answer(), "accepted");
  EXPECT_TRUE(WaitUntilQuiet(head_.pid()));
  ExpectServes();
}

// --- connections

class PendingTest : public LimitsTest {
 protected:
  static constexpr int kMost = 20;
  PendingTest() : LimitsTest({absl::StrCat("--max-pending=", kMost)}) {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  }
};

TEST_F(PendingTest, SilenceMakesRoomAndNobodyElseWaits) {
  std::vector<Guest> silent;
  for (int i = 0; i < 5 * kMost; ++i) silent.push_back(Attacker());
  ExpectServes();
  EXPECT_LE(StatusNumber("pending"), kMost);
  EXPECT_EQ(StatusNumber("refused_limit"), 4 * kMost + 1);
  // The oldest one of the user who has the most is refused.
  EXPECT_THAT(silent.front().Answer(),
              AllOf(StartsWith("limit: 20 connections"),
                    HasSubstr("most of them of uid 12346"),
                    HasSubstr("--max-pending")));
}

TEST_F(PendingTest, HalfAMessageIsAsGoodAsNone) {
  const std::string half =
      Encode(Keys{std::string(60'000, 'x')}).substr(0, 50'000);
  ExpectFlat([&] {
    std::vector<Guest> guests;
    for (int i = 0; i < 5 * kMost; ++i) {
      guests.push_back(Attacker());
      guests.back().Say(half);
    }
    // A connection that has said little isn't refused because of others that
    // say nothing.
    Guest body = Connected();
    const std::string bytes = Encode(Ask{.what = "nothing", .fields = {}});
    body.Say(bytes.substr(0, 5));
    for (int i = 0; i < kMost; ++i) guests.push_back(Attacker());
    body.Say(bytes.substr(5));
    EXPECT_THAT(body.Answer(), StartsWith("malformed: head doesn't know"));
  });
}

// The user who has the most makes room.
TEST_F(PendingTest, RootsMakeNoRoomForOthers) {
  std::vector<Guest> ours;
  for (int i = 0; i < kMost - 5; ++i) ours.push_back(Connected());
  std::vector<Guest> silent;
  for (int i = 0; i < 2 * kMost; ++i) silent.push_back(Attacker());
  EXPECT_LE(StatusNumber("pending"), kMost);
  for (Guest& guest : ours) {
    guest.Say(Encode(Ask{.what = "nothing", .fields = {}}));
    EXPECT_THAT(guest.Answer(), StartsWith("malformed: head doesn't know"));
  }
}

class UserClientsTest : public LimitsTest {
 protected:
  UserClientsTest()
      : LimitsTest({"--max-user-clients=5", "--max-session-clients=8",
                    absl::StrCat("--allow=uid:", kAttacker, "=see"),
                    absl::StrCat("--listener-allow=any=see"), "--raw",
                    "FOLDER/raw"}),
        body_(head_.socket(), {"--name=a"}, {"cat"}) {
    EXPECT_TRUE(head_.log().Until(HasSubstr("session=a pid=")));
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  }
  BodyProcess body_;
};

TEST_F(UserClientsTest, AUserHasSoManyOfAllKinds) {
  std::vector<Guest> guests;
  for (int i = 0; i < 3; ++i) {
    guests.push_back(Attacker());
    guests.back().Say(Encode(Attach{.session = "a", .from = From::kNow}));
    EXPECT_EQ(guests.back().Answer(), "attached");
  }
  const Fd raw = ConnectAs(folder_ / "raw", {kAttacker});
  guests.push_back(Attacker());
  guests.back().Say(Encode(Ask{.what = "events", .fields = {{"session", ""}}}));
  ASSERT_TRUE(WaitFor([&] { return StatusNumber("clients") == 4; }));
  Guest sixth = Attacker();
  sixth.Say(Encode(Attach{.session = "a"}));
  EXPECT_THAT(sixth.Answer(),
              AllOf(StartsWith("limit: uid 12346 has 5 clients"),
                    HasSubstr("--max-user-clients")));
  Guest question = Attacker();
  question.Say(Encode(Ask{.what = "sessions", .fields = {}}));
  EXPECT_THAT(question.Answer(), StartsWith("limit: "));
  const Fd second_raw = ConnectAs(folder_ / "raw", {kAttacker});
  OutputReader closed(second_raw.get());
  EXPECT_TRUE(closed.UntilEnd());
  // Others have theirs.
  EXPECT_EQ(Attaches("a").Answer(), "attached");
  guests.pop_back();
  EXPECT_TRUE(WaitFor([&] {
    Guest again = Attacker();
    again.Say(Encode(Attach{.session = "a", .from = From::kNow}));
    return again.Answer() == "attached";
  }));
}

TEST_F(UserClientsTest, ASessionHasSoMany) {
  std::vector<Guest> guests;
  for (const bool attacker :
       {false, false, false, false, true, true, true, true}) {
    guests.push_back(attacker ? Attacker() : Connected());
    guests.back().Say(Encode(Attach{.session = "a", .from = From::kNow}));
    EXPECT_EQ(guests.back().Answer(), "attached");
  }
  EXPECT_THAT(Attaches("a").Answer(),
              AllOf(StartsWith("limit: a has 8 clients"),
                    HasSubstr("--max-session-clients")));
  const Fd raw = ConnectAs(folder_ / "raw", {0});
  OutputReader closed(raw.get());
  EXPECT_TRUE(closed.UntilEnd());
  EXPECT_EQ(StatusNumber("refused_limit"), 2);
}

class BufferedTest : public LimitsTest {
 protected:
  BufferedTest() : LimitsTest({"--max-buffered=64K", "--raw", "FOLDER/raw"}) {}
};

TEST_F(BufferedTest, WhoDoesNotReadEventsIsNotToldAnyMore) {
  BodyProcess body(head_.socket(), {"--name=a"}, {"cat"});
  ASSERT_TRUE(head_.log().Until(HasSubstr("session=a pid=")));
  Guest deaf = Connected();
  const int small = 1;
  (void)::setsockopt(deaf.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  deaf.Say(Encode(Ask{.what = "events", .fields = {{"session", ""}}}));
  ASSERT_TRUE(WaitFor([&] {
    for (int i = 0; i < 50; ++i) {
      Connection visitor = Connection::To(folder_ / "raw");
      EXPECT_NE(WaitForEvents(visitor.fd(), POLLOUT), 0);
    }
    return absl::StrContains(head_.log().text(), "it doesn't read the events");
  }));
  EXPECT_LE(StatusNumber("buffered"), 64 << 10);
}

TEST_F(BufferedTest, AListOfSessionsIsTakenPieceByPiece) {
  constexpr int kSessions = 200;
  const Pty pty = Value(OpenPty({}));
  std::vector<Guest> programs;
  for (int i = 0; i < kSessions; ++i) {
    programs.push_back(Connected());
    programs.back().Say(
        Encode(Register{.name = absl::StrCat("s", i),
                        .rows = 24,
                        .cols = 80,
                        .term = "xterm",
                        .argv = {std::string(kLongestText, 'x')}}),
        {pty.controller.get()});
    EXPECT_EQ(programs.back().Answer(), "accepted");
  }
  Guest deaf = Connected();
  deaf.Say(Encode(Ask{.what = "sessions", .fields = {}}));
  ASSERT_NE(WaitForEvents(deaf.fd(), POLLIN), 0);
  EXPECT_LE(StatusNumber("buffered"), 64 << 10);
  EXPECT_THAT(OutputOf({Deptyr(), "ls", "--names", head_.socket()}),
              AllOf(HasSubstr("s0\n"), HasSubstr("s199\n")));
  EXPECT_EQ(deaf.Answer(), "done");
}

// --- registrations

class SessionsTest : public LimitsTest {
 protected:
  explicit SessionsTest(std::vector<std::string> options = {"--max-sessions=3"})
      : LimitsTest(std::move(options)) {}

  // Whether head took it.
  bool Starts(const std::string& name, const std::string& deptyr = Deptyr(),
              void (*prepare)() = nullptr) {
    said_.push_back(std::make_unique<LogFile>());
    bodies_.push_back(std::make_unique<Program>(Program::Start(
        {deptyr, "body", "--name", name, head_.socket(), "--", "cat"},
        {.fds = {{said_.back()->fd(), 1}, {said_.back()->fd(), 2}},
         .prepare = prepare})));
    Program& body = *bodies_.back();
    const std::string line =
        absl::StrCat("session=", name, " pid=", body.pid(), " ");
    return WaitFor([&] {
             return body.HasEnded() ||
                    absl::StrContains(head_.log().text(), line);
           }) &&
           !body.HasEnded();
  }
  void Kill(size_t number) {
    bodies_[number]->Signal(SIGKILL);
    (void)bodies_[number]->Wait();
  }

  std::vector<std::unique_ptr<LogFile>> said_;
  std::vector<std::unique_ptr<Program>> bodies_;
};

TEST_F(SessionsTest, WhatHasEndedMakesRoomWhatRunsDoesNot) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(Starts(name)) << name;
  EXPECT_FALSE(Starts("d"));
  EXPECT_EQ(bodies_.back()->Wait(), ExitStatus{.code = 111});
  EXPECT_EQ(said_.back()->text(),
            "deptyr body: head refused: head has 3 sessions already; start it "
            "with a larger --max-sessions\n");
  // Everybody may register their own name again.
  Kill(0);
  ASSERT_TRUE(Starts("a"));
  // A session whose program ended gives way, unless somebody watches.
  Guest watcher = Attaches("b");
  ASSERT_EQ(watcher.Answer(), "attached");
  Kill(1);
  EXPECT_FALSE(Starts("d"));
  Kill(2);
  EXPECT_TRUE(WaitFor([&] { return Starts("d"); }));
  EXPECT_EQ(Status("sessions"), "3");
}

class UserSessionsTest : public SessionsTest {
 protected:
  UserSessionsTest() : SessionsTest({"--max-user-sessions=2"}) {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
    std::filesystem::copy(Deptyr(), deptyr_);
  }
  bool AttackerStarts(const std::string& name) {
    return Starts(name, deptyr_, Become<kAttacker>);
  }

  const std::string deptyr_ = folder_ / "deptyr";  // where it can get at it
};

TEST_F(UserSessionsTest, AUserHasSoManyAndOthersHaveTheirs) {
  ASSERT_TRUE(Starts("ours"));
  Kill(0);
  ASSERT_TRUE(AttackerStarts("a"));
  ASSERT_TRUE(AttackerStarts("b"));
  EXPECT_FALSE(AttackerStarts("c"));
  EXPECT_EQ(said_.back()->text(),
            "deptyr body: head refused: uid 12346 has 2 sessions already; end "
            "some, or start head with a larger --max-user-sessions\n");
  ASSERT_TRUE(Starts("others"));
  // Its own session gives way, not one of somebody else.
  Kill(1);
  EXPECT_TRUE(WaitFor([&] { return AttackerStarts("c"); }));
  EXPECT_EQ(OutputOf({Deptyr(), "ls", "--names", head_.socket()}),
            "b\nc\nothers\nours\n");
}

class RegistrationsTest : public LimitsTest {
 protected:
  RegistrationsTest() : LimitsTest({"--max-registrations=5"}) {}
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  }
};

TEST_F(RegistrationsTest, AUserHasSoManyInATime) {
  const Pty pty = Value(OpenPty({}));
  std::string last;
  for (int i = 0; i < 6; ++i) {
    Guest guest = Attacker();
    guest.Say(Registration(absl::StrCat("a", i)), {pty.controller.get()});
    last = guest.Answer();
    if (i < 5) {
      EXPECT_EQ(last, "accepted");
    }
  }
  EXPECT_THAT(last, AllOf(StartsWith("limit: uid 12346 has registered 5 "),
                          HasSubstr("--max-registrations")));
  ExpectServes();
}

// All bodies come back together, as after a restart of head.
TEST_F(LimitsTest, TwoHundredAtOnceAreNoFlood) {
  constexpr int kStorm = 200;
  std::vector<Pty> ptys;
  std::vector<Guest> guests;
  for (int i = 0; i < kStorm; ++i) {
    ptys.push_back(Value(OpenPty({})));
    guests.push_back(Connected());
  }
  const long ticks = CpuTimeOf(head_.pid());
  for (size_t i = 0; i < guests.size(); ++i) {
    guests[i].Say(Registration(absl::StrCat("storm", i)),
                  {ptys[i].controller.get()});
  }
  for (Guest& guest : guests) EXPECT_EQ(guest.Answer(), "accepted");
  // This is processor time, because the machine may be busy.
  EXPECT_LT(CpuTimeOf(head_.pid()) - ticks, ::sysconf(_SC_CLK_TCK));
  EXPECT_EQ(Status("refused"), "0");
  ptys.clear();
}

TEST_F(LimitsTest, AllAreInHeadsReport) {
  for (const char* key : {"max_sessions", "max_user_sessions", "max_clients",
                          "max_session_clients", "max_user_clients",
                          "max_pending", "max_buffered", "max_registrations"}) {
    EXPECT_GT(StatusNumber(key), 0) << key;
  }
  EXPECT_GE(StatusNumber("pending"), 0);
  EXPECT_GE(StatusNumber("buffered"), 0);
}

}  // namespace
}  // namespace deptyr
