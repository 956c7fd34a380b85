// Users make root's head make and keep things for them that they never take.
// Its memory stays small, and others are served.

#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/wire/messages.h"
#include "tests/support/connection.h"
#include "tests/support/deptyr.h"
#include "tests/support/other_user.h"
#include "tests/support/send_fds.h"
#include "tests/support/status_matchers.h"

namespace deptyr {
namespace {

using testing::HasSubstr;

constexpr uid_t kAttacker = 12346;
constexpr uid_t kGuest = 12347;
constexpr long kMostKilobytes = 20 << 10;

class MemoryTest : public testing::Test {
 protected:
  explicit MemoryTest(std::vector<std::string> options = {})
      : head_(Options(std::move(options)), {.socket = folder_ / "head.sock"}) {
    EXPECT_TRUE(head_.ready()) << head_.log().text();
  }
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  }
  std::vector<std::string> Options(std::vector<std::string> options) const {
    // Head's limit is the test's.
    (void)RaiseDescriptorLimit();
    options.insert(options.begin(), {"--mode=0666", "--allow=any=see"});
    return options;
  }

  class PendingConnection {
   public:
    PendingConnection(const std::string& socket, uid_t uid)
        : fd_(ConnectAs(socket, {uid})) {}
    int fd() const { return fd_.get(); }
    void Say(const HeadMessage& message, const std::vector<int>& fds = {}) {
      const std::string bytes = Encode(message);
      if (!fds.empty()) return SendWithFds(fd_.get(), bytes, fds);
      EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(bytes.size()));
    }
    // Sends as much as is taken.
    void SaySome(const HeadMessage& message) {
      const std::string bytes = Encode(message);
      (void)::send(fd_.get(), bytes.data(), bytes.size(),
                   MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    // Reads until a message of this kind has come; false at the end.  Pictures
    // that it passes are added to paint().
    template <typename Kind>
    bool Hears() {
      for (;;) {
        absl::string_view rest = inbox_;
        const auto message = Value(TakeMessage(rest));
        inbox_.erase(0, inbox_.size() - rest.size());
        if (message) {
          if (const auto* paint = std::get_if<Paint>(&*message)) {
            paint_ += paint->bytes;
          }
          if (std::holds_alternative<Kind>(*message)) return true;
          continue;
        }
        if (WaitForEvents(fd_.get(), POLLIN) == 0) return false;
        std::array<char, 65536> room;
        const ssize_t count = ::read(fd_.get(), room.data(), room.size());
        if (count <= 0) return false;
        inbox_.append(room.data(), static_cast<size_t>(count));
      }
    }
    // Takes everything that has come.
    void Drain() const {
      std::array<char, 65536> room;
      while (::recv(fd_.get(), room.data(), room.size(), MSG_DONTWAIT) > 0) {
      }
    }
    bool Readable() const { return WaitForEvents(fd_.get(), POLLIN, {}) != 0; }
    const std::string& paint() const { return paint_; }

   private:
    Fd fd_;
    std::string inbox_;
    std::string paint_;
  };
  PendingConnection As(uid_t uid) const {
    return PendingConnection(head_.socket(), uid);
  }

  // Registers a session of the attacker's, with its terminal.
  void Register(WindowSize size) {
    termios raw{};
    ::cfmakeraw(&raw);
    EXPECT_EQ(::tcsetattr(pty_.terminal.get(), TCSANOW, &raw), 0);
    program_.push_back(As(kAttacker));
    program_.back().Say(deptyr::Register{.name = "evil",
                                         .rows = size.rows,
                                         .cols = size.cols,
                                         .term = "xterm",
                                         .argv = {"evil"}},
                        {pty_.controller.get()});
    ASSERT_TRUE(program_.back().Hears<Accepted>());
  }
  // Paints a screen whose cells all look different.
  void PaintHostileScreen() {
    constexpr int kRows = 200;
    constexpr int kCols = 400;
    Register({kRows, kCols});
    for (int y = 0; y < kRows; ++y) {
      std::string row = absl::StrCat("\x1b[", y + 1, ";1H");
      for (int x = 0; x < kCols; ++x) {
        absl::StrAppend(&row, "\x1b[1;3;4;9;38;2;", 100 + x % 150, ";",
                        100 + y % 150, ";", x % 150, ";48;2;", y % 150, ";",
                        100 + x % 99, ";", y % 90,
                        "mX\u0301\u0302\u0303\u0304");
      }
      WriteAll(row);
      // The model of the screen follows when there is time.
      if (y % 20 == 19) {
        ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
      }
    }
  }
  void WriteAll(absl::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count =
          ::write(pty_.terminal.get(), bytes.data(), bytes.size());
      ASSERT_GT(count, 0);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
  }
  // This is answered when everything said before is served.
  void ExpectServes(uid_t uid) const {
    PendingConnection peer = As(uid);
    peer.Say(Ask{.what = "snapshot", .fields = {{"session", "evil"}}});
    EXPECT_TRUE(peer.Hears<Done>()) << "of uid " << uid;
  }
  void ExpectSmall() const {
    ASSERT_TRUE(WaitUntilQuiet(head_.pid()));
    EXPECT_LT(OwnKilobytes(head_.pid()), kMostKilobytes);
  }
  void Upgrade() const {
    (void)OutputOf({Deptyr(), "upgrade", head_.socket()});
    EXPECT_THAT(head_.log().text(), HasSubstr("took over from"));
  }

  static constexpr int kMany = 200;
  TempDir folder_;
  HeadProcess head_;
  const Pty pty_ = Value(OpenPty({}));
  std::vector<PendingConnection> program_;
};

// --- pictures

TEST_F(MemoryTest, SnapshotsThatNobodyReads) {
  PaintHostileScreen();
  std::vector<PendingConnection> deaf;
  for (int i = 0; i < kMany; ++i) {
    deaf.push_back(As(kAttacker));
    deaf.back().Say(Ask{.what = "snapshot", .fields = {{"session", "evil"}}});
  }
  ExpectServes(0);
  ExpectServes(kGuest);
  ExpectSmall();
  // A connection that reads gets all of it, and then the next one does.
  ASSERT_TRUE(deaf[0].Hears<Done>());
  EXPECT_GT(deaf[0].paint().size(), 1U << 20);
  ASSERT_TRUE(deaf[1].Hears<Done>());
  EXPECT_TRUE(deaf[1].paint() == deaf[0].paint());
}

TEST_F(MemoryTest, AttachedClientsThatDoNotRead) {
  PaintHostileScreen();
  std::vector<PendingConnection> deaf;
  for (int i = 0; i < kMany; ++i) {
    deaf.push_back(As(kAttacker));
    deaf.back().Say(Attach{.session = "evil"});
  }
  ExpectServes(0);
  ExpectServes(kGuest);
  ExpectSmall();
  PendingConnection guest = As(kGuest);
  guest.Say(Attach{.session = "evil"});
  EXPECT_TRUE(guest.Hears<Paint>());
  // Its turn comes although others never read.
  EXPECT_FALSE(deaf[1].Readable());
  deaf[0] = As(kAttacker);
  EXPECT_TRUE(deaf[1].Hears<Paint>());
}

// Other users' connections in another's session count, too.
TEST_F(MemoryTest, GuestsThatDoNotRead) {
  PaintHostileScreen();
  std::vector<PendingConnection> deaf;
  for (int i = 0; i < kMany; ++i) {
    deaf.push_back(As(kGuest));
    deaf.back().Say(Attach{.session = "evil"});
  }
  ExpectServes(0);
  ExpectServes(kAttacker);
  ExpectSmall();
}

TEST_F(MemoryTest, WhoWaitsIsServedByTheProgramThatTakesOver) {
  PaintHostileScreen();
  PendingConnection deaf = As(kAttacker);
  deaf.Say(Attach{.session = "evil"});
  PendingConnection asks = As(kAttacker);
  asks.Say(Ask{.what = "snapshot", .fields = {{"session", "evil"}}});
  PendingConnection attaches = As(kAttacker);
  attaches.Say(Attach{.session = "evil"});
  ExpectServes(0);
  Upgrade();
  ExpectServes(0);
  EXPECT_FALSE(asks.Readable());
  EXPECT_FALSE(attaches.Readable());
  // The program before wrote half of it.
  ASSERT_TRUE(deaf.Hears<Paint>());
  ASSERT_TRUE(WaitFor([&] {
    deaf.Drain();
    return attaches.Readable();
  }));
  EXPECT_TRUE(attaches.Hears<Attached>());
  EXPECT_TRUE(attaches.Hears<Paint>());
  ASSERT_TRUE(WaitFor([&] {
    attaches.Drain();
    return asks.Readable();
  }));
  EXPECT_TRUE(asks.Hears<Done>());
}

// --- keys

TEST_F(MemoryTest, KeysOfThoseWhoHaveToLeave) {
  Register({});
  PendingConnection administers = As(kAttacker);
  for (int i = 0; i < 1500; ++i) {
    PendingConnection types = As(kAttacker);
    types.Say(Attach{.session = "evil", .from = From::kNow});
    ASSERT_TRUE(types.Hears<Attached>());
    for (int j = 0; j < 3; ++j) types.SaySome(Keys{std::string(16'000, 'x')});
    // This is served after those keys.
    administers.Say(Ask{.what = "head", .fields = {}});
    ASSERT_TRUE(administers.Hears<Done>());
    administers.Say(
        Ask{.what = "kick", .fields = {{"session", "evil"}, {"client", ""}}});
    ASSERT_TRUE(administers.Hears<Done>());
  }
  ExpectSmall();
}

TEST_F(MemoryTest, KeysOfThoseWhoStay) {
  Register({});
  std::vector<PendingConnection> typists;
  for (int i = 0; i < kMany; ++i) {
    typists.push_back(As(kAttacker));
    typists.back().Say(Attach{.session = "evil", .from = From::kNow});
    ASSERT_TRUE(typists.back().Hears<Attached>());
    for (int j = 0; j < 3; ++j) {
      typists.back().SaySome(Keys{std::string(60'000, 'x')});
    }
  }
  ExpectServes(0);
  ExpectSmall();
}

// --- events

TEST_F(MemoryTest, EventsThatNobodyReads) {
  Register({});
  std::vector<PendingConnection> deaf;
  for (int i = 0; i < kMany; ++i) {
    deaf.push_back(As(kAttacker));
    const int little = 1;
    (void)::setsockopt(deaf.back().fd(), SOL_SOCKET, SO_RCVBUF, &little,
                       sizeof little);
    deaf.back().Say(Ask{.what = "events", .fields = {{"session", "evil"}}});
  }
  PendingConnection listens = As(0);
  listens.Say(Ask{.what = "events", .fields = {{"session", "evil"}}});
  constexpr int kVisits = 1500;
  for (int i = 0; i < kVisits; ++i) {
    PendingConnection visitor = As(kAttacker);
    visitor.Say(Attach{.session = "evil", .from = From::kNow});
    ASSERT_TRUE(visitor.Hears<Attached>());
    ASSERT_TRUE(listens.Hears<Item>());
  }
  ExpectServes(0);
  ExpectSmall();
}

// Each of them is told of everything that happens.
TEST_F(MemoryTest, AUserHasSoManyListeners) {
  Register({});
  std::vector<PendingConnection> listeners;
  for (int i = 0; i < 65; ++i) {
    listeners.push_back(As(kAttacker));
    listeners.back().Say(
        Ask{.what = "events", .fields = {{"session", "evil"}}});
  }
  EXPECT_TRUE(listeners.back().Hears<Refused>());
  PendingConnection root = As(0);
  root.Say(Ask{.what = "events", .fields = {{"session", "evil"}}});
  PendingConnection visitor = As(kAttacker);
  visitor.Say(Attach{.session = "evil", .from = From::kNow});
  EXPECT_TRUE(root.Hears<Item>());
  EXPECT_TRUE(listeners.front().Hears<Item>());
}

// --- what isn't whole

TEST_F(MemoryTest, MessagesThatAreNeverWhole) {
  std::vector<PendingConnection> slow;
  const std::string longest(60'000, 'x');
  for (int i = 0; i < 500; ++i) {
    slow.push_back(As(kAttacker));
    slow.back().Say(Ask{.what = "events", .fields = {{"session", ""}}});
    (void)::send(slow.back().fd(), "\xde\xff\xff\x0c", 4, MSG_NOSIGNAL);
    (void)::send(slow.back().fd(), longest.data(), longest.size(),
                 MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  PendingConnection last = As(0);
  last.Say(Ask{.what = "head", .fields = {}});
  EXPECT_TRUE(last.Hears<Done>());
  ExpectSmall();
}

}  // namespace
}  // namespace deptyr
