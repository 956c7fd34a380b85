// The connections to the head socket that haven't said yet what they want, and
// those of programs between their registration and their exec.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "lib/head/pending_connection.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

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

  // The registration lasts until the exec, or until the session's next program
  // registers; so there are no more of them than sessions.
  void NoteRegistered(PendingConnection& connection);
  void EndRegistration(const std::string& session);

  // These two count only those that haven't registered.
  size_t size() const { return connections_.size() - registered_.size(); }
  std::map<uid_t, size_t> CountByUser() const;
  // This one counts the descriptors of all of them.
  size_t CountDescriptorsOf(uid_t uid) const;

  void Save(HeadState& state) const;
  void Resume(const HeadState& state);

 private:
  PendingConnection& Own(std::unique_ptr<PendingConnection> connection);

  EventLoop& loop_;
  PendingConnection::Owner& owner_;
  Admission& admission_;
  const size_t most_;
  absl::flat_hash_map<const PendingConnection*,
                      std::unique_ptr<PendingConnection>>
      connections_;
  absl::flat_hash_map<std::string, PendingConnection*>
      registered_;  // by session
};

}  // namespace deptyr
