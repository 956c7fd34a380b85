#include "lib/router/router.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/argv.h"
#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/clients/report.h"
#include "lib/sys/address.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"
#include "lib/sys/tcp.h"

namespace deptyr {
namespace {

// How long programs get, at the router's end, to obey the hang-up.
constexpr absl::Duration kLastPatience = absl::Seconds(2);
// Long enough for our own children to be reaped by their watchers.
constexpr absl::Duration kReapPause = absl::Milliseconds(50);
// Places that root and our own user find when others have taken all.
constexpr size_t kReserve = 4;

}  // namespace

Router::Router(EventLoop& loop, RouterOptions options)
    : loop_(loop),
      options_(std::move(options)),
      readiness_(options_.ready_fd),
      refusals_(loop),
      slow_closer_(loop),
      clients_(loop, {.refusals = refusals_,
                      .counts = counts_,
                      .wrong_socket =
                          "this is a client socket of deptyr router, which "
                          "takes nothing else; name a head's own socket",
                      .gone = [this](const ConnectedClient& client) {
                        OnClientGone(client);
                      }}) {
  slow_closer_.Use();
}

absl::StatusOr<std::unique_ptr<Router>> Router::Create(EventLoop& loop,
                                                       RouterOptions options) {
  std::unique_ptr<Router> router(new Router(loop, std::move(options)));
  RETURN_IF_ERROR(router->Open());
  return router;
}

absl::Status Router::Open() {
  std::vector<InheritedFd> inherited = TakeInheritedFds();
  bool tcp = false;
  for (const ListenerSpec& spec : options_.listeners) {
    ASSIGN_OR_RETURN(ListeningSocket socket,
                     ListenAt(spec.address, {.rights = options_.rights,
                                             .allow_remote = spec.allow_remote,
                                             .inherited = &inherited}));
    Log(Severity::kInfo, "router pid=", OwnPid(), " runs ",
        absl::StrJoin(options_.argv, " "), " for everybody who connects to ",
        socket.path(), ", ", NameOf(spec.policy.kind));
    tcp = tcp || KindOf(socket.fd()) == SocketKind::kTcp;
    listeners_.push_back(std::make_unique<Acceptor>(
        loop_, std::move(socket), [this, &spec](Fd connection) {
          OnConnection(spec, std::move(connection));
        }));
  }
  if (tcp) {
    Log(Severity::kWarning,
        "TCP carries no authentication: whoever reaches the port gets ",
        options_.program, " as uid ", OwnUid());
  }
  if (const absl::Status known = CheckIdentities(); !known.ok()) {
    Log(Severity::kWarning, known.message());
  }
  if (!options_.status_socket.empty()) {
    ASSIGN_OR_RETURN(status_socket_,
                     StatusSocket::Open(loop_, options_.status_socket,
                                        [this] { return Report(); }));
  }
  readiness_.Ready();
  ReportStatus();
  return absl::OkStatus();
}

void Router::ReportStatus() {
  (void)readiness_.Status(absl::StrCat(places_.size(), " connections, ",
                                       refusals_.total(), " refused"));
}

std::vector<KeyValues> Router::Report() const {
  std::vector<std::string> sockets;
  for (const auto& listener : listeners_) {
    sockets.push_back(listener->socket().path());
  }
  KeyValues router = {
      {"item", "router"},
      {"version", options_.version},
      {"pid", absl::StrCat(OwnPid())},
      {"since", absl::StrCat(absl::ToUnixMillis(since_))},
      {"sockets", absl::StrJoin(sockets, ", ")},
      {"argv", JoinArgv(options_.argv)},
      {"connections", absl::StrCat(places_.size())},
      {"hung-up", absl::StrCat(orphans_.size())},
      {"max-connections", absl::StrCat(options_.max_connections)},
      {"max-user-connections", absl::StrCat(options_.max_user_connections)},
      {"max-address-connections",
       absl::StrCat(options_.max_address_connections)}};
  const KeyValues refused = refusals_.Report();
  router.insert(router.end(), refused.begin(), refused.end());
  std::vector<KeyValues> items = {std::move(router)};
  for (const auto& [id, place] : places_) {
    items.push_back(deptyr::Report(*place.client));
  }
  return items;
}

void Router::LogReport() const {
  Log(Severity::kNotice, "report: connections=", places_.size(),
      " hung-up=", orphans_.size(),
      " max-connections=", options_.max_connections,
      " max-user-connections=", options_.max_user_connections,
      " max-address-connections=", options_.max_address_connections, " ",
      absl::StrJoin(refusals_.Report(), " ", absl::PairFormatter("=")));
}

absl::Status Router::Check(const Visitor& visitor) const {
  const bool trusted = IsTrusted(UidOf(visitor.identity));
  if (visitor.identity && !trusted && !options_.allows_anybody &&
      !absl::c_linear_search(options_.allowed_users, visitor.identity->uid)) {
    return absl::PermissionDeniedError(
        absl::StrCat(visitor.name, " is not allowed; see --allow-user"));
  }
  const auto count = [&visitor](const auto& all) {
    return static_cast<size_t>(absl::c_count_if(
        all, [&](const auto& it) { return it.second.whose == visitor.name; }));
  };
  const auto [most_of_one, option] =
      visitor.identity ? std::pair(options_.max_user_connections, "user")
                       : std::pair(options_.max_address_connections, "address");
  const size_t own = count(places_);
  const size_t left = count(orphans_);
  const size_t in_use = std::max(places_.size(), orphans_.size());
  if (own >= options_.max_connections ||
      in_use >= options_.max_connections + (trusted ? kReserve : 0)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "there are ", in_use, " connections already; see --max-connections"));
  }
  if (own < most_of_one && left < most_of_one) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      visitor.name, " has ", own >= most_of_one ? own : left,
      own >= most_of_one ? " connections already"
                         : " programs that didn't end with their connections",
      "; see --max-", option, "-connections"));
}

absl::StatusOr<std::unique_ptr<Session>> Router::NewSession(
    const Visitor& visitor, Incarnation* program) {
  RETURN_IF_ERROR(Check(visitor));
  ASSIGN_OR_RETURN(Ring ring, Ring::Create(options_.history));
  ASSIGN_OR_RETURN(Pty pty, OpenPty(options_.size));
  ASSIGN_OR_RETURN(Child child,
                   SpawnOnTerminal(pty.terminal.get(), options_.program,
                                   options_.argv, options_.settings));
  *program = {.pid = child.pid,
              .is_child = true,
              .pidfd = std::move(child.pidfd),
              .controller = std::move(pty.controller),
              .size = options_.size,
              .argv = options_.argv};
  return std::make_unique<Session>(
      loop_, absl::StrCat("pid-", child.pid), OwnUid(), std::move(ring),
      SessionOptions{.when_behind = WhenBehind::kBlock, .keeps_screen = false},
      [](const Session&, Change) {});
}

void Router::OnConnection(const ListenerSpec& spec, Fd connection) {
  auto identity = IdentifyPeer(connection.get());
  if (!identity.ok() && !absl::IsNotFound(identity.status())) return;
  Visitor visitor;
  if (identity.ok()) {
    visitor.name = identity->uid == kUnknownId
                       ? "a user unknown here"
                       : absl::StrCat("uid ", identity->uid);
    visitor.identity = *std::move(identity);
  } else {
    visitor.name = PeerNetwork(connection.get());
  }
  Incarnation program;
  auto session = NewSession(visitor, &program);
  if (!session.ok()) {
    refusals_.Note(visitor.identity, session.status());
    // The bytes that go down are raw in both framings.
    (void)WriteSome(
        connection.get(),
        absl::StrCat("deptyr: ", Printable(session.status().message()),
                     "\r\n"));
    return ReportStatus();
  }
  ClientPolicy policy = spec.policy;
  policy.shows = Shows::kHistory;
  policy.on_end = OnEnd::kClose;
  policy.type_after_close = false;
  ConnectedClient& client =
      clients_.Add(std::move(connection), ProtocolOf(policy.kind).make(policy),
                   visitor.identity);
  const Place& place = places_[client.id()] = {.whose = std::move(visitor.name),
                                               .session = *std::move(session),
                                               .client = &client};
  client.Join(*place.session);
  place.session->Start(std::move(program));
  WatchIdle(client.id());
  ReportStatus();
}

void Router::OnClientGone(const ConnectedClient& client) {
  auto node = places_.extract(client.id());
  if (node.empty()) return;
  Place& place = node.mapped();
  if (place.session->running()) {
    const uint64_t id = client.id();
    Orphan& orphan = orphans_[id];
    orphan.whose = place.whose;
    orphan.pid = place.session->program().pid();
    orphan.pidfd = place.session->program().Release();
    orphan.watch =
        loop_.Add(orphan.pidfd.get(), Interest::kRead, [this, id](Ready) {
          // Readable means that it has ended; nobody asks any more how.
          (void)ReapChild(orphans_[id].pidfd.get());
          orphans_.erase(id);
          if (stopping_ && orphans_.empty()) finished_ = true;
        });
  }
  // Both the client and the session may be on the stack.
  loop_.DestroyLater(std::move(place.session));
  ReportStatus();
}

bool Router::IsOurs(pid_t pid) const {
  const auto had = [pid](const auto& it) { return it.second.pid == pid; };
  const auto has = [pid](const auto& it) {
    const Session& session = *it.second.session;
    return session.running() && session.program().pid() == pid;
  };
  return absl::c_any_of(orphans_, had) || absl::c_any_of(places_, has);
}

void Router::OnChildEnded() {
  if (until_reaped_.pending()) return;
  until_reaped_ = loop_.After(kReapPause, [this] {
    if (!ReapInherited([this](pid_t pid) { return IsOurs(pid); })) {
      OnChildEnded();
    }
  });
}

void Router::WatchIdle(uint64_t id) {
  if (options_.idle_timeout == absl::InfiniteDuration()) return;
  Place& place = places_.at(id);
  place.traffic = place.client->traffic();
  place.idle = loop_.After(options_.idle_timeout, [this, id] {
    Place& quiet = places_.at(id);
    if (quiet.client->traffic() != quiet.traffic) return WatchIdle(id);
    Log(Severity::kInfo, "client=", id, " was idle for ",
        absl::FormatDuration(options_.idle_timeout));
    quiet.client->End();
  });
}

void Router::Stop(absl::string_view why) {
  if (std::exchange(stopping_, true)) return;
  Log(Severity::kInfo, "router ends: ", why);
  readiness_.Stopping();
  listeners_.clear();
  status_socket_.reset();
  while (!places_.empty()) places_.begin()->second.client->End();
  until_end_ = loop_.After(kLastPatience, [this] { finished_ = true; });
  finished_ = orphans_.empty();
}

}  // namespace deptyr
