// Listeners hear of the events they may; one that doesn't read is closed.
#include "lib/head/event_listeners.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sys/io.h"
#include "tests/support/socket_pair.h"
#include "tests/support/status_matchers.h"
#include "tests/support/wait.h"

namespace deptyr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr uid_t kAlice = 1001;
constexpr uid_t kBob = 1002;
constexpr size_t kMostOwed = 1000;

class EventListenersTest : public testing::Test, public QueryConnection::Owner {
 protected:
  struct Listener {
    Fd peer;
    std::unique_ptr<QueryConnection> connection;
  };

  void OnQuestion(QueryConnection&, const Ask&) override {}
  bool SayMore(QueryConnection&) override { return false; }
  void OnStuck(QueryConnection&) override {}
  void OnQueryDone(QueryConnection& asker) override { events_.Remove(asker); }

  Listener Listen(uid_t uid, const std::string& session = "",
                  bool full = false) {
    SocketPair sockets;
    EXPECT_THAT(SetNonBlocking(sockets.ours.get()), IsOk());
    while (full && WriteSome(sockets.ours.get(), "x").bytes > 0) {
    }
    Listener listener;
    listener.peer = std::move(sockets.theirs);
    listener.connection = std::make_unique<QueryConnection>(
        *loop_, *this, counts_, std::move(sockets.ours),
        PeerIdentity{.pid = 1, .uid = uid, .gid = uid}, "");
    EXPECT_THAT(events_.Add(*listener.connection, session), IsOk());
    return listener;
  }
  // Gives events the turn in which they are written, and reads them.
  std::string Heard(const Listener& listener) {
    bool turned = false;
    const Timer turn =
        loop_->After(absl::ZeroDuration(), [&] { turned = true; });
    EXPECT_TRUE(RunUntil(*loop_, [&] { return turned; }));
    if (BytesReadable(listener.peer.get()) == 0) return "";
    char room[4096];
    return std::string(room, ReadSome(listener.peer.get(), room).bytes);
  }

  const std::unique_ptr<EventLoop> loop_ = Value(EventLoop::Create());
  const Limits limits_ = {};
  const AllowRules allow_ = {};
  Admission admission_{*loop_, limits_, allow_, [](uid_t) { return 0; }};
  EventListeners events_{admission_, kMostOwed};
  UserCounts counts_;
  Session alices_{*loop_, "alices",
                  kAlice, Value(Ring::Create(4096)),
                  {},     [](Session&, Change) {}};
  Session other_{*loop_, "other",
                 kAlice, Value(Ring::Create(4096)),
                 {},     [](Session&, Change) {}};
};

TEST_F(EventListenersTest, EachHearsOfWhatItAskedForAndMaySee) {
  const Listener of_all = Listen(kAlice);
  const Listener of_one = Listen(kAlice, "other");
  const Listener stranger = Listen(kBob);
  events_.Tell(alices_, "forgotten");
  EXPECT_THAT(Heard(of_all), HasSubstr("forgotten"));
  EXPECT_EQ(Heard(of_one), "");
  EXPECT_EQ(Heard(stranger), "");
  events_.Tell(other_, {Change::kResized});
  EXPECT_THAT(Heard(of_all), HasSubstr("resized"));
  EXPECT_THAT(Heard(of_one), HasSubstr("resized"));
}

TEST_F(EventListenersTest, AUserHasOnlySoManyListeners) {
  std::vector<Listener> listeners;
  for (int i = 0; i < 64; ++i) listeners.push_back(Listen(kAlice));
  SocketPair sockets;
  QueryConnection one_more(*loop_, *this, counts_, std::move(sockets.ours),
                           listeners[0].connection->identity(), "");
  EXPECT_THAT(events_.Add(one_more, ""),
              StatusIs(absl::StatusCode::kResourceExhausted));
  listeners[0].connection->End();
  EXPECT_THAT(events_.Add(one_more, ""), IsOk());
}

TEST_F(EventListenersTest, AListenerThatDoesNotReadIsClosedForTheOthers) {
  const Listener reads = Listen(kAlice);
  const Listener silent = Listen(kAlice, "", true);
  const Listener of_root = Listen(0);
  for (int i = 0; i < 100 && !silent.connection->is_over(); ++i) {
    events_.Tell(alices_, "stopping");
    (void)Heard(reads);
    (void)Heard(of_root);
  }
  EXPECT_TRUE(silent.connection->is_over());
  EXPECT_FALSE(reads.connection->is_over());
  EXPECT_FALSE(of_root.connection->is_over());
  EXPECT_THAT(admission_.refusals().counts(), ElementsAre(Pair("limit", 1)));
}

}  // namespace
}  // namespace deptyr
