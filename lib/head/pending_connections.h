// The connections to the head socket that haven't said yet what they want, and
// those of programs between their registration and their exec.  A peer that
// turns out to be a client is passed on.  Nothing that comes is trusted: sizes,
// descriptors, kinds and time are limited here.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
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
    // accepted with Accept(), and then taken.
    virtual absl::Status OnRegister(PendingConnection& peer, Register message,
                                    Fd& controller) = 0;
    // The same for a program that runs already: the leader of the terminal's
    // session.  If the peer only wants to know, Agree() answers.
    virtual absl::Status OnAdopt(PendingConnection& peer, Adopt message,
                                 Fd& controller) = 0;
    virtual void OnExecFailed(PendingConnection& peer,
                              const std::string& text) = 0;
    // Where the lines of the peer's program shall go; it may be anything.
    virtual void OnLog(PendingConnection& peer, const std::string& style,
                       Fd log) = 0;
    // A client: its connection is to be taken over with Release().
    virtual absl::Status OnAttach(PendingConnection& peer, Attach message) = 0;
    virtual absl::Status OnAsk(PendingConnection& peer, Ask message) = 0;
    // The connection is over, whoever ended it.  May destroy it, but only later
    // in the turn.
    virtual void OnPendingDone(PendingConnection& peer) = 0;
  };

  PendingConnection(EventLoop& loop, Owner& owner, Admission& admission,
                    Fd connection, PeerIdentity identity);
  // Resume() is called right after construction, in the program that takes over
  // the connection.
  PeerState Save() const;
  void Resume(const PeerState& state);

  int connection() const { return connection_.get(); }
  const PeerIdentity& identity() const { return identity_; }
  const std::string& session() const { return session_; }
  bool registered() const { return !session_.empty(); }
  Clock::time_point since() const { return since_; }

  // Returns false if the body has gone and can't hear it.
  bool Accept(const std::string& session);
  // Says that head would accept it, and closes the connection.
  void Agree(const std::string& session);
  void Refuse(absl::string_view code, absl::string_view text);
  void Refuse(const absl::Status& why) {
    Refuse(RefusalCode(why), why.message());
  }
  // Closes the connection without a word to the peer.
  void End();
  // Acts on what came before the end.
  void TakeLast();
  // Gives away the connection and what came after the message that is being
  // handled.  Only OnPendingDone() follows.
  std::pair<Fd, std::string> Release();

 private:
  void Wait();
  void OnReadable();
  void Read();
  // Returns false if they are refused.
  bool CheckDescriptors(bool out_of_descriptors);
  void Dispatch(HeadMessage message);
  absl::Status Serve(HeadMessage first);
  // The descriptor that came along, or nothing if it isn't a PTY's controlling
  // end: then the peer is refused.
  std::optional<Fd> TakeController();
  bool Send(const HeadMessage& message);

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
  bool has_log_ = false;  // a registration has one log
  Timer patience_;
  Watch watch_;
};

class PendingConnections {
 public:
  // At most `most` of them may have said nothing.
  PendingConnections(EventLoop& loop, PendingConnection::Owner& owner,
                     Admission& admission, size_t most)
      : loop_(loop), owner_(owner), admission_(admission), most_(most) {}

  PendingConnection& Add(Fd connection, PeerIdentity identity);
  // If there are as many as may be, the user who has most of them loses the
  // oldest, so that nobody's silence keeps others out.  Root and our own user
  // lose theirs only to each other.
  absl::Status MakeRoom(uid_t newcomer);
  // Owner::OnPendingDone() calls this.  The connection is destroyed at the end
  // of the turn.
  void Remove(PendingConnection& connection);

  // The registration of a session's program lasts until the exec, or until the
  // session's next program registers, over the connection `next`; so there are
  // no more of them than sessions.
  void EndRegistration(const std::string& session,
                       const PendingConnection* next = nullptr);

  struct Count {
    size_t silent = 0;  // haven't registered
    size_t all = 0;     // have a descriptor
  };
  std::map<uid_t, Count> CountByUser() const;
  // How many haven't registered.
  size_t size() const;

  void Save(HeadState& state) const;
  void Resume(const HeadState& state);

 private:
  EventLoop& loop_;
  PendingConnection::Owner& owner_;
  Admission& admission_;
  const size_t most_;
  absl::flat_hash_map<const PendingConnection*,
                      std::unique_ptr<PendingConnection>>
      connections_;
};

}  // namespace deptyr
