// The clients at the sockets of a head or a router, until each ends.
//
//   SocketClients clients(loop, host);
//   SocketClient& client = clients.Add(std::move(connection), policy, who,
//                                      [](SocketClient& gone) { ... });
//   client.Join(session);
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"

#include "lib/clients/socket_client.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"

namespace deptyr {

// A client is destroyed at the end of the turn of the loop in which it ends, so
// never while it is on the stack.
class SocketClients {
 public:
  SocketClients(EventLoop& loop, ClientHost host)
      : loop_(loop), host_(std::move(host)) {}

  // `gone` is told before the client ends.
  SocketClient& Add(Fd connection, ClientPolicy policy,
                    std::optional<PeerIdentity> identity,
                    absl::AnyInvocable<void(SocketClient&)> gone);
  SocketClient& Add(const SocketClientState& state,
                    absl::AnyInvocable<void(SocketClient&)> gone);
  size_t size() const { return clients_.size(); }
  // At the end: destroying a client can end others.
  void Clear() { const auto leaving = std::exchange(clients_, {}); }
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    for (const auto& [id, client] : clients_) visit(*client);
  }

 private:
  absl::AnyInvocable<void(SocketClient&)> Removal(
      absl::AnyInvocable<void(SocketClient&)> gone);
  SocketClient& Own(std::unique_ptr<SocketClient> client);

  EventLoop& loop_;
  const ClientHost host_;
  absl::flat_hash_map<const SocketClient*, std::unique_ptr<SocketClient>>
      clients_;
};

}  // namespace deptyr
