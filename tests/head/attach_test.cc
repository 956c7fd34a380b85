// A client of head's own protocol, and a session with a terminal that the test
// writes to: what it is sent, in which order, and what becomes of it when it
// doesn't read.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/clients/connected_client.h"
#include "lib/render/render.h"
#include "lib/session/session.h"
#include "lib/sys/io.h"
#include "lib/sys/pty.h"
#include "lib/term/screen.h"
#include "lib/wire/messages.h"
#include "tests/support/session_program.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"
#include "tests/support/watcher.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr size_t kRing = 64 << 10;

class AttachTest : public testing::Test {
 protected:
  explicit AttachTest(SessionOptions options = {}, size_t most = SIZE_MAX,
                      absl::Duration patience = absl::Hours(1))
      : quota_(*loop_, most, patience),
        session_(*loop_, "name", ::getuid(), Value(Ring::Create(kRing)),
                 options, [](Session&, Change) {}) {
    (void)::signal(SIGPIPE, SIG_IGN);
  }

  // A client that reads what it is told, and keeps it.
  class Reader {
   public:
    Reader(AttachTest& test, Attach wish, std::string received = "",
           Rights rights = Rights::All(), uid_t uid = ::getuid(),
           int socket_room = 0)
        : test_(test) {
      if (socket_room > 0) {
        EXPECT_EQ(::setsockopt(pair_.theirs.get(), SOL_SOCKET, SO_SNDBUF,
                               &socket_room, sizeof socket_room),
                  0);
      }
      EXPECT_THAT(SetNonBlocking(pair_.theirs.get()), IsOk());
      EXPECT_THAT(SetNonBlocking(pair_.ours.get()), IsOk());
      client_ = std::make_unique<ConnectedClient>(
          *test.loop_, host_, std::move(pair_.theirs),
          MakeDeptyrProtocol(rights, std::move(wish)),
          PeerIdentity{.pid = 1, .uid = uid, .gid = 0}, std::move(received));
      watch_ = test.loop_->Add(pair_.ours.get(), Interest::kRead,
                               [this](Ready) { Receive(); });
      client_->ChargeTo(test.quota_);
      client_->Join(test.session_);
    }

    // At most so many bytes, now.
    void ReadOnce(size_t most) {
      most_ = most;
      Receive();
    }
    void Read(bool read) {
      watch_.Set(read ? Interest::kRead : Interest::kNone);
    }
    void Say(const HeadMessage& message) {
      const std::string bytes = Encode(message);
      EXPECT_EQ(WriteSome(pair_.ours.get(), bytes).bytes, bytes.size());
    }
    void CloseInput() { (void)::shutdown(pair_.ours.get(), SHUT_WR); }
    void Close() {
      watch_.Reset();
      pair_.ours.Reset();
    }
    bool gone() const { return gone_; }
    ConnectedClient& client() { return *client_; }

    // The stream as it was told, from `offset` on.
    const std::string& output() const { return output_; }
    uint64_t offset() const { return attached_->offset; }
    const Attached& attached() const { return *attached_; }
    const std::string& paint() const { return paint_; }
    // All of them, one after the other.
    const std::string& paints() const { return paints_; }
    // "attached", "output", "paint", "done", the events of notices, the codes
    // of refusals; a run of the same once.
    const std::vector<std::string>& heard() const { return heard_; }
    bool Heard(const std::string& what) const {
      return std::find(heard_.begin(), heard_.end(), what) != heard_.end();
    }
    const KeyValues& last_notice() const { return last_notice_; }

   private:
    void Receive() {
      std::string room(1 << 20, '\0');
      const IoResult got =
          ReadSome(pair_.ours.get(), std::span(room).first(most_));
      if (got.state == IoState::kEnd) watch_.Set(Interest::kNone);
      inbox_.append(room, 0, got.bytes);
      for (;;) {
        absl::string_view rest = inbox_;
        auto message = TakeMessage(rest);
        ASSERT_THAT(message.status(), IsOk());
        if (!message->has_value()) return;
        inbox_.erase(0, inbox_.size() - rest.size());
        Take(**message);
      }
    }
    void Take(const HeadMessage& message) {
      std::string what = "other";
      if (const auto* attached = std::get_if<Attached>(&message)) {
        attached_ = *attached;
        what = "attached";
      } else if (const auto* output = std::get_if<Output>(&message)) {
        output_ += output->bytes;
        what = "output";
      } else if (const auto* paint = std::get_if<Paint>(&message)) {
        paint_ = paint->bytes;
        paints_ += paint->bytes;
        what = "paint";
      } else if (const auto* notice = std::get_if<Notice>(&message)) {
        last_notice_ = notice->fields;
        what = std::string(ValueOf(notice->fields, "event"));
      } else if (const auto* refused = std::get_if<Refused>(&message)) {
        what = refused->code;
      } else if (std::holds_alternative<Done>(message)) {
        what = "done";
      }
      if (heard_.empty() || heard_.back() != what) heard_.push_back(what);
    }

    AttachTest& test_;
    const ClientHost host_{
        .refusals = test_.refusals_,
        .counts = test_.counts_,
        .gone = [this](const ConnectedClient&) { gone_ = true; }};
    SocketPair pair_;
    std::unique_ptr<ConnectedClient> client_;
    Watch watch_;
    bool gone_ = false;
    size_t most_ = 1 << 20;
    std::string inbox_;
    std::string output_;
    std::string paint_;
    std::string paints_;
    std::optional<Attached> attached_;
    std::vector<std::string> heard_;
    KeyValues last_notice_;
  };

  bool Until(absl::FunctionRef<bool()> predicate) {
    return RunUntil(*loop_, predicate);
  }
  bool RingHas(absl::string_view text) {
    const Ring& ring = session_.ring();
    return absl::StrContains(ring.From(ring.begin()), text);
  }
  bool UntilRingHas(absl::string_view text) {
    return Until([&] { return RingHas(text); });
  }
  uint64_t stream() const { return session_.ring().state().stream; }
  SessionProgram& Run(const std::string& script) {
    programs_.push_back(std::make_unique<SessionProgram>(
        *loop_, std::vector<std::string>{"sh", "-c", script}));
    session_.Start(programs_.back()->Registration());
    return *programs_.back();
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  BacklogQuota quota_;
  Refusals refusals_{*loop_};
  UserCounts counts_;
  std::vector<std::unique_ptr<SessionProgram>> programs_;
  Session session_;
};

TEST_F(AttachTest, HistoryThenWhatComesNoByteTwiceNoneMissing) {
  Run("printf before; read x; printf after");
  ASSERT_TRUE(UntilRingHas("before"));
  Reader reader(*this, {.from = From::kHistory});
  ASSERT_TRUE(Until([&] { return reader.output() == "before"; }));
  EXPECT_EQ(reader.attached(), (Attached{.session = "name",
                                         .stream = stream(),
                                         .offset = 0,
                                         .end = 6,
                                         .rows = 24,
                                         .cols = 80,
                                         .number = 1,
                                         .running = true,
                                         .state = session_.State(),
                                         .client = Client::last_id()}));
  reader.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return reader.Heard("ended"); }));
  EXPECT_EQ(reader.output(), "before\nafter");
  EXPECT_THAT(reader.heard(), ElementsAre("attached", "output", "ended"));
  EXPECT_EQ(ValueOf(reader.last_notice(), "number"), "1");
}

TEST_F(AttachTest, TheLastBytesOfTheHistoryBeginAtALine) {
  Run("printf 'one\\ntwo\\nthree\\n'; read x");
  ASSERT_TRUE(UntilRingHas("three"));
  Reader reader(*this, {.from = From::kHistory, .value = 8});
  ASSERT_TRUE(Until([&] { return reader.output() == "three\n"; }));
}

TEST_F(AttachTest, AnOffsetGoesOnWhereSomebodyWas) {
  Run("printf 0123456789; read x");
  ASSERT_TRUE(UntilRingHas("9"));
  Reader reader(*this, {.from = From::kOffset, .value = 4});
  ASSERT_TRUE(Until([&] { return reader.output() == "456789"; }));
  Reader ahead(*this, {.from = From::kOffset, .value = 1000});
  ASSERT_TRUE(Until([&] { return ahead.Heard("attached"); }));
  EXPECT_EQ(ahead.offset(), 10U);
}

TEST_F(AttachTest, AnOffsetThatHasGoneIsToldOf) {
  Run("head -c 100000 /dev/zero | tr '\\0' x; printf end; read x");
  ASSERT_TRUE(UntilRingHas("end"));
  Reader reader(*this, {.from = From::kOffset, .value = 10});
  ASSERT_TRUE(Until([&] { return absl::EndsWith(reader.output(), "end"); }));
  EXPECT_THAT(reader.heard(), ElementsAre("attached", "missed", "output"));
  EXPECT_GE(reader.output().size(), kRing - kRing / 16);
  EXPECT_EQ(ValueOf(reader.last_notice(), "bytes"),
            absl::StrCat(100003 - 10 - reader.output().size()));
}

TEST_F(AttachTest, TheScreenIsPaintedAndThenLive) {
  Run("printf 'gone\\033[2J\\033[5;7Hhere'; read x; printf live");
  ASSERT_TRUE(UntilRingHas("here"));
  Reader reader(*this, {.rows = 24, .cols = 80});
  ASSERT_TRUE(Until([&] { return reader.Heard("paint"); }));
  EXPECT_THAT(reader.paint(), HasSubstr("here"));
  EXPECT_THAT(reader.paint(), testing::Not(HasSubstr("gone")));
  reader.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return reader.Heard("ended"); }));
  EXPECT_EQ(reader.output(), "\nlive");
}

// The second half of the sequence must not be printed as text.
TEST_F(AttachTest, AScreenPaintedAmidASequenceGetsAllOfIt) {
  Run("printf 'text\\033[3'; read x; printf '1mred'; read x");
  ASSERT_TRUE(UntilRingHas("text\033[3"));
  Reader reader(*this, {});
  ASSERT_TRUE(Until([&] { return reader.output() == "\033[3"; }));
  reader.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return absl::EndsWith(reader.output(), "1mred"); }));
}

TEST_F(AttachTest, NothingButWhatComes) {
  Run("printf before; read x; printf after; read x");
  ASSERT_TRUE(UntilRingHas("before"));
  Reader reader(*this, {.from = From::kNow});
  reader.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return absl::EndsWith(reader.output(), "after"); }));
  EXPECT_THAT(reader.output(), testing::Not(HasSubstr("before")));
}

TEST_F(AttachTest, ItStaysForTheNextProgram) {
  Run("exit 3");
  Reader reader(*this, {.from = From::kNow});
  ASSERT_TRUE(Until([&] { return reader.Heard("ended"); }));
  Run("printf again; read x");
  ASSERT_TRUE(Until([&] { return reader.output() == "again"; }));
  EXPECT_THAT(reader.heard(),
              ElementsAre("attached", "ended", "started", "output"));
}

TEST_F(AttachTest, WhatWasSentBeforeAHalfCloseIsTypedAndThenDone) {
  Run("read x; printf \"got $x\"; read y");
  Reader reader(*this, {.from = From::kNow});
  reader.Say(Keys{"line\n"});
  reader.CloseInput();
  ASSERT_TRUE(Until([&] { return reader.Heard("done") && reader.gone(); }));
  EXPECT_TRUE(UntilRingHas("got line"));
}

TEST_F(AttachTest, WhatCameWithTheAttachIsTypedToo) {
  Run("read x; printf \"got $x\"; read y");
  Reader reader(*this, {.from = From::kNow}, Encode(Keys{"early\n"}));
  EXPECT_TRUE(UntilRingHas("got early"));
}

TEST_F(AttachTest, WhoClosesAtOnceHasTyped) {
  Run("read x; printf \"got $x\"; read y");
  Reader reader(*this, {.from = From::kNow});
  reader.Say(Keys{"line\n"});
  reader.Close();
  EXPECT_TRUE(UntilRingHas("got line"));
  EXPECT_TRUE(Until([&] { return reader.gone(); }));
}

// More than the session's queue holds, for a program that reads late.
TEST_F(AttachTest, WhoClosesAfterALongPasteHasTypedIt) {
  const pid_t pid =
      Run("stty raw -echo; kill -STOP $$; head -c 60000 | wc -c; read y").pid();
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &stopped, WSTOPPED), 0);
  Reader reader(*this, {.from = From::kNow});
  for (int i = 0; i < 4; ++i) reader.Say(Keys{std::string(15000, 'x')});
  ASSERT_TRUE(Until([&] { return reader.client().input_blocked(); }));
  reader.Close();
  ASSERT_TRUE(Until([&] { return reader.client().deaf(); }));
  ASSERT_EQ(::kill(pid, SIGCONT), 0);
  EXPECT_TRUE(UntilRingHas("60000"));
  EXPECT_TRUE(Until([&] { return reader.gone(); }));
}

TEST_F(AttachTest, AReadOnlyClientNeitherTypesNorResizes) {
  Run("read x; printf \"got $x\"; read y");
  Reader looks(*this,
               {.rows = 10, .cols = 10, .from = From::kNow, .read_only = true});
  looks.Say(Keys{"bad\n"});
  looks.Say(Resize{.rows = 11, .cols = 11});
  looks.CloseInput();
  ASSERT_TRUE(Until([&] { return looks.Heard("done"); }));
  Reader types(*this, {.from = From::kNow});
  types.Say(Keys{"good\n"});
  EXPECT_TRUE(UntilRingHas("got good"));
  EXPECT_EQ(session_.size(), (WindowSize{24, 80}));
}

// Each key that comes alone is written alone: others are served in between.
TEST_F(AttachTest, InATurnSoManyMessagesAreTaken) {
  Run("read x");
  std::string keys;
  for (int i = 0; i < 3000; ++i) keys += Encode(Keys{"x"});
  Reader looks(*this, {.from = From::kNow, .read_only = true}, keys);
  EXPECT_EQ(looks.client().Info().dropped, 256U);
  looks.CloseInput();
  ASSERT_TRUE(Until([&] { return looks.Heard("done"); }));
  EXPECT_EQ(looks.client().Info().dropped, 3000U);
}

TEST_F(AttachTest, ASizeIsTheProgramsAndEverybodyHearsOfIt) {
  Run("read x");
  Reader reader(*this, {.from = From::kNow});
  Reader other(*this, {.rows = 30, .cols = 100, .from = From::kNow});
  EXPECT_EQ(session_.size(), (WindowSize{30, 100}));
  other.Say(Resize{.rows = 31, .cols = 101});
  ASSERT_TRUE(
      Until([&] { return ValueOf(reader.last_notice(), "rows") == "31"; }));
  EXPECT_EQ(session_.size(), (WindowSize{31, 101}));
}

TEST_F(AttachTest, ThePixelsOfItsTerminalAreTheProgramsToo) {
  Run("read x");
  const auto size = [this] {
    return Value(GetWindowSize(session_.terminal().get()));
  };
  Reader reader(*this, {.rows = 30,
                        .cols = 100,
                        .from = From::kNow,
                        .xpixels = 1000,
                        .ypixels = 600});
  EXPECT_EQ(size(), (WindowSize{30, 100, 1000, 600}));
  reader.Say(Resize{.rows = 30, .cols = 100, .xpixels = 2000, .ypixels = 1200});
  ASSERT_TRUE(Until([&] { return size().xpixels == 2000; }));
  EXPECT_EQ(size(), (WindowSize{30, 100, 2000, 1200}));
  EXPECT_FALSE(reader.Heard("resized"));
  reader.Say(Resize{.rows = 31, .cols = 100});
  ASSERT_TRUE(Until([&] { return size().rows == 31; }));
  EXPECT_EQ(size(), (WindowSize{31, 100}));
}

TEST_F(AttachTest, AMessageThatHasNoPlaceIsRefused) {
  Run("read x");
  Reader reader(*this, {.from = From::kNow});
  reader.Say(Attached{});
  ASSERT_TRUE(Until([&] { return reader.Heard("malformed"); }));
  EXPECT_TRUE(reader.gone());
}

TEST_F(AttachTest, WhoIsKickedIsTold) {
  Run("read x");
  Reader reader(*this, {.from = From::kNow});
  reader.client().Kick("a test");
  ASSERT_TRUE(Until([&] { return reader.Heard("kicked"); }));
  EXPECT_TRUE(reader.gone());
}

// --- a terminal of another size

// Returns the text on a terminal after all that was sent.
std::string ShownOn(WindowSize size, const std::string& paints) {
  Screen screen(size);
  screen.Write(paints);
  return Text(screen);
}

TEST_F(AttachTest, ATerminalOfAnotherSizeIsShownTheScreen) {
  Run("read x; i=0; while [ $i -lt 40 ]; do i=$((i+1)); printf '\\r\\n%d' $i; "
      "done; read x");
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  const Attach looks = {.rows = 40, .cols = 100, .read_only = true};
  Reader larger(*this, looks);
  Reader smaller(*this, {.rows = 3, .cols = 10, .read_only = true});
  ASSERT_TRUE(
      Until([&] { return larger.Heard("paint") && smaller.Heard("paint"); }));
  owner.Say(Keys{"\n"});
  ASSERT_TRUE(UntilRingHas("40"));
  ASSERT_TRUE(Until([&] {
    return ShownOn({40, 100}, larger.paints()) ==
           ShownOn({24, 80}, owner.output());
  })) << ShownOn({40, 100}, larger.paints());
  EXPECT_TRUE(Until([&] {
    return ShownOn({3, 10}, smaller.paints()) == "38\n39\n40\n";
  })) << ShownOn({3, 10}, smaller.paints());
  EXPECT_FALSE(larger.Heard("output"));
  EXPECT_EQ(ValueOf(larger.last_notice(), "offset"),
            absl::StrCat(session_.ring().end()));
  EXPECT_EQ(ValueOf(larger.last_notice(), "bytes"), "0");
}

TEST_F(AttachTest, ATerminalThatFitsAgainGetsTheStream) {
  Run("printf one; read x; printf two; read x");
  ASSERT_TRUE(UntilRingHas("one"));
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  Reader looks(*this, {.rows = 24, .cols = 80, .read_only = true});
  ASSERT_TRUE(Until([&] { return looks.Heard("paint"); }));
  owner.Say(Resize{.rows = 30, .cols = 90});
  ASSERT_TRUE(Until([&] { return session_.size().rows == 30; }));
  ASSERT_TRUE(Until([&] { return looks.heard().back() == "paint"; }));
  owner.Say(Keys{"\n"});
  ASSERT_TRUE(UntilRingHas("two"));
  ASSERT_TRUE(Until([&] {
    return ShownOn({24, 80}, looks.paints()) == "one\n   two\n";
  })) << ShownOn({24, 80}, looks.paints());
  EXPECT_FALSE(looks.Heard("output"));
  looks.Say(Resize{.rows = 30, .cols = 90});
  ASSERT_TRUE(Until([&] { return !looks.client().output().drawn(); }));
  owner.Say(Keys{"x"});
  ASSERT_TRUE(Until([&] { return absl::EndsWith(looks.output(), "x"); }));
  EXPECT_EQ(looks.output(), "x");
}

TEST_F(AttachTest, ATerminalOfAnotherSizeIsToldOfTheEndLast) {
  Run("read x; printf last");
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  Reader looks(*this, {.rows = 30, .cols = 90, .read_only = true});
  owner.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return looks.Heard("ended"); }));
  EXPECT_THAT(looks.paints(), HasSubstr("last"));
  EXPECT_EQ(looks.heard().back(), "ended");
}

TEST_F(AttachTest, ATerminalThatLosesItsSizeIsShownWhatItHadRoomFor) {
  Run("read x; printf one; read x; printf two; read x");
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  Reader looks(*this, {.rows = 30, .cols = 90, .read_only = true});
  ASSERT_TRUE(Until([&] { return looks.Heard("paint"); }));
  looks.Say(Resize{.rows = 0, .cols = 0});
  owner.Say(Keys{"\n"});
  EXPECT_TRUE(Until([&] {
    return absl::StrContains(ShownOn({30, 90}, looks.paints()), "one");
  }));
  looks.Say(Resize{.rows = 0, .cols = 90});
  owner.Say(Keys{"\n"});
  EXPECT_TRUE(Until([&] {
    return absl::StrContains(ShownOn({30, 90}, looks.paints()), "two");
  }));
}

// It holds nobody up, and then sees the screen as it is.
TEST_F(AttachTest, ATerminalOfAnotherSizeThatDoesNotReadCostsNobodyAnything) {
  Run("read x; while :; do printf '%0200d\\r\\n' 0; done");
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  Reader looks(*this, {.rows = 30, .cols = 90, .read_only = true}, "",
               Rights::All(), ::getuid(), /*socket_room=*/1);
  ASSERT_TRUE(Until([&] { return looks.Heard("paint"); }));
  looks.Read(false);
  owner.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return session_.ring().end() > 10 * kRing; }));
  EXPECT_FALSE(looks.client().output().waited_for());
  EXPECT_EQ(owner.client().missed(), 0U);
  looks.Read(true);
  EXPECT_TRUE(Until([&] {
    return absl::StrContains(ShownOn({30, 90}, looks.paints()), "0000");
  }));
}

// However many look, and however fast the program writes.
TEST_F(AttachTest, DrawingTakesASmallPartOfTheTime) {
  Run("read x; while :; do printf '%0200d\\r\\n' 0; done");
  Reader owner(*this, {.rows = 24, .cols = 80, .from = From::kNow});
  std::vector<std::unique_ptr<Reader>> many;
  for (uint16_t rows = 30; rows < 40; ++rows) {
    many.push_back(std::make_unique<Reader>(
        *this, Attach{.rows = rows, .cols = 90, .read_only = true}));
  }
  owner.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return session_.ring().end() > kRing; }));
  const Clock::time_point began = Clock::now();
  size_t before = 0;
  for (const auto& one : many) before += one->paints().size();
  ASSERT_TRUE(Until(
      [&] { return Clock::now() - began > std::chrono::milliseconds(500); }));
  size_t after = 0;
  for (const auto& one : many) after += one->paints().size();
  EXPECT_GT(after, before);
  // A drawing of such a screen has some 2 KB; each has 25 ms to itself.
  EXPECT_LT(after - before, 10 * 21 * 4000);
}

TEST_F(AttachTest, ATerminalOfAnotherSizeIsNotAsked) {
  Run("read x");
  Reader first(*this, {.rows = 30, .cols = 90});
  Reader second(*this, {.rows = 24, .cols = 80});
  ASSERT_TRUE(Until([&] { return second.client().answers(); }));
  ASSERT_TRUE(Until([&] { return !first.client().answers(); }));
  first.Say(Keys{"x"});
  ASSERT_TRUE(Until([&] { return first.client().answers(); }));
  EXPECT_TRUE(Until([&] { return !second.client().answers(); }));
}

// --- one that comes back

TEST_F(AttachTest, WhoComesBackGoesOnWhereItWas) {
  Run("printf one; read x; printf two; read x; printf three; read x");
  ASSERT_TRUE(UntilRingHas("one"));
  std::string all;
  uint64_t offset = 0;
  for (const char* const last : {"one", "\ntwo", "\nthree"}) {
    Reader reader(*this,
                  {.from = From::kNow, .stream = stream(), .offset = offset});
    ASSERT_TRUE(Until([&] { return absl::EndsWith(reader.output(), last); }));
    EXPECT_EQ(reader.offset(), offset);
    all += reader.output();
    offset = reader.offset() + reader.output().size();
    // Nobody reads what comes until the next is there.
    reader.Read(false);
    reader.Say(Keys{"\n"});
    ASSERT_TRUE(Until([&] { return session_.ring().end() > offset; }));
    reader.Close();
  }
  EXPECT_EQ(all, "one\ntwo\nthree");
}

TEST_F(AttachTest, ATerminalThatComesBackIsNotPainted) {
  Run("printf 0123456789; read x");
  ASSERT_TRUE(UntilRingHas("9"));
  Reader reader(*this,
                {.rows = 24, .cols = 80, .stream = stream(), .offset = 4});
  ASSERT_TRUE(Until([&] { return reader.output() == "456789"; }));
  EXPECT_THAT(reader.heard(), ElementsAre("attached", "output"));
  Reader up_to_date(*this, {.stream = stream(), .offset = 10});
  ASSERT_TRUE(Until([&] { return up_to_date.Heard("attached"); }));
  EXPECT_EQ(up_to_date.offset(), 10U);
}

TEST_F(AttachTest, WhatHappenedMeanwhileIsToldAtItsPlace) {
  Run("printf one; read x; exit 3");
  ASSERT_TRUE(UntilRingHas("one"));
  {
    Reader first(*this, {.from = From::kNow});
    first.Say(Keys{"\n"});
    ASSERT_TRUE(Until([&] { return !session_.running(); }));
  }
  Run("printf two; read x");
  ASSERT_TRUE(UntilRingHas("two"));
  Reader reader(*this, {.from = From::kNow, .stream = stream(), .offset = 3});
  ASSERT_TRUE(Until([&] { return reader.output() == "\ntwo"; }));
  EXPECT_THAT(reader.heard(),
              ElementsAre("attached", "output", "ended", "started", "output"));
  EXPECT_EQ(ValueOf(reader.last_notice(), "number"), "2");
  EXPECT_EQ(reader.attached().number, 2U);
  Reader later(*this, {.from = From::kNow, .stream = stream(), .offset = 5});
  ASSERT_TRUE(Until([&] { return later.output() == "wo"; }));
  EXPECT_THAT(later.heard(), ElementsAre("attached", "output"));
}

TEST_F(AttachTest, WhoIsInAnotherStreamGetsAllOfThisOne) {
  Run("printf 0123456789; read x");
  ASSERT_TRUE(UntilRingHas("9"));
  Reader other(*this,
               {.from = From::kNow, .stream = stream() + 1, .offset = 4});
  ASSERT_TRUE(Until([&] { return other.output() == "0123456789"; }));
  EXPECT_EQ(other.attached().stream, stream());
  Reader ahead(*this, {.from = From::kNow, .stream = stream(), .offset = 1000});
  ASSERT_TRUE(Until([&] { return ahead.output() == "0123456789"; }));
  Reader terminal(*this, {.stream = stream() + 1, .offset = 4});
  ASSERT_TRUE(Until([&] { return terminal.Heard("paint"); }));
  EXPECT_THAT(terminal.paint(), HasSubstr("0123456789"));
  EXPECT_THAT(terminal.heard(), ElementsAre("attached", "paint"));
}

// --- one that doesn't read

// More than the ring has, in lines.  The terminal adds no carriage returns, so
// on a screen they are a staircase; the end is at the beginning of a row.
constexpr char kFlood[] =
    "i=0; while [ $i -lt 4 ]; do seq 100000 129999; "
    "i=$((i+1)); done; printf '\\rthe end'; read x";

TEST_F(AttachTest, APacketThatIsBegunIsWholeWhateverIsPassedOver) {
  Run(kFlood);
  Reader reader(*this, {.from = From::kHistory});
  reader.Read(false);
  ASSERT_TRUE(UntilRingHas("the end"));
  reader.Read(true);
  // Were a packet cut short, the rest would not decode.
  ASSERT_TRUE(
      Until([&] { return absl::EndsWith(reader.output(), "the end"); }));
  EXPECT_TRUE(reader.Heard("missed"));
  EXPECT_EQ(reader.client().missed() + reader.output().size(),
            session_.ring().end());
}

TEST_F(AttachTest, ATerminalThatFellBehindIsRedrawn) {
  Run(kFlood);
  Reader reader(*this, {.rows = 24, .cols = 80});
  reader.Read(false);
  ASSERT_TRUE(UntilRingHas("the end"));
  reader.Read(true);
  ASSERT_TRUE(
      Until([&] { return absl::StrContains(reader.paint(), "the end"); }));
  EXPECT_THAT(reader.heard(),
              ElementsAre("attached", "paint", "output", "missed", "paint"));
}

TEST_F(AttachTest, WhoComesBackTooLateIsToldWhatItMissed) {
  Run(kFlood);
  ASSERT_TRUE(UntilRingHas("the end"));
  Reader reader(*this, {.from = From::kNow, .stream = stream(), .offset = 10});
  ASSERT_TRUE(
      Until([&] { return absl::EndsWith(reader.output(), "the end"); }));
  EXPECT_THAT(reader.heard(), ElementsAre("attached", "missed", "output"));
  EXPECT_EQ(reader.offset() + reader.output().size(), session_.ring().end());
  EXPECT_EQ(ValueOf(reader.last_notice(), "bytes"),
            absl::StrCat(reader.offset() - 10));
  EXPECT_EQ(ValueOf(reader.last_notice(), "offset"),
            absl::StrCat(reader.offset()));
  EXPECT_EQ(reader.output().find('\n'), 6U) << "not at the beginning of a line";
  Reader terminal(*this, {.stream = stream(), .offset = 10});
  ASSERT_TRUE(Until([&] { return terminal.Heard("paint"); }));
  EXPECT_THAT(terminal.paint(), HasSubstr("1299"));
  EXPECT_THAT(terminal.heard(), ElementsAre("attached", "missed", "paint"));
}

// --- a picture that isn't taken

// A picture has more than the socket takes, and there is room for one.
class PictureTest : public AttachTest {
 protected:
  explicit PictureTest(absl::Duration patience = absl::Hours(1))
      : AttachTest({}, 1, patience) {}

  // Attached, and reads or doesn't; its socket holds a few cells.
  std::unique_ptr<Reader> Attaches(bool reads, uid_t uid = kUser,
                                   const Attach& wish = {}) {
    auto reader =
        std::make_unique<Reader>(*this, wish, "", Rights::All(), uid, 1);
    reader->Read(reads);
    return reader;
  }
  // A program that has a screen of a great many colours.
  void SetUp() override {
    Run(R"(awk 'BEGIN {
             for (y = 1; y < 24; ++y) {
               printf "\033[%d;1H", y
               for (x = 1; x <= 80; ++x) printf "\033[38;2;%d;%d;1mX", y, x
             }
             printf "\033[m\033[24;1Hthe end"
           }'; read x)");
    ASSERT_TRUE(UntilRingHas("the end"));
    Reader reader(*this, {});
    ASSERT_TRUE(Until([&] { return reader.Heard("paint"); }));
    ASSERT_TRUE(IsQuiet(*loop_));
    picture_ = reader.paints();
    ASSERT_GT(picture_.size(), 25'000U);
  }
  static constexpr uid_t kUser = 4711;
  std::string picture_;
};

TEST_F(PictureTest, IsMadeWhenTheUsersOtherIsTaken) {
  const auto first = Attaches(false);
  const auto second = Attaches(true);
  const auto third = Attaches(false);
  ASSERT_TRUE(IsQuiet(*loop_));
  EXPECT_THAT(second->heard(), ElementsAre());
  // It begins with the screen as it is then.
  programs_.back()->process().Signal(SIGKILL);
  ASSERT_TRUE(Until([&] { return !session_.running(); }));
  EXPECT_THAT(second->heard(), ElementsAre());
  first->Read(true);
  ASSERT_TRUE(Until([&] { return second->paints() == picture_; }));
  EXPECT_TRUE(first->paints() == picture_);
  EXPECT_THAT(second->heard(), ElementsAre("attached", "paint"));
  EXPECT_FALSE(second->attached().running);
  third->Read(true);
  ASSERT_TRUE(Until([&] { return third->paints() == picture_; }));
}

TEST_F(PictureTest, OfAnotherUserIsMadeAtOnce) {
  const auto first = Attaches(false);
  const auto second = Attaches(false);
  const auto other = Attaches(true, kUser + 1);
  const auto root = Attaches(true, 0);
  ASSERT_TRUE(Until([&] { return other->paints() == picture_; }));
  ASSERT_TRUE(Until([&] { return root->paints() == picture_; }));
  EXPECT_THAT(second->heard(), ElementsAre());
}

TEST_F(PictureTest, WhoNeedsNoneDoesNotWait) {
  const auto first = Attaches(false);
  const auto second = Attaches(true, kUser, {.from = From::kHistory});
  ASSERT_TRUE(
      Until([&] { return absl::EndsWith(second->output(), "the end"); }));
}

TEST_F(PictureTest, IsMadeWhenWhoHadTheOtherHasGone) {
  auto first = Attaches(false);
  auto second = Attaches(false);
  const auto third = Attaches(true);
  first->Close();
  ASSERT_TRUE(Until([&] { return first->gone(); }));
  first.reset();
  second->client().Kick("test");
  ASSERT_TRUE(Until([&] { return second->gone(); }));
  second.reset();
  ASSERT_TRUE(Until([&] { return third->paints() == picture_; }));
}

TEST_F(PictureTest, WhoWaitsForItIsTypedAndToldThatAllIs) {
  const auto first = Attaches(false);
  const auto second = Attaches(true);
  second->Say(Keys{"typed"});
  second->CloseInput();
  ASSERT_TRUE(UntilRingHas("typed"));
  EXPECT_THAT(second->heard(), ElementsAre());
  first->Read(true);
  ASSERT_TRUE(Until([&] { return second->Heard("done"); }));
  EXPECT_THAT(second->heard(), ElementsAre("attached", "paint", "done"));
  EXPECT_TRUE(Until([&] { return second->gone(); }));
}

TEST_F(PictureTest, ThatIsHalfTakenIsCutWhereAPacketEndsWhenItHasToLeave) {
  const auto first = Attaches(false);
  ASSERT_TRUE(IsQuiet(*loop_));
  first->client().Kick("test");
  first->Read(true);
  ASSERT_TRUE(Until([&] { return first->Heard("kicked"); }));
  EXPECT_LT(first->paints().size(), picture_.size());
}

class ImpatientTest : public PictureTest {
 protected:
  ImpatientTest() : PictureTest(absl::Milliseconds(200)) {}
};

TEST_F(ImpatientTest, WhoTakesNothingOfItIsPassedOverAndRedrawnLater) {
  const auto first = Attaches(false);
  const auto second = Attaches(true);
  ASSERT_TRUE(Until([&] { return second->paints() == picture_; }));
  EXPECT_FALSE(first->gone());
  first->Read(true);
  ASSERT_TRUE(Until([&] { return first->Heard("missed"); }));
  ASSERT_TRUE(Until([&] { return absl::EndsWith(first->paints(), picture_); }));
  EXPECT_THAT(first->heard(),
              ElementsAre("attached", "paint", "missed", "paint"));
}

TEST_F(ImpatientTest, WhoTakesItSlowlyGetsItWhole) {
  const auto slow = Attaches(false);
  Timer read;
  absl::AnyInvocable<void()> take = [&] {
    slow->ReadOnce(1000);
    read = loop_->After(absl::Milliseconds(20), [&] { take(); });
  };
  take();
  ASSERT_TRUE(Until([&] { return slow->paints().size() >= picture_.size(); }));
  EXPECT_TRUE(slow->paints() == picture_);
  EXPECT_THAT(slow->heard(), ElementsAre("attached", "paint"));
}

// If one of two clients doesn't read, the other still gets all of it.
TEST_F(AttachTest, AnotherLosesNothing) {
  Reader stuck(*this, {.from = From::kHistory});
  stuck.Read(false);
  Reader eager(*this, {.from = From::kHistory});
  Run(kFlood);
  ASSERT_TRUE(Until([&] { return absl::EndsWith(eager.output(), "the end"); }));
  EXPECT_EQ(eager.output().size(), session_.ring().end());
  EXPECT_FALSE(eager.Heard("missed"));
}

// These tests say what a client that doesn't read is told, and whether the
// program waits.
class BehindTest : public AttachTest {
 protected:
  explicit BehindTest(WhenBehind when_behind)
      : AttachTest({.when_behind = when_behind}) {}
};
class DropTest : public BehindTest {
 protected:
  DropTest() : BehindTest(WhenBehind::kDrop) {}
};
class BlockTest : public BehindTest {
 protected:
  BlockTest() : BehindTest(WhenBehind::kBlock) {}
};

TEST_F(DropTest, WhoDoesNotReadHasToLeave) {
  Run(kFlood);
  Reader stuck(*this, {.from = From::kHistory});
  stuck.Read(false);
  ASSERT_TRUE(UntilRingHas("the end"));
  // It has a moment for what was on its way.
  EXPECT_TRUE(Until([&] { return stuck.gone(); }));
}

TEST_F(DropTest, WhoHasToLeaveIsToldSoAfterWhatIsHalfWritten) {
  Run(kFlood);
  Reader slow(*this, {.from = From::kHistory});
  slow.Read(false);
  // By then it has to leave; it isn't waited for for long.
  ASSERT_TRUE(Until(
      [&] { return session_.ring().end() > slow.client().cursor() + kRing; }));
  slow.Read(true);
  EXPECT_TRUE(Until([&] { return slow.gone() && slow.Heard("kicked"); }));
}

TEST_F(BlockTest, TheProgramWaitsForWhoDoesNotRead) {
  Run(kFlood);
  Reader stuck(*this, {.from = From::kHistory});
  stuck.Read(false);
  ASSERT_TRUE(Until([&] {
    return session_.ring().end() - stuck.client().cursor() + 4096 > kRing;
  }));
  ASSERT_TRUE(WaitFor([&] { return IsQuiet(*loop_); }));
  EXPECT_FALSE(RingHas("the end"));
  stuck.Read(true);
  ASSERT_TRUE(Until([&] { return absl::EndsWith(stuck.output(), "the end"); }));
  EXPECT_FALSE(stuck.Heard("missed"));
  EXPECT_EQ(stuck.output().size(), session_.ring().end());
}

// --- a status that comes from elsewhere

TEST_F(AttachTest, AStatusThatIsToldLaterReachesWhoWaitsForIt) {
  EXPECT_FALSE(session_.TellStatus({.code = 1}).ok()) << "nothing ended";
  SessionProgram& program = Run("read x; exit 3");
  Reader reader(*this, {.from = From::kNow});
  EXPECT_FALSE(session_.TellStatus({.code = 1}).ok()) << "it runs";
  reader.Say(Keys{"\n"});
  ASSERT_TRUE(Until([&] { return reader.Heard("ended"); }));
  EXPECT_EQ(program.status(), ExitStatus{.code = 3});
  EXPECT_THAT(session_.TellStatus({.code = 3}), IsOk());
  if (ValueOf(reader.last_notice(), "code").empty()) {  // an old kernel
    ASSERT_TRUE(Until([&] { return reader.Heard("status"); }));
  }
  EXPECT_EQ(ValueOf(reader.last_notice(), "code"), "3");
  EXPECT_EQ(session_.State(), "ended: exit status 3");
  EXPECT_THAT(session_.TellStatus({.code = 4}), IsOk());
  EXPECT_EQ(session_.State(), "ended: exit status 3") << "it was known";
}

}  // namespace
}  // namespace deptyr
