// A client of a session at one end of a socket pair; the test reads the other.
//
//   Watcher watcher(loop);
//   watcher.Join(session);
//   ASSERT_TRUE(RunUntil(loop, [&] { return watcher.HasEnded(); }));
//   EXPECT_EQ(watcher.text(), "hello\r\n");
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/clients/client.h"
#include "lib/session/session.h"
#include "lib/sys/event_loop.h"
#include "tests/support/socket_pair.h"

namespace deptyr {

class Watcher : private SocketPair, public Client {
 public:
  explicit Watcher(EventLoop& loop);

  // Sees everything that the session's present or last program wrote.
  void Join(Session& session) {
    session.Attach(*this, session.ring().history_start());
  }
  // Sees everything from the next byte on.
  void JoinNow(Session& session) {
    session.Attach(*this, session.ring().end());
  }

  // Whether the test reads what arrives; it does unless told otherwise.
  void Read(bool read);
  // Acts as if its process died.
  void HangUp();

  // Everything that arrived, or its number of bytes.
  const std::string& text() const { return text_; }
  size_t bytes() const { return text_.size(); }
  // "started", how it ended, "missed", "gone" and "room", in their order.
  const std::vector<std::string>& events() const { return events_; }
  bool Heard(const std::string& event) const;
  // The text that had arrived, and the end of the ring, when it heard of the
  // last end.
  uint64_t ring_end_at_end() const { return ring_end_at_end_; }

  void WaitForRoom(bool wait) override;
  void OnGone() override { events_.emplace_back("gone"); }
  std::optional<uint64_t> SkipAhead(const Ring& ring) override {
    events_.emplace_back("missed");
    return Client::SkipAhead(ring);
  }
  ClientInfo Info() const override { return {.kind = ClientKind::kRaw}; }
  void Kick(absl::string_view) override { events_.emplace_back("kicked"); }
  void OnInputUnblocked() override { events_.emplace_back("room"); }
  void OnChange(Change::Kind change) override;

 private:
  void OnArrival();

  std::string text_;
  std::vector<std::string> events_;
  uint64_t ring_end_at_end_ = 0;
  Watch room_;
  Watch arrival_;
};

}  // namespace deptyr
