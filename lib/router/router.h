// A router gives everybody who connects a terminal with a program of its own,
// as uWSGI's forkpty router and `docker exec` do.
//
//   RouterOptions options;
//   options.program = "/bin/sh";
//   options.argv = {"/bin/sh"};
//   ASSIGN_OR_RETURN(auto router, Router::Create(loop, std::move(options)));
//   while (!router->finished()) RETURN_IF_ERROR(loop.RunOnce());
//
// A router's session is one like head's, but its program is a child of ours.
// When the program ends, the connection ends after all output; when the
// connection ends, the program is hung up and reaped.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/clients/client_table.h"
#include "lib/clients/listener_spec.h"
#include "lib/clients/refusals.h"
#include "lib/router/status_socket.h"
#include "lib/session/session.h"
#include "lib/sys/acceptor.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/sys/readiness.h"
#include "lib/sys/slow_closer.h"

namespace deptyr {

struct RouterOptions {
  std::vector<ListenerSpec> listeners;
  SocketRights rights;
  std::vector<uid_t> allowed_users;  // besides our own and root
  bool allows_anybody = false;
  WindowSize size;
  std::string program;            // sought along PATH
  std::vector<std::string> argv;  // argv[0] may differ, for a login shell
  ChildSettings settings;         // of the program
  absl::Duration idle_timeout = absl::InfiniteDuration();
  // A connection beyond these is refused.  Programs that outlive their
  // connections are counted apart, with the same limits.  Root and our own user
  // have a few places more.
  size_t max_connections = 1024;
  size_t max_user_connections = 256;     // of one user at a UNIX socket
  size_t max_address_connections = 256;  // of one address over TCP
  size_t history = 256 << 10;
  int ready_fd = -1;
  std::string status_socket;  // where StatusSocket answers; "" for nowhere
  std::string version;        // "deptyr 0.2.0"
};

class Router {
 public:
  static absl::StatusOr<std::unique_ptr<Router>> Create(EventLoop& loop,
                                                        RouterOptions options);

  // A child of this process has ended (SIGCHLD), maybe one that became ours
  // only because its parent ended first.
  void OnChildEnded();
  // The router, then each of its clients.
  std::vector<KeyValues> Report() const;
  // One line in the log: connections, limits, refusals by code.
  void LogReport() const;
  // Hangs up every program.  The router is finished once all are reaped, or
  // after two seconds.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }

 private:
  struct Visitor {
    std::optional<PeerIdentity> identity;  // none over TCP
    std::string name;                      // "uid 1000", "127.0.0.1"
  };
  struct Place {
    std::string whose;  // a visitor's name
    std::unique_ptr<Session> session;
    ConnectedClient* client;
    uint64_t traffic = 0;  // when last looked at
    Timer idle = {};
  };
  // A program that was hung up and hasn't ended yet.
  struct Orphan {
    std::string whose;
    pid_t pid;
    Fd pidfd;
    Watch watch;
  };

  Router(EventLoop& loop, RouterOptions options);

  absl::Status Open();
  void OnConnection(const ListenerSpec& spec, Fd connection);
  // Whether the visitor may come in, and there is room.
  absl::Status Check(const Visitor& visitor) const;
  absl::StatusOr<std::unique_ptr<Session>> NewSession(const Visitor& visitor,
                                                      Incarnation* program);
  void OnClientGone(const ConnectedClient& client);
  void WatchIdle(uint64_t id);
  bool IsOurs(pid_t pid) const;
  void ReportStatus();

  EventLoop& loop_;
  const RouterOptions options_;
  Readiness readiness_;
  Refusals refusals_;
  UserCounts counts_;
  SlowCloser slow_closer_;
  std::vector<std::unique_ptr<Acceptor>> listeners_;
  std::unique_ptr<StatusSocket> status_socket_;
  absl::Time since_ = absl::Now();
  std::map<uint64_t, Place> places_;    // by the client's id
  std::map<uint64_t, Orphan> orphans_;  // by the id of the client they had
  ClientTable clients_;
  Timer until_reaped_;
  Timer until_end_;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace deptyr
