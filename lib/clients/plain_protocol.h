// The base of the protocols of client sockets: output is the program's bytes as
// they are, and the socket's policy says what a client may do and what it is
// sent first.  Derived classes know what the client says: raw (bytes both ways,
// nothing else) and uwsgi-framed (packets up, bytes down).
#pragma once

#include <optional>

#include "lib/clients/client_protocol.h"
#include "lib/clients/listener_spec.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class PlainProtocol : public ClientProtocol {
 public:
  explicit PlainProtocol(ClientPolicy policy) : policy_(std::move(policy)) {}

  ClientKind kind() const override { return policy_.kind; }
  Client::Output output() const override { return Client::Output::kPlain; }
  bool types_after_close() const override { return policy_.type_after_close; }
  Rights RightsIn(const Session& session,
                  const std::optional<PeerIdentity>& identity) const override;
  void Join(ConnectedClient& client, Session& session) override;
  std::optional<uint64_t> Begin(ConnectedClient& client) override;
  std::optional<uint64_t> SkipAhead(ConnectedClient& client,
                                    const Ring& ring) override;
  void Save(const ConnectedClient& client, HeadState& head) const override;

 private:
  std::optional<uint64_t> PlainBeginning(const Session& session) const;

  const ClientPolicy policy_;
};

// The policy of a client that another program served until now.
ClientPolicy PolicyOf(const SocketClientState& state);

}  // namespace deptyr
