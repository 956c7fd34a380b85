// A connection to the head socket that asks (deptyr ls, kick, ...): one
// question after the other, each answered by items and then `done`, or by a
// refusal.
#pragma once

#include <string>

#include "lib/head/handover.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Asker {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Says the answer.
    virtual void OnQuestion(Asker& asker, const Ask& question) = 0;
    // All it was told is taken: says more of an answer that isn't whole yet.
    // False if there is none.
    virtual bool SayMore(Asker& asker) = 0;
    // The connection is over.  May destroy the asker, later in the turn.
    virtual void OnAskerDone(Asker& asker) = 0;
  };

  // `received`: what came after the first question, which the owner has.
  Asker(EventLoop& loop, Owner& owner, Fd connection, PeerIdentity identity,
        std::string received);

  // One that another program served until now.
  Asker(EventLoop& loop, Owner& owner, const AskerState& state,
        PeerIdentity identity);
  AskerState Save() const;

  const PeerIdentity& identity() const { return identity_; }
  void Say(const HeadMessage& message);
  void Say(absl::string_view encoded);
  // What it was told and hasn't taken, in bytes.
  size_t owed() const { return outbox_.size(); }
  void Refuse(absl::string_view code, absl::string_view text);
  void End();
  // Takes what has come.
  void Advance();

 private:
  void OnReady(Ready ready);
  void Receive();
  void Flush();

  Owner& owner_;
  Fd connection_;
  const PeerIdentity identity_;
  std::string inbox_;
  std::string outbox_;
  bool input_closed_ = false;
  bool is_over_ = false;
  Watch watch_;
};

}  // namespace deptyr
