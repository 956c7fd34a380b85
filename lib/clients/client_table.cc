#include "lib/clients/client_table.h"

#include "lib/clients/raw_protocol.h"
#include "lib/sys/replace_self.h"

namespace deptyr {

ClientTable::ClientTable(EventLoop& loop, ClientHost host)
    : loop_(loop), gone_(std::move(host.gone)), host_(std::move(host)) {
  host_.gone = [this](const ConnectedClient& client) {
    auto node = clients_.extract(&client);
    if (node.empty()) return;  // all of them go
    gone_(client);
    loop_.DestroyLater(std::move(node.mapped()));
  };
}

ConnectedClient& ClientTable::Add(Fd connection,
                                  std::unique_ptr<ClientProtocol> protocol,
                                  std::optional<PeerIdentity> identity,
                                  std::string received) {
  auto client = std::make_unique<ConnectedClient>(
      loop_, host_, std::move(connection), std::move(protocol),
      std::move(identity), std::move(received));
  ConnectedClient& result = *client;
  clients_.emplace(&result, std::move(client));
  return result;
}

ConnectedClient& ClientTable::Resume(const SocketClientState& state,
                                     std::optional<PeerIdentity> identity) {
  ClientPolicy policy = PolicyOf(state);
  const SocketProtocol& protocol = ProtocolOf(policy.kind);
  ConnectedClient& client =
      Add(TakeOffered(state.fd), protocol.make(std::move(policy)),
          std::move(identity), state.inbox);
  client.Resume(state.client, {state.rows, state.cols}, state.input_closed,
                state.received);
  return client;
}

ConnectedClient& ClientTable::Resume(const AttachClientState& state,
                                     Attach wish, PeerIdentity identity,
                                     Rights rights) {
  ConnectedClient& client =
      Add(TakeOffered(state.fd),
          MakeDeptyrProtocol(rights, std::move(wish), state.done_said),
          std::move(identity), state.inbox);
  client.Resume(state.client,
                {state.rows, state.cols, state.xpixels, state.ypixels},
                state.input_closed, state.inbox.size());
  return client;
}

}  // namespace deptyr
