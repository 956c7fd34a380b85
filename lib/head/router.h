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

#include "lib/head/acceptor.h"
#include "lib/head/listeners.h"
#include "lib/head/refusals.h"
#include "lib/head/session.h"
#include "lib/head/socket_client.h"
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
  size_t max_connections = 0;
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

  // Hangs every program up; finished when all are reaped, or after a while.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }

 private:
  struct Place {
    std::unique_ptr<Session> session;
    SocketClient* client;
    uint64_t traffic = 0;  // when last looked at
    Timer idle;
  };
  struct Orphan {
    pid_t pid;
    Fd pidfd;
    Watch watch;
  };

  Router(EventLoop& loop, RouterOptions options)
      : loop_(loop),
        options_(std::move(options)),
        readiness_(options_.ready_fd),
        refusals_(loop),
        clients_(loop, {.refusals = refusals_,
                        .wrong_socket =
                            "this is a client socket of deptyr router, which "
                            "takes nothing else; name a head's own socket"}) {}

  absl::Status Open();
  void OnConnection(const ListenerSpec& spec, Fd connection);
  // Who that is, if they may come; nothing over TCP.
  absl::StatusOr<std::optional<PeerIdentity>> Admit(int connection) const;
  absl::StatusOr<std::unique_ptr<Session>> NewSession(Incarnation* program);
  void OnSessionChanged(Session& session, Change change);
  void OnClientGone(SocketClient& client);
  void WatchIdle(uint64_t id);
  void LetGo(Place& place);
  bool IsOurs(pid_t pid) const;
  void ReportStatus();

  EventLoop& loop_;
  const RouterOptions options_;
  Readiness readiness_;
  Refusals refusals_;
  std::vector<std::unique_ptr<Acceptor>> listeners_;
  std::map<uint64_t, Place> places_;    // by the client's id
  std::map<uint64_t, Orphan> orphans_;  // hung up, not ended yet
  SocketClients clients_;
  uint64_t next_orphan_ = 1;
  Timer reap_;
  Timer farewell_;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace deptyr
