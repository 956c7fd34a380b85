#include "lib/head/listeners.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/address.h"
#include "lib/sys/folder.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// The roles of sockets in an upgrade; a session's socket has its path.
constexpr char kHeadRole[] = "head";

std::string RoleOf(const ListenerSpec& spec) {
  return absl::StrCat("listener ", spec.address);
}

// File rights needn't say who may connect where rules do.
SocketRights RightsOf(const ClientPolicy& policy) {
  constexpr mode_t kForAll = 0666;
  return policy.allow.empty() ? SocketRights{} : SocketRights{.mode = kForAll};
}

SocketState StateOf(absl::string_view role, const ListeningSocket& socket) {
  return {.role = std::string(role),
          .fd = socket.fd(),
          .path = socket.path(),
          .device = socket.device(),
          .inode = socket.inode()};
}

// The socket that a supervisor passed for `path`: bound to it, or named "head",
// or the only one left.
ListeningSocket InheritedSocket(const std::string& path,
                                std::vector<InheritedFd>& inherited) {
  const auto left = std::count_if(
      inherited.begin(), inherited.end(),
      [](const InheritedFd& candidate) { return candidate.fd.valid(); });
  for (InheritedFd& candidate : inherited) {
    const auto bound_to = ListeningPath(candidate.fd.get());
    if (!bound_to) continue;
    // Files are compared by inode, because a path may be relative.
    if (IsSameFile(*bound_to, path) || candidate.name == "head" || left == 1) {
      return ListeningSocket(std::move(candidate.fd), *bound_to);
    }
  }
  return ListeningSocket();
}

}  // namespace

absl::Status Listeners::Open(std::vector<InheritedFd>& inherited,
                             const HeadState* before) {
  if (before != nullptr) handed_over_ = before->sockets;
  // The head socket comes last: a descriptor that the others name isn't the
  // only one left any more.
  RETURN_IF_ERROR(OpenClientSockets(inherited, before != nullptr));
  ASSIGN_OR_RETURN(ListeningSocket socket, OpenHeadSocket(inherited));
  RETURN_IF_ERROR(SetNonBlocking(socket.fd()));
  ServeHeadSocket(std::move(socket));
  return absl::OkStatus();
}

absl::Status Listeners::OpenClientSockets(std::vector<InheritedFd>& inherited,
                                          bool may_fail) {
  for (const ClientDirSpec& spec : options_.client_dirs) {
    if (!may_fail) RETURN_IF_ERROR(CheckFolder(spec.dir));
  }
  bool tcp = false;
  for (const ListenerSpec& spec : options_.listeners) {
    absl::StatusOr<ListeningSocket> socket = TakeHandedOver(RoleOf(spec));
    if (!socket->valid()) {
      socket = ListenAt(spec.address, {.rights = RightsOf(spec.policy),
                                       .allow_remote = spec.allow_remote,
                                       .inherited = &inherited});
    }
    if (!socket.ok() && !may_fail) return socket.status();
    if (!socket.ok()) {
      Log(Severity::kError, socket.status().message());
      continue;
    }
    tcp = tcp || KindOf(socket->fd()) == SocketKind::kTcp;
    Serve(spec, *std::move(socket));
  }
  if (tcp) {
    Log(Severity::kWarning,
        "TCP carries no authentication: whoever reaches the port types into "
        "the program");
  }
  return absl::OkStatus();
}

void Listeners::Serve(const ListenerSpec& spec, ListeningSocket socket) {
  Log(Severity::kInfo, "clients connect to ", socket.path(), ", ",
      NameOf(spec.policy.kind));
  const SocketKind kind = KindOf(socket.fd());
  clients_.emplace_back(
      RoleOf(spec),
      std::make_unique<Acceptor>(
          loop_, std::move(socket), [this, &spec, kind](Fd connection) {
            const auto who = PeerOf(connection.get());
            const absl::Status may = admission_.CheckListener(spec, kind, who);
            if (may.ok()) {
              owner_.OnClient(spec, std::move(connection), who);
            } else {
              admission_.refusals().Note(who, may);
            }
          }));
}

absl::StatusOr<ListeningSocket> Listeners::OpenHeadSocket(
    std::vector<InheritedFd>& inherited) {
  ListeningSocket socket = TakeHandedOver(kHeadRole);
  if (!socket.valid()) socket = InheritedSocket(options_.socket, inherited);
  if (socket.valid()) return socket;
  return Listen(options_.socket, options_.rights);
}

void Listeners::ServeHeadSocket(ListeningSocket socket) {
  head_ = std::make_unique<Acceptor>(
      loop_, std::move(socket),
      [this](Fd connection) { owner_.OnConnection(std::move(connection)); });
  head_file_.Reset();
  if (head_->socket().inherited()) return;
  head_file_ =
      WatchFile(loop_, head_->socket().path(), [this] { OnSocketFile(); });
  OnSocketFile();  // it may have gone before it was watched
}

void Listeners::OnSocketFile() {
  const bool there = head_ == nullptr || head_->socket().FileIsOurs();
  if (std::exchange(head_file_there_, there) == there || there) return;
  Log(Severity::kError, "the socket ", options_.socket,
      " was removed or replaced, nobody can connect to head any more; ",
      owner_.has_terminal() ? "start head again" : "SIGHUP puts it back");
}

void Listeners::RestoreSocket() {
  if (head_ == nullptr || head_->socket().inherited() ||
      head_->socket().FileIsOurs()) {
    return;
  }
  auto again = Listen(options_.socket, options_.rights);
  if (!again.ok()) {
    Log(Severity::kError,
        "can't restore the socket: ", again.status().message());
    return;
  }
  ServeHeadSocket(*std::move(again));
  Log(Severity::kNotice, "restored the socket ", options_.socket);
}

// File permissions say who may attach, so the files belong to the session's
// owner, where we may give them away.
absl::StatusOr<ListeningSocket> Listeners::OpenInDir(const ClientDirSpec& spec,
                                                     const std::string& path,
                                                     uid_t owner) {
  SocketRights rights = RightsOf(spec.policy);
  rights.owner = owner;
  ListeningSocket socket = TakeHandedOver(path);
  if (!socket.valid()) {
    ASSIGN_OR_RETURN(socket, Listen(path, rights));
  }
  RETURN_IF_ERROR(admission_.CheckDescriptor(socket.fd(), owner));
  return socket;
}

void Listeners::OpenFor(const Session& session) {
  std::vector<std::unique_ptr<Acceptor>>& acceptors = client_dirs_[&session];
  for (const ClientDirSpec& spec : options_.client_dirs) {
    for (const SocketProtocol& protocol : kSocketProtocols) {
      auto socket = OpenInDir(
          spec, absl::StrCat(spec.dir, "/", session.name(), ".", protocol.name),
          session.owner());
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
            owner_.OnClient(client, std::move(connection), who);
          }));
    }
  }
}

size_t Listeners::CountOf(const Session& session) const {
  const auto found = client_dirs_.find(&session);
  return found == client_dirs_.end() ? 0 : found->second.size();
}

void Listeners::Close() {
  head_.reset();
  clients_.clear();
  client_dirs_.clear();
}

void Listeners::Save(HeadState& state) const {
  state.sockets.push_back(StateOf(kHeadRole, head_->socket()));
  for (const auto& [role, acceptor] : clients_) {
    state.sockets.push_back(StateOf(role, acceptor->socket()));
  }
  for (const auto& [session, acceptors] : client_dirs_) {
    for (const auto& acceptor : acceptors) {
      state.sockets.push_back(
          StateOf(acceptor->socket().path(), acceptor->socket()));
    }
  }
}

ListeningSocket Listeners::TakeHandedOver(absl::string_view role) {
  for (SocketState& state : handed_over_) {
    if (state.role != role || state.fd < 0) continue;
    return ListeningSocket(TakeOffered(std::exchange(state.fd, -1)), state.path,
                           state.device, state.inode);
  }
  return ListeningSocket();
}

void Listeners::CloseUnused() {
  for (const SocketState& state : std::exchange(handed_over_, {})) {
    const ListeningSocket unused(TakeOffered(state.fd), state.path,
                                 state.device, state.inode);
  }
}

}  // namespace deptyr
