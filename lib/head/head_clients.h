// Everybody who watches a session over a socket: clients at the sockets of
// --raw, --uwsgi and --client-dir, and those that attach at the head socket.
// A client whose session isn't there yet waits for it.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

#include "lib/clients/client_table.h"
#include "lib/clients/listener_spec.h"
#include "lib/head/admission.h"
#include "lib/head/audit.h"
#include "lib/head/pending_connections.h"
#include "lib/head/session_table.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class HeadClients {
 public:
  // `changed` is called when there are more or fewer clients.
  HeadClients(EventLoop& loop, SessionTable& sessions, Admission& admission,
              Audit& audit, const std::string& head_socket,
              absl::AnyInvocable<void()> changed);

  size_t size() const { return clients_.size(); }

  // A connection to a socket for clients.
  void Add(const ListenerSpec& spec, Fd connection,
           const std::optional<PeerIdentity>& who);
  // A connection to the head socket wants to attach; an error is what to refuse
  // it with.
  absl::Status Attach(PendingConnection& connection, deptyr::Attach wish);
  // A program of this session is about to start: those who wait for it join.
  void AssignWaiting(Session& session);

  // Head is about to end: nobody may attach any more, and those who did are
  // told.
  void Stop();
  // Whether any of them has yet to take some of its output.
  bool OwedAnything() const;
  // Call this before the sessions go, because destroying a client can end
  // others.
  void Clear() { clients_.Clear(); }

  // These are for an upgrade.  Sessions are to be resumed before.
  void Save(HeadState& state) const;
  void Resume(const HeadState& state);

 private:
  struct Waiting {
    ConnectedClient* client;
    std::string wanted;  // "" for a session of the client's user
  };
  void Assign(ConnectedClient& client, Session& session);
  void OnGone(const ConnectedClient& client);
  void ResumeAttached(const AttachClientState& state);

  SessionTable& sessions_;
  Admission& admission_;
  Audit& audit_;
  absl::AnyInvocable<void()> changed_;
  ClientTable clients_;
  std::vector<Waiting> waiting_;
  bool stopping_ = false;
};

}  // namespace deptyr
