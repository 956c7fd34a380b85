#include "lib/head/router.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/address.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/io.h"
#include "lib/sys/process.h"
#include "lib/sys/pty.h"

namespace deptyr {
namespace {

// How long programs get, at the end, to obey the hang-up.
constexpr absl::Duration kFarewell = absl::Seconds(2);
// Enough for our own to be reaped by whoever watches them.
constexpr absl::Duration kReapPause = absl::Milliseconds(50);

}  // namespace

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
        socket.path(),
        spec.policy.framing == Framing::kRaw ? ", raw" : ", uwsgi-framed");
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
  readiness_.Ready();
  ReportStatus();
  return absl::OkStatus();
}

void Router::ReportStatus() {
  (void)readiness_.Status(absl::StrCat(places_.size(), " connections"));
}

absl::StatusOr<std::optional<PeerIdentity>> Router::Admit(
    int connection) const {
  if (options_.max_connections > 0 &&
      places_.size() >= options_.max_connections) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are ", places_.size(),
                     " connections already; see --max-connections"));
  }
  auto identity = IdentifyPeer(connection);
  if (absl::IsNotFound(identity.status())) return std::nullopt;  // TCP
  if (!identity.ok()) return identity.status();
  const uid_t uid = identity->uid;
  if (uid == 0 || uid == OwnUid() ||
      std::count(options_.allowed_users.begin(), options_.allowed_users.end(),
                 uid) > 0) {
    return *std::move(identity);
  }
  return absl::PermissionDeniedError(
      absl::StrCat("uid ", UidText(uid), " is not allowed; see --allow-user"));
}

absl::StatusOr<std::unique_ptr<Session>> Router::NewSession(
    Incarnation* program) {
  ASSIGN_OR_RETURN(Ring ring, Ring::Create(options_.history));
  ASSIGN_OR_RETURN(Pty pty, OpenPty(options_.size));
  ASSIGN_OR_RETURN(
      Child child,
      SpawnOnTerminal(pty.terminal.get(), options_.program, options_.argv));
  *program = {.pid = child.pid,
              .is_child = true,
              .pidfd = std::move(child.pidfd),
              .controller = std::move(pty.controller),
              .size = options_.size,
              .argv = options_.argv};
  return std::make_unique<Session>(
      loop_, absl::StrCat("pid-", child.pid), OwnUid(), std::move(ring),
      SessionOptions{.when_behind = WhenBehind::kBlock, .keeps_screen = false},
      [this](Session& session, Change change) {
        OnSessionChanged(session, change);
      });
}

void Router::OnConnection(const ListenerSpec& spec, Fd connection) {
  Incarnation program;
  const auto who = Admit(connection.get());
  auto session = who.ok() ? NewSession(&program) : who.status();
  if (!session.ok()) {
    Log(Severity::kWarning, "refused: ", session.status().message());
    // Raw bytes go down in both framings.
    (void)WriteSome(
        connection.get(),
        absl::StrCat("deptyr: ", session.status().message(), "\r\n"));
    return;
  }
  ClientPolicy policy = spec.policy;
  policy.shows = Shows::kHistory;
  policy.type_after_close = false;
  SocketClient& client =
      clients_.Add(std::move(connection), policy, *who,
                   [this](SocketClient& gone) { OnClientGone(gone); });
  Place& place = places_[client.id()];
  place.session = *std::move(session);
  place.client = &client;
  client.Join(*place.session);
  place.session->Start(std::move(program));
  WatchIdle(client.id());
  ReportStatus();
}

void Router::OnSessionChanged(Session& session, Change change) {
  if (change.kind != Change::kEnded) return;
  for (const auto& [id, place] : places_) {
    if (place.session.get() == &session) return place.client->CloseWhenServed();
  }
}

void Router::OnClientGone(SocketClient& client) {
  const auto found = places_.find(client.id());
  if (found == places_.end()) return;
  LetGo(found->second);
  places_.erase(found);
  ReportStatus();
}

// Both client and session may be on the stack.
void Router::LetGo(Place& place) {
  if (place.session->running()) {
    const uint64_t id = next_orphan_++;
    Orphan& orphan = orphans_[id];
    orphan.pid = place.session->pid();
    orphan.pidfd = place.session->ReleaseProcess();
    orphan.watch =
        loop_.Add(orphan.pidfd.get(), Interest::kRead, [this, id](Ready) {
          // Readable: it has ended.  How is nobody's business any more.
          (void)ReapChild(orphans_[id].pidfd.get());
          orphans_.erase(id);
          if (stopping_ && orphans_.empty()) finished_ = true;
        });
  }
  loop_.DestroyLater(std::move(place.session));
}

bool Router::IsOurs(pid_t pid) const {
  return std::any_of(orphans_.begin(), orphans_.end(),
                     [pid](const auto& it) { return it.second.pid == pid; }) ||
         std::any_of(places_.begin(), places_.end(), [pid](const auto& it) {
           const Session& session = *it.second.session;
           return session.running() && session.pid() == pid;
         });
}

void Router::OnChildEnded() {
  if (reap_.pending()) return;
  reap_ = loop_.After(kReapPause, [this] {
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
  while (!places_.empty()) places_.begin()->second.client->End();
  farewell_ = loop_.After(kFarewell, [this] { finished_ = true; });
  finished_ = orphans_.empty();
}

}  // namespace deptyr
