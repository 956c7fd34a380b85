// Raw clients: bytes both ways, nothing else.  The socket's policy says what a
// client may do and what it is sent first.
//
// If the policy says so, the client's terminal is asked for its size in band
// (lib/term/size_replies.h), and its replies are taken out of the input.
//
// It is also the base of protocols whose output is the program's bytes as they
// are, and whose input isn't (uwsgi-framed: packets up, bytes down).
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "lib/clients/client_protocol.h"
#include "lib/clients/listener_spec.h"
#include "lib/sys/event_loop.h"
#include "lib/term/size_replies.h"
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
  void OnChange(ConnectedClient& client, Change::Kind kind) override;
  void OnStopping(ConnectedClient& client) override;
  void Save(const ConnectedClient& client, HeadState& head) const override;

 private:
  std::optional<uint64_t> PlainBeginning(const Session& session) const;
  // Clients that speak in packets tell their size anyway.
  bool asks_size() const {
    return policy_.asks_size && policy_.kind == ClientKind::kRaw;
  }
  void TakeSizes(ConnectedClient& client);
  void Say(ConnectedClient& client, std::string sequence);
  void SayOwed(ConnectedClient& client, absl::Duration pause);
  void FlushSoon(ConnectedClient& client);

  const ClientPolicy policy_;
  SizeReplies replies_;
  Timer flush_;
  std::string owed_;  // a sequence that waits for a place
  Timer say_;
};

// The policy of a client that another program served until now.
ClientPolicy PolicyOf(const SocketClientState& state);

}  // namespace deptyr
