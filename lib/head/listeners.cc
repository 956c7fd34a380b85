#include "lib/head/listeners.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/address.h"
#include "lib/sys/folder.h"
#include "lib/sys/io.h"
#include "lib/sys/replace_self.h"

namespace deptyr {
namespace {

// The role of the head socket in an upgrade.  That of a listener is "listener "
// and its address, that of a session's socket is its path.
constexpr char kHeadRole[] = "head";

// File rights needn't say who may connect where rules do.
SocketRights RightsOf(const ClientPolicy& policy) {
  constexpr mode_t kForAll = 0666;
  return policy.allow.empty() ? SocketRights{} : SocketRights{.mode = kForAll};
}

// The socket that a supervisor passed for `path`: bound to it, or named "head",
// or the only one left.
ListeningSocket InheritedSocket(const std::string& path,
                                std::vector<InheritedFd>& inherited) {
  const auto left =
      std::ranges::count_if(inherited, &Fd::valid, &InheritedFd::fd);
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
  if (before != nullptr) {
    for (const auto& [role, fd, path, device, inode] : before->sockets) {
      handed_over_.emplace(
          role, ListeningSocket(TakeOffered(fd), path, device, inode));
    }
  }
  // The head socket comes last: a descriptor that the others name isn't the
  // only one left any more.
  RETURN_IF_ERROR(OpenClientSockets(inherited, before != nullptr));
  RETURN_IF_ERROR(OpenConsoles(inherited, before != nullptr));
  const auto open = [&]() -> absl::StatusOr<ListeningSocket> {
    ListeningSocket socket = InheritedSocket(options_.socket, inherited);
    if (socket.valid()) return socket;
    return Listen(options_.socket, options_.rights);
  };
  ASSIGN_OR_RETURN(ListeningSocket socket, HandedOverOr(kHeadRole, open));
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
    const std::string role = absl::StrCat("listener ", spec.address);
    auto socket = HandedOverOr(role, [&] {
      return ListenAt(spec.address, {.rights = RightsOf(spec.policy),
                                     .allow_remote = spec.allow_remote,
                                     .inherited = &inherited});
    });
    if (!socket.ok() && !may_fail) return socket.status();
    if (!socket.ok()) {
      Log(Severity::kError, socket.status().message());
      continue;
    }
    Log(Severity::kInfo, "clients connect to ", socket->path(), ", ",
        NameOf(spec.policy.kind));
    tcp = tcp || KindOf(socket->fd()) == SocketKind::kTcp;
    Serve(nullptr, role, spec, *std::move(socket));
  }
  if (tcp) {
    Log(Severity::kWarning,
        "TCP carries no authentication: whoever reaches the port types into "
        "the program");
  }
  return absl::OkStatus();
}

absl::Status Listeners::OpenConsoles(std::vector<InheritedFd>& inherited,
                                     bool may_fail) {
  for (const ConsoleSpec& spec : options_.consoles) {
    const std::string role = absl::StrCat("console ", spec.path);
    auto socket = HandedOverOr(role, [&] {
      return ListenAt(spec.path, {.rights = {}, .inherited = &inherited});
    });
    if (!socket.ok() && !may_fail) return socket.status();
    if (!socket.ok()) {
      Log(Severity::kError, socket.status().message());
      continue;
    }
    Log(Severity::kInfo, "terminals come to ", socket->path(), ", for ",
        spec.session);
    clients_[nullptr].push_back(
        {role, std::make_unique<Acceptor>(
                   loop_, *std::move(socket), [this, &spec](Fd connection) {
                     owner_.OnConsole(spec, std::move(connection));
                   })});
  }
  return absl::OkStatus();
}

void Listeners::Serve(const Session* session, std::string role,
                      const ListenerSpec& spec, ListeningSocket socket) {
  const SocketKind kind = KindOf(socket.fd());
  auto take = [this, spec, kind](Fd connection) {
    const auto who = PeerOf(connection.get());
    const absl::Status may = admission_.CheckListener(spec, kind, who);
    if (!may.ok()) return admission_.refusals().Note(who, may);
    owner_.OnClient(spec, std::move(connection), who);
  };
  clients_[session].push_back(
      {std::move(role),
       std::make_unique<Acceptor>(loop_, std::move(socket), std::move(take))});
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

void Listeners::OpenFor(const Session& session) {
  for (const ClientDirSpec& folder : options_.client_dirs) {
    for (const SocketProtocol& protocol : kSocketProtocols) {
      ListenerSpec spec{.address = absl::StrCat(folder.dir, "/", session.name(),
                                                ".", protocol.name),
                        .session = session.name(),
                        .policy = folder.policy};
      spec.policy.kind = protocol.kind;
      const absl::Status opened = OpenInDir(session, spec);
      if (opened.ok()) continue;
      LogOf(Severity::kError, session.owner(), "no sockets",
            "session=", session.name(),
            " can't be attached to there: ", opened.message());
    }
  }
}

// File permissions say who may attach, so the files belong to the session's
// owner, where we may give them away.
absl::Status Listeners::OpenInDir(const Session& session,
                                  const ListenerSpec& spec) {
  SocketRights rights = RightsOf(spec.policy);
  rights.owner = session.owner();
  ASSIGN_OR_RETURN(ListeningSocket socket, HandedOverOr(spec.address, [&] {
                     return Listen(spec.address, rights);
                   }));
  RETURN_IF_ERROR(admission_.CheckDescriptor(socket.fd(), session.owner()));
  Serve(&session, spec.address, spec, std::move(socket));
  return absl::OkStatus();
}

size_t Listeners::CountOf(const Session& session) const {
  const auto found = clients_.find(&session);
  return found == clients_.end() ? 0 : found->second.size();
}

void Listeners::Close() {
  head_.reset();
  clients_.clear();
}

void Listeners::Save(HeadState& state) const {
  const auto save = [&state](const std::string& role,
                             const ListeningSocket& socket) {
    state.sockets.push_back({.role = role,
                             .fd = socket.fd(),
                             .path = socket.path(),
                             .device = socket.device(),
                             .inode = socket.inode()});
  };
  save(kHeadRole, head_->socket());
  for (const auto& [session, listeners] : clients_) {
    for (const auto& [role, acceptor] : listeners) {
      save(role, acceptor->socket());
    }
  }
}

absl::StatusOr<ListeningSocket> Listeners::HandedOverOr(const std::string& role,
                                                        Opener open) {
  auto taken = handed_over_.extract(role);
  if (taken.empty()) return open();
  return std::move(taken.mapped());
}

}  // namespace deptyr
