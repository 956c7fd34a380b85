#include "lib/clients/socket_clients.h"

namespace deptyr {

SocketClient& SocketClients::Add(Fd connection, ClientPolicy policy,
                                 std::optional<PeerIdentity> identity,
                                 absl::AnyInvocable<void(SocketClient&)> gone) {
  return Own(std::make_unique<SocketClient>(
      loop_, host_, std::move(connection), std::move(policy),
      std::move(identity), Removal(std::move(gone))));
}

SocketClient& SocketClients::Add(const SocketClientState& state,
                                 absl::AnyInvocable<void(SocketClient&)> gone) {
  return Own(std::make_unique<SocketClient>(
      loop_, host_, state, PeerOf(state.fd), Removal(std::move(gone))));
}

absl::AnyInvocable<void(SocketClient&)> SocketClients::Removal(
    absl::AnyInvocable<void(SocketClient&)> gone) {
  return [this, gone = std::move(gone)](SocketClient& it) mutable {
    auto node = clients_.extract(&it);
    if (node.empty()) return;  // all of them go
    gone(it);
    loop_.DestroyLater(std::move(node.mapped()));
  };
}

SocketClient& SocketClients::Own(std::unique_ptr<SocketClient> client) {
  SocketClient& result = *client;
  clients_.emplace(&result, std::move(client));
  return result;
}

}  // namespace deptyr
