// A terminal for everybody who connects, with a program of its own: what
// uWSGI's forkpty router does, and `docker exec`.
//
//   RouterOptions options{.listeners = {...}, .command = {"/bin/sh"}};
//   ASSIGN_OR_RETURN(auto router, Router::Create(*loop, std::move(options)));
//   while (!router->finished()) loop->RunOnce();
//
// A router's session is a session like head's, but its program is our child.
// The program's end ends the connection, after all output; the connection's end
// hangs the program up, and it is reaped.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/clients/client_table.h"
#include "lib/clients/listener_spec.h"
#include "lib/clients/refusals.h"
#include "lib/session/session.h"
#include "lib/sys/acceptor.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/readiness.h"

namespace deptyr {

struct RouterOptions {
  std::vector<ListenerSpec> listeners;
  SocketRights rights;
  std::vector<uid_t> allowed_users;  // besides our own and root
  WindowSize size;
  std::string program;            // sought along PATH
  std::vector<std::string> argv;  // argv[0] may differ, for a login shell
  absl::Duration idle_timeout = absl::InfiniteDuration();
  // Over these a connection is refused: of all, of one user at a UNIX socket,
  // of one address over TCP.  Programs that outlive their connections count
  // apart, up to as many.  Root and our own user find a few places more.
  size_t max_connections = 1024;
  size_t max_user_connections = 256;
  size_t max_address_connections = 256;
  size_t history = 256 << 10;
  int ready_fd = -1;
};

class Router {
 public:
  static absl::StatusOr<std::unique_ptr<Router>> Create(EventLoop& loop,
                                                        RouterOptions options);

  // A child of this process has ended (SIGCHLD); it may be one that only came
  // to us, because whoever had started it ended first.
  void OnChildEnded();

  // One line in the log: connections, limits, refusals by code.
  void LogReport() const;

  // Hangs every program up; finished when all are reaped, or after a while.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }

 private:
  // Who connected.
  struct Visitor {
    std::optional<PeerIdentity> identity;  // nothing over TCP
    std::string name;                      // "uid 1000", "127.0.0.1"
  };
  struct Place {
    std::string whose;  // a visitor's name
    std::unique_ptr<Session> session;
    ConnectedClient* client;
    uint64_t traffic = 0;  // when last looked at
    Timer idle;
  };
  struct Orphan {
    std::string whose;
    pid_t pid;
    Fd pidfd;
    Watch watch;
  };

  Router(EventLoop& loop, RouterOptions options)
      : loop_(loop),
        options_(std::move(options)),
        readiness_(options_.ready_fd),
        refusals_(loop),
        clients_(
            loop,
            {.refusals = refusals_,
             .counts = counts_,
             .wrong_socket =
                 "this is a client socket of deptyr router, which takes "
                 "nothing else; name a head's own socket",
             .gone = [this](const ConnectedClient& it) { OnClientGone(it); }}) {
  }

  absl::Status Open();
  void OnConnection(const ListenerSpec& spec, Fd connection);
  bool IsPrivileged(const Visitor& visitor) const;
  absl::Status CheckPermission(const Visitor& visitor) const;
  absl::Status CheckRoom(const Visitor& visitor) const;
  absl::StatusOr<std::unique_ptr<Session>> NewSession(Incarnation* program);
  void OnSessionChanged(Session& session, Change change);
  void OnClientGone(const ConnectedClient& client);
  void WatchIdle(uint64_t id);
  void LetGo(Place& place);
  bool IsOurs(pid_t pid) const;
  void ReportStatus();

  EventLoop& loop_;
  const RouterOptions options_;
  Readiness readiness_;
  Refusals refusals_;
  UserCounts counts_;
  std::vector<std::unique_ptr<Acceptor>> listeners_;
  std::map<uint64_t, Place> places_;    // by the client's id
  std::map<uint64_t, Orphan> orphans_;  // hung up, not ended yet
  ClientTable clients_;
  uint64_t next_orphan_ = 1;
  Timer reap_;
  Timer farewell_;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace deptyr
