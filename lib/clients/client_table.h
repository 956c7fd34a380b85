// The connected clients of a head or a router, until each ends.
//
//   ClientTable clients(loop, {.refusals = refusals,
//                              .counts = counts,
//                              .gone = [](const ConnectedClient&) {}});
//   clients.Add(std::move(connection), MakeRawProtocol({}), identity)
//       .Join(session);
//
// A client is destroyed at the end of the turn in which it ends, so never while
// it is on the stack.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "lib/clients/connected_client.h"
#include "lib/clients/listener_spec.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/messages.h"

namespace deptyr {

class ClientTable {
 public:
  ClientTable(EventLoop& loop, ClientHost host);

  // Takes the arguments of ConnectedClient's constructor.
  ConnectedClient& Add(Fd connection, std::unique_ptr<ClientProtocol> protocol,
                       std::optional<PeerIdentity> identity,
                       std::string received = "");
  // These go on with clients that another program served until now.
  ConnectedClient& Resume(const SocketClientState& state,
                          std::optional<PeerIdentity> identity);
  ConnectedClient& Resume(const AttachClientState& state, Attach wish,
                          PeerIdentity identity, Rights rights);
  size_t size() const { return clients_.size(); }
  // Call this at the end, because destroying a client can end others.
  void Clear() { const auto leaving = std::exchange(clients_, {}); }
  // `visit` may end any of them.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    std::vector<ConnectedClient*> all;
    for (const auto& [id, client] : clients_) all.push_back(client.get());
    for (ConnectedClient* client : all) visit(*client);
  }

 private:
  EventLoop& loop_;
  const absl::AnyInvocable<void(const ConnectedClient&) const> gone_;
  ClientHost host_;
  absl::flat_hash_map<const ConnectedClient*, std::unique_ptr<ConnectedClient>>
      clients_;
};

}  // namespace deptyr
