// The clients that are attached to a session: which of them are waited for,
// and which leads.
//
//   if (const size_t room = audience.RoomToRead(); room > 0) {
//     audience.KeepPackets(room);
//     ... read at most that much into the ring ...
//   }
//   audience.PumpThisTurn();
//   audience.UpdateHold();
//
// Falling behind.  When the ring is full, a client is waited for while it takes
// kLeastTaken bytes in every kPatience, out of what its descriptor has queued
// or from the ring.  A client that takes less is passed over, so it costs the
// program kPatience, once.  When it takes something again it is moved forward,
// a terminal to the screen as it is, others to a safe place.  Under
// WhenBehind::kDrop it has to leave; under kBlock nobody is passed over, and
// the program waits.
//
// Coming back.  A head that takes a session back from its store reads nothing
// until as many clients have returned as there were, for a second at most (five
// under kBlock): by then a flood would have lapped them.
//
// Leading.  The client that last typed, or changed its size, leads: the program
// has its size (sizing.h), and gets the answers of its terminal only.  While a
// client has the keys for itself (writer.h), nobody else leads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

#include "lib/session/ring.h"
#include "lib/session/session_client.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

inline constexpr absl::Duration kPatience = absl::Milliseconds(100);
inline constexpr size_t kLeastTaken = 100'000;  // a megabyte a second
// Less room than this isn't worth a read; a PTY rarely gives more at once.
inline constexpr size_t kSmallestRead = 4096;

// How a client that doesn't drain is treated.
enum class WhenBehind { kSkip, kDrop, kBlock };

class Audience {
 public:
  // `look_again` is called when UpdateHold() or awaits() may have another
  // result although no client did anything.
  Audience(EventLoop& loop, Ring& ring, WhenBehind when_behind,
           absl::AnyInvocable<void()> look_again)
      : loop_(loop),
        ring_(ring),
        when_behind_(when_behind),
        look_again_(std::move(look_again)) {}
  Audience(const Audience&) = delete;
  Audience& operator=(const Audience&) = delete;

  // These are in the order they came.
  const std::vector<SessionClient*>& clients() const { return clients_; }
  void Add(SessionClient& client);
  void AddAgain(SessionClient& client);  // one that the program before had
  void Remove(SessionClient& client);
  // Tells each of them, and then has them write what they insert for it.
  void Tell(Change::Kind change);

  // Has a client, or all that aren't blocked, write what they are owed.
  void Pump(SessionClient& client);
  void PumpAll();
  // Pumps as many of them as this turn of the loop has time for; the others
  // follow in the next turns.
  void PumpThisTurn();
  // Calls PumpThisTurn() after this time, unless that is called before.
  void PumpWithin(absl::Duration time);

  // How much may be read without a loss for a client that is waited for.
  size_t RoomToRead() const;
  // Call this before `room` bytes are read: they may overwrite packets that are
  // half written.
  void KeepPackets(size_t room);
  // The ring is full, and somebody is waited for.
  bool held() const { return held_; }
  // Updates held(), and passes over the clients for which patience has run out.
  void UpdateHold();
  void StopHold();  // there is nothing to read any more

  // Clients of a head that died aren't back yet: nothing should be read.
  bool awaits() const { return awaited_ > 0; }
  // Waits for `known` clients, which said that they would come back.
  void Await(uint32_t known);
  // Clients that leave from now on will come back to the next head, which
  // awaits them.
  void StopCounting() { counts_ = false; }

  // The client that has the keys for itself, or null.  It leads.
  const SessionClient* writer() const { return writer_; }
  void SetWriter(const SessionClient* writer);
  // Whether what this client types is for the program now.
  bool Hears(const SessionClient& client) const {
    return writer_ == nullptr || writer_ == &client;
  }

  const SessionClient* leader() const { return leader_; }
  void Lead(const SessionClient& client) {
    if (Hears(client)) leader_ = &client;
  }
  void StopLeading(const SessionClient& client) {
    if (leader_ == &client) leader_ = nullptr;
  }
  // The client whose terminal counts: the one that leads, or, if that has none
  // (a script), the latest to come of those that have one.  It may be null.
  const SessionClient* LeadingTerminal() const;
  // Whether the answers of this client's terminal are for the program.
  bool Answers(const SessionClient& client) const;
  // Whether a client's terminal answers what the program asks now; otherwise
  // head does (query_answers.h).
  bool TerminalAnswers() const;
  // The furthest offset that a client has been at, or head has answered at:
  // questions that the program asked its terminal before that are answered.
  uint64_t answered() const { return answered_; }
  void SetAnswered(uint64_t offset) { answered_ = offset; }
  // The offset up to which head has answered, in place of a terminal.
  uint64_t answered_by_head() const { return answered_by_head_; }
  void NoteAnsweredByHead(uint64_t offset) {
    answered_by_head_ = offset;
    answered_ = std::max(answered_, offset);
  }

 private:
  void PassOverIdlers();
  void WaitForIdlers(int pauses);
  void CountReturners();
  uint32_t returners() const;

  EventLoop& loop_;
  Ring& ring_;
  const WhenBehind when_behind_;
  absl::AnyInvocable<void()> look_again_;
  bool held_ = false;
  bool counts_ = true;
  uint32_t awaited_ = 0;
  std::vector<SessionClient*> clients_;
  const SessionClient* writer_ = nullptr;
  const SessionClient* leader_ = nullptr;
  uint64_t answered_ = 0;
  uint64_t answered_by_head_ = 0;
  size_t next_ = 0;  // index of the first that is pumped in a turn
  Timer pump_;
  Timer patience_;  // the present window
  Timer return_time_;
};

}  // namespace deptyr
