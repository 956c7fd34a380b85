#include "lib/head/pending_connections.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/sys/process.h"

namespace deptyr {

PendingConnection& PendingConnections::Own(
    std::unique_ptr<PendingConnection> connection) {
  PendingConnection& result = *connection;
  connections_.emplace(&result, std::move(connection));
  return result;
}

PendingConnection& PendingConnections::Add(Fd connection,
                                           PeerIdentity identity) {
  return Own(std::make_unique<PendingConnection>(
      loop_, owner_, admission_, std::move(connection), std::move(identity)));
}

absl::Status PendingConnections::MakeRoom(uid_t newcomer) {
  if (size() < most_) return absl::OkStatus();
  std::map<uid_t, std::vector<PendingConnection*>> by_user;
  for (const auto& [key, connection] : connections_) {
    if (connection->registered()) continue;
    by_user[connection->identity().uid].push_back(connection.get());
  }
  if (by_user.empty()) return absl::OkStatus();
  const auto& [uid, connections] = *std::max_element(
      by_user.begin(), by_user.end(), [](const auto& a, const auto& b) {
        return std::pair(!IsTrusted(a.first), a.second.size()) <
               std::pair(!IsTrusted(b.first), b.second.size());
      });
  absl::Status why = absl::ResourceExhaustedError(absl::StrCat(
      most_, " connections have not said yet what they want, most of them of ",
      "uid ", UidText(uid),
      "; say it sooner, or start head with a larger --max-pending"));
  if (IsTrusted(uid) && !IsTrusted(newcomer)) return why;
  (*std::min_element(
       connections.begin(), connections.end(),
       [](const PendingConnection* a, const PendingConnection* b) {
         return a->since() < b->since();
       }))
      ->Refuse(why);
  return absl::OkStatus();
}

void PendingConnections::Remove(PendingConnection& connection) {
  auto node = connections_.extract(&connection);
  if (node.empty()) return;
  const auto registered = registered_.find(connection.session());
  if (registered != registered_.end() && registered->second == &connection) {
    registered_.erase(registered);
  }
  loop_.DestroyLater(std::move(node.mapped()));  // it is on the stack
}

void PendingConnections::NoteRegistered(PendingConnection& connection) {
  EndRegistration(connection.session());
  registered_[connection.session()] = &connection;
}

void PendingConnections::EndRegistration(const std::string& session) {
  const auto found = registered_.find(session);
  if (found != registered_.end()) found->second->End();
}

std::map<uid_t, size_t> PendingConnections::CountByUser() const {
  std::map<uid_t, size_t> counts;
  for (const auto& [key, connection] : connections_) {
    if (!connection->registered()) ++counts[connection->identity().uid];
  }
  return counts;
}

size_t PendingConnections::CountDescriptorsOf(uid_t uid) const {
  return static_cast<size_t>(std::count_if(
      connections_.begin(), connections_.end(),
      [uid](const auto& one) { return one.first->identity().uid == uid; }));
}

void PendingConnections::Save(HeadState& state) const {
  for (const auto& [key, connection] : connections_) {
    state.peers.push_back(connection->Save());
  }
}

void PendingConnections::Resume(const HeadState& state) {
  for (const PeerState& one : state.peers) {
    PendingConnection& connection = Own(std::make_unique<PendingConnection>(
        loop_, owner_, admission_, one,
        PeerOf(one.fd).value_or(PeerIdentity())));
    if (connection.registered()) NoteRegistered(connection);
  }
}

}  // namespace deptyr
