// A connection to the head socket that asks (deptyr ls, kick, ...): one
// question after the other, each answered by items and then `done`, or by a
// refusal.  The next question is read only once the answer has been taken, so
// nothing grows that the peer doesn't read.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/base/byte_queue.h"
#include "lib/clients/backlog_quota.h"
#include "lib/clients/limits.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/message_inbox.h"
#include "lib/wire/messages.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class QueryConnection {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Says the answer, or makes the asker wait; then the question comes again.
    virtual void OnQuestion(QueryConnection& asker, const Ask& question) = 0;
    // The asker has taken everything: says more of an answer that isn't
    // complete yet, or makes the asker wait.  False if there is no more.
    virtual bool SayMore(QueryConnection& asker) = 0;
    // The asker takes nothing of its answer.
    virtual void OnStuck(QueryConnection& asker) = 0;
    // The connection is over.  May destroy the asker, but only later in the
    // turn.
    virtual void OnQueryDone(QueryConnection& asker) = 0;
  };

  // The peer is told this, too; the owner keeps it here.
  struct Standing {
    std::optional<std::string> events;  // of this session; "" for all
    // The last session it was told of, while it is being told of all.
    std::optional<std::string> listed;
    bool upgrade = false;  // whether one fails
  };

  // `received` is what came so far, from the first question on.  The connection
  // takes a place in `counts`.
  QueryConnection(EventLoop& loop, Owner& owner, UserCounts& counts,
                  Fd connection, PeerIdentity identity, std::string received);
  // Resume() is called right after construction, in the program that takes over
  // the connection, and what it had received.
  AskerState Save() const;
  void Resume(const AskerState& state);

  Standing& standing() { return standing_; }
  const PeerIdentity& identity() const { return identity_; }
  bool is_over() const { return is_over_; }
  // Bytes that aren't taken at once are charged to the peer's user there.
  void Say(std::string encoded, BacklogQuota* quota = nullptr);
  // Waits until there is room for the answer; then the question comes again.
  void Wait(BacklogQuota& quota);
  // Like Say(), but the bytes are written at the end of the turn or when much
  // has gathered: an event may be one of thousands in a turn.
  void SayLater(std::string encoded);
  // How many bytes it was told and hasn't taken.
  size_t owed() const { return outbox_.bytes().size(); }
  void Refuse(absl::string_view code, absl::string_view text);
  void End();
  // Answers what has come.
  void Advance();

 private:
  void OnReady(Ready ready);
  void Receive();
  void Flush();
  void UpdateInterest();

  EventLoop& loop_;
  Owner& owner_;
  Fd connection_;
  const PeerIdentity identity_;
  std::optional<UserCounts::Place> place_;  // until it ends
  Standing standing_;
  MessageInbox inbox_;
  ByteQueue outbox_{SIZE_MAX};
  std::unique_ptr<BacklogQuota::Held> held_;  // outbox_
  BacklogQuota::Place in_line_;
  bool input_closed_ = false;
  bool is_over_ = false;
  Timer flush_;
  Watch watch_;
};

}  // namespace deptyr
