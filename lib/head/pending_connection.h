// One connection to the head socket: somebody who hasn't said yet what they
// want, then a body between its registration and its exec; whoever turns out
// to be a client is passed on.  What it sends is never trusted: sizes,
// descriptors, kinds and time are limited here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/message_inbox.h"
#include "lib/wire/messages.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

// How long a peer may take to say what it wants, and then to execute its
// program.  One that takes longer can't say any more that it failed.
inline constexpr absl::Duration kPeerPatience = absl::Seconds(10);

class PendingConnection {
 public:
  // What a peer leads to.  OnPendingDone may destroy it, later in the turn.
  class Owner {
   public:
    virtual ~Owner() = default;
    // Decides, by Accept() or Refuse(), on a well-formed registration with one
    // descriptor beside it, a PTY's controlling end.
    virtual void OnRegister(PendingConnection& peer, Register message,
                            Fd controller) = 0;
    virtual void OnExecFailed(PendingConnection& peer,
                              const std::string& text) = 0;
    // Whether this peer may have head hold one more descriptor.
    virtual absl::Status CheckDescriptor(int fd, uid_t uid) const = 0;
    // It is a client: takes the connection over with Release().
    virtual void OnAttach(PendingConnection& peer, Attach message) = 0;
    virtual void OnAsk(PendingConnection& peer, Ask message) = 0;
    // It is told, and goes.
    virtual void OnRefused(const PeerIdentity& who, absl::string_view code,
                           absl::string_view text) = 0;
    // The connection is over, whoever ended it.
    virtual void OnPendingDone(PendingConnection& peer) = 0;
  };

  PendingConnection(EventLoop& loop, Owner& owner, Fd connection,
                    PeerIdentity identity);

  // One that another program served until now.
  PendingConnection(EventLoop& loop, Owner& owner, const PeerState& state,
                    PeerIdentity identity);
  PeerState Save() const;

  int connection() const { return connection_.get(); }
  const PeerIdentity& identity() const { return identity_; }
  const std::string& session() const { return session_; }
  bool registered() const { return !session_.empty(); }
  Clock::time_point since() const { return since_; }

  // False if the body isn't there any more to hear it.
  bool Accept(const std::string& session);
  void Refuse(absl::string_view code, absl::string_view text);
  // Quietly: it isn't told.
  void End();
  // The connection, and what came after the message that is being handled.
  // Nothing more comes from this peer but OnPendingDone().
  std::pair<Fd, std::string> Release();

 private:
  void Wait();
  void OnReadable();
  void Dispatch(HeadMessage message);
  bool SpeaksOurVersion(int version);
  void TakeRegister(Register message);
  bool Send(const HeadMessage& message);
  void Done();

  EventLoop& loop_;
  Owner& owner_;
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
