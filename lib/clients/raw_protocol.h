// Raw clients: bytes both ways, nothing else.  The socket's policy says what a
// client may do and what it is sent first.
//
// It is also the base of protocols whose output is the program's bytes as they
// are, and whose input isn't (uwsgi-framed: packets up, bytes down).
#pragma once

#include <optional>
#include <utility>

#include "lib/clients/client_protocol.h"
#include "lib/clients/listener_spec.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class RawProtocol : public ClientProtocol {
 public:
  explicit RawProtocol(ClientPolicy policy) : policy_(std::move(policy)) {}

  ClientKind kind() const override { return policy_.kind; }
  Client::Output output() const override { return Client::Output::kPlain; }
  bool types_after_close() const override { return policy_.type_after_close; }
  Rights RightsIn(const Session& session,
                  const std::optional<PeerIdentity>& identity) const override;
  void Join(ConnectedClient& client, Session& session) override;
  bool Take(ConnectedClient& client, absl::string_view& bytes) override;
  std::optional<uint64_t> SkipAhead(ConnectedClient& client) override;
  void Save(const ConnectedClient& client, HeadState& head) const override;

 private:
  std::optional<uint64_t> PlainBeginning(const Session& session) const;

  const ClientPolicy policy_;
};

// The policy of a client that another program served until now.
ClientPolicy PolicyOf(const SocketClientState& state);

}  // namespace deptyr
