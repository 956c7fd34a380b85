// Decides who may come into head, what they may do there, and how much of it
// they may have.
//
// Every check is OK or says why not, in the words that the refused peer is
// told; RefusalCode() of lib/clients/refusals.h has the code for programs.
// Root and head's own user are exempt from limits where that lets them help:
// they find a reserve of descriptors and clients when others have taken all.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

#include "lib/clients/allow.h"
#include "lib/clients/backlog_quota.h"
#include "lib/clients/limits.h"
#include "lib/clients/listener_spec.h"
#include "lib/clients/refusals.h"
#include "lib/head/session_table.h"
#include "lib/session/session.h"
#include "lib/sys/address.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/slow_closer.h"
#include "lib/sys/user_log.h"
#include "lib/wire/key_values.h"

namespace deptyr {

class Admission {
 public:
  // `allow` and `limits` must outlive this object.  `descriptors_of` counts
  // those that head holds for a user, besides the user's clients.
  Admission(EventLoop& loop, const Limits& limits, const AllowRules& allow,
            absl::AnyInvocable<size_t(uid_t) const> descriptors_of);

  // The refusals so far, and the output that each user hasn't taken yet.
  Refusals& refusals() { return refusals_; }
  const Refusals& refusals() const { return refusals_; }
  BacklogQuota& backlogs() { return backlogs_; }

  Rights RightsIn(const Session& session, const PeerIdentity& who) const;
  absl::Status CheckRight(const PeerIdentity& who, Right right,
                          const Session& session) const;
  // The session of this name, or the newest of `who` without one, if `who` has
  // this right there.
  absl::StatusOr<Session*> FindSession(const SessionTable& sessions,
                                       const std::string& name,
                                       const PeerIdentity& who,
                                       Right right) const;
  // This is about head itself, not a session: root and head's own user may, and
  // so may everyone to whom the rules give that right everywhere.
  bool MayAdminister(const PeerIdentity& who) const;
  // No file rights keep strangers away from an abstract socket.
  absl::Status CheckListener(const ListenerSpec& spec, SocketKind kind,
                             const std::optional<PeerIdentity>& who) const;

  // Clients of all kinds and connections that ask are to take a place here.
  UserCounts& client_counts() { return clients_; }
  const UserCounts& client_counts() const { return clients_; }
  // Whether one more client may come; and to this session.
  absl::Status CheckClients(const std::optional<PeerIdentity>& who) const;
  absl::Status CheckClientsOf(const Session& session) const;
  // Whether head may hold the descriptor `fd` for this user.
  absl::Status CheckDescriptor(int fd, uid_t uid) const;
  // Whether more descriptors may come from this user.
  absl::Status CheckSlowCloses(uid_t uid);
  // Counts one more registration.
  absl::Status CheckRegistration(uid_t uid);
  // A terminal of this user made head wait.  True if that happened so often
  // that it is no coincidence.
  bool NoteHeldUp(uid_t uid);

  void AppendLimits(KeyValues& report) const;

 private:
  size_t MostClientsOfAUser() const;

  const Limits& limits_;
  const AllowRules& allow_;
  absl::AnyInvocable<size_t(uid_t) const> descriptors_of_;
  Refusals refusals_;
  UserLog user_log_;
  RegistrationRate registrations_;
  RegistrationRate held_up_;
  UserCounts clients_;
  BacklogQuota backlogs_;
  SlowCloser slow_closer_;
};

}  // namespace deptyr
