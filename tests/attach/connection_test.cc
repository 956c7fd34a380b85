// How a client finds head, and its end of the connection, on real sockets.
#include "lib/attach/connection.h"

#include <signal.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/attach/ask.h"
#include "lib/sys/io.h"
#include "lib/sys/unix_socket.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RefusalErrorTest, AHeadThatIsTooOldForAQuestionMayBeReplaced) {
  const Refused refused = {.code = kRefusedMalformed,
                           .text = "head doesn't know this question"};
  EXPECT_THAT(RefusalError(refused, "head"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("know this question; if head is older than "
                                 "this deptyr, deptyr upgrade replaces it")));
}

class FindHeadTest : public testing::Test {
 protected:
  FindHeadTest() {
    (void)::unsetenv("DEPTYR_SOCKET");
    (void)::setenv("XDG_RUNTIME_DIR", dir_.path().c_str(), 1);
  }
  const TempDir dir_;
};

TEST_F(FindHeadTest, WhatIsNamedComesFirstThenTheEnvironment) {
  std::filesystem::create_directory(dir_ / "deptyr");
  const std::string own = dir_ / "deptyr/head.sock";
  const ListeningSocket listener = Value(Listen(own, {}));
  EXPECT_EQ(Value(FindHead("")), own);
  (void)::setenv("DEPTYR_SOCKET", "/elsewhere", 1);
  EXPECT_EQ(Value(FindHead("")), "/elsewhere");
  EXPECT_EQ(Value(FindHead("/named")), "/named");
}

TEST_F(FindHeadTest, WhereItWasLookedForIsSaid) {
  if (IsSocket("/run/deptyr/head.sock")) GTEST_SKIP() << "a head runs here";
  EXPECT_THAT(
      FindHead(""),
      StatusIs(absl::StatusCode::kUnavailable,
               HasSubstr("no head at " + dir_.path() +
                         "/deptyr/head.sock or /run/deptyr/head.sock; ")));
  (void)::unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(Value(FindHead("")), "/run/deptyr/head.sock");
}

// The test is head.
class HeadConnectionTest : public testing::Test,
                           public HeadConnection::Listener {
 protected:
  HeadConnectionTest() {
    (void)::signal(SIGPIPE, SIG_IGN);
    SocketPair pair;
    for (const int fd : {pair.ours.get(), pair.theirs.get()}) {
      EXPECT_THAT(SetNonBlocking(fd), IsOk());
    }
    head_ = std::move(pair.ours);
    connection_.emplace(*loop_, std::move(pair.theirs), *this);
  }
  void Say(absl::string_view bytes) const {
    ASSERT_EQ(WriteSome(head_.get(), bytes).bytes, bytes.size());
  }
  void OnMessage(HeadMessage message) override {
    heard_.push_back(std::get<Output>(message).bytes);
  }
  void OnEnd(const absl::Status& why) override { end_ = why; }
  void OnSent() override { ++sent_; }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  Fd head_;
  std::optional<HeadConnection> connection_;
  std::vector<std::string> heard_;
  absl::Status end_;
  int sent_ = 0;
};

TEST_F(HeadConnectionTest, WhoeverIsNoHeadIsFoundOut) {
  Say("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !end_.ok(); }));
  EXPECT_THAT(end_, StatusIs(absl::StatusCode::kFailedPrecondition,
                             HasSubstr("is not a deptyr head: ")));
  EXPECT_THAT(heard_, IsEmpty());
}

TEST_F(HeadConnectionTest, AHeadThatGoesAwayIsMissed) {
  Say(Encode(Output{"last words"}));
  head_.Reset();
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !end_.ok(); }));
  EXPECT_THAT(end_, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(heard_, ElementsAre("last words"));
}

TEST_F(HeadConnectionTest, WhatHeadSaidLastIsHeardThoughNobodyTakesOurs) {
  Say(Encode(Output{"last words"}));
  head_.Reset();
  connection_->Send(Keys{"x"});
  EXPECT_EQ(connection_->unsent(), 0U);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return !end_.ok(); }));
  EXPECT_THAT(heard_, ElementsAre("last words"));
}

TEST_F(HeadConnectionTest, WhatIsSentWaitsForAHeadThatIsSlow) {
  std::string wanted;
  for (int i = 0; i < 100; ++i) {
    const Keys keys{std::string(60'000, 'x')};
    connection_->Send(keys);
    wanted += Encode(keys);
  }
  connection_->CloseSending();
  connection_->Send(Keys{"too late"});
  EXPECT_GT(connection_->unsent(), 0U);
  std::string got;
  bool ended = false;
  ASSERT_TRUE(RunUntil(*loop_, [&] {
    std::array<char, 65536> room;
    const IoResult read = ReadSome(head_.get(), room);
    got.append(room.data(), read.bytes);
    return ended = read.state == IoState::kEnd;
  }));
  EXPECT_TRUE(got == wanted) << got.size();
  EXPECT_EQ(connection_->unsent(), 0U);
  EXPECT_GT(sent_, 0);
}

TEST_F(HeadConnectionTest, PausedItHearsNothing) {
  Say(Encode(Output{"1"}) + Encode(Output{"2"}));
  ASSERT_TRUE(RunUntil(*loop_, [&] { return heard_.size() == 2; }));
  connection_->Pause(true);
  Say(Encode(Output{"3"}));
  EXPECT_TRUE(IsQuiet(*loop_));
  EXPECT_THAT(heard_, ElementsAre("1", "2"));
  connection_->Pause(false);
  ASSERT_TRUE(RunUntil(*loop_, [&] { return heard_.size() == 3; }));
}

TEST(AskTest, AHeadThatDoesNotAnswerIsGivenUp) {
  const TempDir dir;
  const ListeningSocket listener = Value(Listen(dir / "silent", {}));
  EXPECT_THAT(
      AskHead(
          dir / "silent", {.what = "sessions", .fields = {}},
          [](const HeadMessage&) { FAIL(); }, absl::Milliseconds(1)),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("is it stopped?")));
}

}  // namespace
}  // namespace deptyr
