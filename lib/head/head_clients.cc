// Of head: where clients come from and which session they get.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/clients/deptyr_protocol.h"
#include "lib/head/head.h"
#include "lib/sys/address.h"
#include "lib/sys/folder.h"
#include "lib/sys/process.h"
#include "lib/sys/retry.h"

namespace deptyr {
namespace {

// What a listener's socket is handed over as.
std::string RoleOf(const ListenerSpec& spec) {
  return absl::StrCat("listener ", spec.address);
}

// Where rules say who may do what, file rights needn't.
SocketRights RightsOf(const ClientPolicy& policy) {
  constexpr mode_t kForAll = 0666;
  return policy.allow.empty() ? SocketRights{} : SocketRights{.mode = kForAll};
}

// Whose newest session a client gets where none is named.  Over TCP nobody is
// known.
uid_t OwnerMeantBy(const ConnectedClient& client) {
  return client.identity() ? client.identity()->uid : OwnUid();
}

}  // namespace

absl::Status Head::OpenListeners(std::vector<InheritedFd>& inherited) {
  for (const ClientDirSpec& spec : options_.client_dirs) {
    if (before_) break;  // too late to refuse to start
    RETURN_IF_ERROR(CheckFolder(spec.dir));
  }
  bool tcp = false;
  for (const ListenerSpec& spec : options_.listeners) {
    absl::StatusOr<ListeningSocket> opened = TakeSocket(RoleOf(spec));
    if (!opened->valid()) {
      opened = ListenAt(spec.address, {.rights = RightsOf(spec.policy),
                                       .allow_remote = spec.allow_remote,
                                       .inherited = &inherited});
    }
    if (!opened.ok() && before_) {  // too late to refuse to start
      Log(Severity::kError, opened.status().message());
      continue;
    }
    ASSIGN_OR_RETURN(ListeningSocket socket, std::move(opened));
    Log(Severity::kInfo, "clients connect to ", socket.path(), ", ",
        NameOf(spec.policy.kind));
    const SocketKind kind = KindOf(socket.fd());
    tcp = tcp || kind == SocketKind::kTcp;
    auto acceptor = std::make_unique<Acceptor>(
        loop_, std::move(socket), [this, &spec, kind](Fd connection) {
          // No file rights have kept others out.
          const auto who = PeerOf(connection.get());
          if (kind == SocketKind::kAbstract && spec.policy.allow.empty() &&
              !IsTrusted(UidOf(who))) {
            return refusals_.Note(
                who, kRefusedNotPermitted,
                absl::StrCat("only root and uid ", OwnUid(), " may connect to ",
                             spec.address,
                             "; --listener-allow before it lets others"));
          }
          OnClient(spec, std::move(connection), who);
        });
    listeners_.emplace_back(RoleOf(spec), std::move(acceptor));
  }
  if (tcp) {
    Log(Severity::kWarning,
        "TCP carries no authentication: whoever reaches the port types into "
        "the program");
  }
  return absl::OkStatus();
}

void Head::OnClient(const ListenerSpec& spec, Fd connection,
                    const std::optional<PeerIdentity>& who) {
  absl::Status room = CheckDescriptor(connection.get(), UidOf(who));
  if (room.ok()) room = CheckRoom(who);
  if (!room.ok()) return refusals_.Note(who, kRefusedLimit, room.message());
  ConnectedClient& client =
      clients_.Add(std::move(connection),
                   ProtocolOf(spec.policy.kind).make(spec.policy), who);
  TidySoon();
  Session* const session = spec.session.empty() ? NewestOf(OwnerMeantBy(client))
                                                : FindSession(spec.session);
  if (session != nullptr) return AssignSession(client, *session);
  if (spec.session.empty() && !sessions_.empty()) {
    LogOf(Severity::kInfo, UidOf(who), "waits", "client=", client.id(),
          " waits at ", spec.address, " for a session of uid ",
          UidText(OwnerMeantBy(client)), "; ", spec.address,
          "=SESSION would mean another's");
  }
  waiting_.push_back({&client, spec.session});
}

void Head::OnClientGone(const ConnectedClient& client) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    return waiting.client == &client;
  });
  TidySoon();
}

Session* Head::FindSession(const std::string& name) const {
  const auto found = sessions_.find(name);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Session* Head::NewestOf(uid_t owner) const {
  const auto found = std::find_if(
      by_start_.rbegin(), by_start_.rend(),
      [owner](const Session* session) { return session->owner() == owner; });
  return found == by_start_.rend() ? nullptr : *found;
}

Session* Head::newest() const {
  return NewestOf(OwnUid());
}

void Head::AssignWaitingClients(Session& session) {
  for (Waiting& one : std::exchange(waiting_, {})) {
    const bool meant = one.wanted.empty()
                           ? OwnerMeantBy(*one.client) == session.owner()
                           : one.wanted == session.name();
    if (meant) {
      AssignSession(*one.client, session);
    } else {
      waiting_.push_back(std::move(one));
    }
  }
  TidySoon();
}

void Head::AssignSession(ConnectedClient& client, Session& session) {
  if (!client.RightsIn(session).Has(Right::kSee)) {
    refusals_.Note(
        client.identity(), kRefusedNotPermitted,
        absl::StrCat("a ", NameOf(client.Info().kind), " client may not see ",
                     session.name(), "; --listener-allow says who may"));
    return client.End();
  }
  if (const absl::Status room = CheckRoomIn(session); !room.ok()) {
    refusals_.Note(client.identity(), kRefusedLimit, room.message());
    return client.End();
  }
  client.Join(session);
}

// File permissions say who may attach: the files belong to whom the session
// belongs to, where we may give them away.
void Head::OpenClientDirs(Session& session) {
  std::vector<std::unique_ptr<Acceptor>>& acceptors = client_dirs_[&session];
  for (const ClientDirSpec& spec : options_.client_dirs) {
    for (const SocketProtocol& protocol : kSocketProtocols) {
      const std::string path =
          absl::StrCat(spec.dir, "/", session.name(), ".", protocol.name);
      SocketRights rights = RightsOf(spec.policy);
      rights.owner = session.owner();
      absl::StatusOr<ListeningSocket> socket = TakeSocket(path);
      if (!socket->valid()) socket = Listen(path, rights);
      if (socket.ok()) {
        const auto room = CheckDescriptor(socket->fd(), session.owner());
        if (!room.ok()) socket = room;
      }
      if (!socket.ok()) {
        LogOf(Severity::kError, session.owner(), "no sockets",
              "session=", session.name(),
              " can't be attached to there: ", socket.status().message());
        continue;
      }
      ListenerSpec client{.session = session.name(), .policy = spec.policy};
      client.policy.kind = protocol.kind;
      acceptors.push_back(std::make_unique<Acceptor>(
          loop_, *std::move(socket),
          [this, client = std::move(client)](Fd connection) {
            const auto who = PeerOf(connection.get());
            OnClient(client, std::move(connection), who);
          }));
    }
  }
}

Rights Head::RightsIn(const Session& session, const PeerIdentity& who) const {
  return deptyr::RightsIn(session.name(), session.owner(), options_.allow, who);
}

bool Head::MayAdminister(const PeerIdentity& who) const {
  return IsTrusted(who.uid) ||
         Granted(options_.allow, who, "").Has(Right::kAdminister);
}

Session* Head::FindSession(const std::string& name,
                           const PeerIdentity& who) const {
  return name.empty() ? NewestOf(who.uid) : FindSession(name);
}

std::string Head::NoSuchSession(const std::string& name,
                                const PeerIdentity& who) const {
  const auto may_see = [&](const Session* session) {
    return RightsIn(*session, who).Has(Right::kSee);
  };
  if (name.empty() &&
      std::any_of(by_start_.begin(), by_start_.end(), may_see)) {
    return "no session is your own; say the name of the one that is meant, "
           "deptyr ls lists them";
  }
  if (name.empty()) return "there is no session yet";
  return absl::StrCat("there is no session ", name,
                      "; see those there are with deptyr ls");
}

void Head::OnAttach(PendingConnection& peer, Attach message) {
  Session* const session = FindSession(message.session, peer.identity());
  if (session == nullptr) {
    return peer.Refuse(kRefusedNoSession,
                       NoSuchSession(message.session, peer.identity()));
  }
  const Rights rights = RightsIn(*session, peer.identity());
  if (!rights.Has(Right::kSee)) {
    return peer.Refuse(kRefusedNotPermitted,
                       PermissionError(peer.identity(), Right::kSee, *session));
  }
  if (message.kick && !rights.Has(Right::kAdminister)) {
    return peer.Refuse(
        kRefusedNotPermitted,
        PermissionError(peer.identity(), Right::kAdminister, *session));
  }
  if (stopping_) {
    return peer.Refuse(kRefusedStopping, "head is about to end");
  }
  absl::Status room = CheckRoom(peer.identity());
  if (room.ok() && !message.kick) room = CheckRoomIn(*session);
  if (!room.ok()) return peer.Refuse(kRefusedLimit, room.message());
  if (message.kick) {
    for (Client* other : session->clients()) {
      other->Kick("another client attached alone (deptyr attach -d)");
    }
  }
  auto [connection, received] = peer.Release();
  clients_
      .Add(std::move(connection),
           std::make_unique<DeptyrProtocol>(rights, std::move(message)),
           peer.identity(), std::move(received))
      .Join(*session);
  TidySoon();
}

void Head::OnAsk(PendingConnection& peer, Ask message) {
  if (const absl::Status room = CheckRoom(peer.identity()); !room.ok()) {
    return peer.Refuse(kRefusedLimit, room.message());
  }
  auto [connection, received] = peer.Release();
  queries_.Serve(std::move(connection), peer.identity(), message, received,
                 clients_of_.Take(peer.identity().uid));
}

}  // namespace deptyr
