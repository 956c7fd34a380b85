// One connection to the head socket whose peer hasn't said yet what it wants,
// or is a body between its registration and its exec.  A peer that turns out to
// be a client is passed on.  Nothing that comes is trusted: sizes, descriptors,
// kinds and time are limited here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/head/admission.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/message_inbox.h"
#include "lib/wire/messages.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

// How long a peer may take to say what it wants, and then to execute its
// program.  A body that takes longer can't report a failure any more.
inline constexpr absl::Duration kPeerPatience = absl::Seconds(10);

class PendingConnection {
 public:
  // Decides where a peer's first message leads.  An error refuses the peer.
  class Owner {
   public:
    virtual ~Owner() = default;
    // A well-formed registration with the controlling end of a PTY, to be
    // accepted with Accept().
    virtual absl::Status OnRegister(PendingConnection& peer, Register message,
                                    Fd controller) = 0;
    virtual void OnExecFailed(PendingConnection& peer,
                              const std::string& text) = 0;
    // A client: its connection is to be taken over with Release().
    virtual absl::Status OnAttach(PendingConnection& peer, Attach message) = 0;
    virtual absl::Status OnAsk(PendingConnection& peer, Ask message) = 0;
    // The connection is over, whoever ended it.  May destroy it, but only later
    // in the turn.
    virtual void OnPendingDone(PendingConnection& peer) = 0;
  };

  PendingConnection(EventLoop& loop, Owner& owner, Admission& admission,
                    Fd connection, PeerIdentity identity);
  // A connection that the program before served.
  PendingConnection(EventLoop& loop, Owner& owner, Admission& admission,
                    const PeerState& state, PeerIdentity identity);
  PeerState Save() const;

  int connection() const { return connection_.get(); }
  const PeerIdentity& identity() const { return identity_; }
  const std::string& session() const { return session_; }
  bool registered() const { return !session_.empty(); }
  Clock::time_point since() const { return since_; }

  // Returns false if the body has gone and can't hear it.
  bool Accept(const std::string& session);
  void Refuse(absl::string_view code, absl::string_view text);
  void Refuse(const absl::Status& why) {
    Refuse(RefusalCode(why), why.message());
  }
  // Closes the connection without a word to the peer.
  void End();
  // Gives away the connection and what came after the message that is being
  // handled.  Only OnPendingDone() follows.
  std::pair<Fd, std::string> Release();

 private:
  void Wait();
  void OnReadable();
  void Dispatch(HeadMessage message);
  bool SpeaksOurVersion(int version);
  void TakeRegister(Register message);
  void RefuseUnless(const absl::Status& ok) {
    if (!ok.ok()) Refuse(ok);
  }
  bool Send(const HeadMessage& message);
  void Done();

  EventLoop& loop_;
  Owner& owner_;
  Admission& admission_;
  Fd connection_;
  const PeerIdentity identity_;
  const Clock::time_point since_ = Clock::now();
  MessageInbox inbox_{kLongestRequest};
  std::vector<Fd> fds_;
  std::string session_;
  bool done_ = false;
  Timer patience_;
  Watch watch_;
};

}  // namespace deptyr
