// Head: it holds the controlling ends of many programs' terminals, in one loop.
//
//   HeadOptions options{.socket = "/run/head.sock"};
//   ASSIGN_OR_RETURN(auto head, Head::Create(*loop, options));
//   head->TakeTerminal("^\\");              // if it has one
//   while (!head->finished()) loop->RunOnce();
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "lib/head/acceptor.h"
#include "lib/head/answers.h"
#include "lib/head/attach_client.h"
#include "lib/head/listeners.h"
#include "lib/head/peer.h"
#include "lib/head/session.h"
#include "lib/head/socket_client.h"
#include "lib/head/viewer.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/readiness.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

struct HeadOptions {
  std::string socket;
  SocketRights rights;
  std::vector<ListenerSpec> listeners;
  std::vector<ClientDirSpec> client_dirs;
  SessionOptions session = {};
  size_t history = 1 << 20;  // bytes each session's ring holds
  int ready_fd = -1;
  size_t most_clients = SIZE_MAX;
};

// Sessions without a program that are remembered, the latest ones.
inline constexpr size_t kMostEnded = 64;
// How long clients get, at the end, to take what they are owed.
inline constexpr absl::Duration kFarewell = absl::Seconds(2);

class Head : public Peer::Owner {
 public:
  using Sessions = std::map<std::string, std::unique_ptr<Session>>;

  // Listens: for bodies on a socket inherited for `socket` (LISTEN_FDS, fd 0)
  // or on one of its own, and for clients.  Then it is ready, and says so.
  static absl::StatusOr<std::unique_ptr<Head>> Create(EventLoop& loop,
                                                      HeadOptions options);
  ~Head() override;

  // Shows sessions on the terminal of standard output until it is given back.
  absl::Status TakeTerminal(std::optional<char> command_key);
  void GiveTerminalBack() { viewer_.reset(); }
  Viewer* viewer() { return viewer_.get(); }

  const std::string& socket() const { return options_.socket; }
  const Sessions& sessions() const { return sessions_; }
  // The session that registered last, or null.
  Session* newest() const { return newest_; }
  // That of a name, or for "" the newest; null if there is none.
  Session* FindSession(const std::string& name) const;
  // For "", the newest that `who` may use.
  Session* FindSession(const std::string& name, const PeerIdentity& who) const;
  std::string NoSuchSession(const std::string& name) const;
  // Of head itself, for those who ask.
  KeyValues Report() const;

  // Stops listening, lets clients have what they are owed, then is finished.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }
  // The terminal was closed or hung up: what ends a head that has one.
  void OnTerminalGone();
  // Somebody typed that head shall go on without this terminal.
  void RequestBackground() { background_requested_ = true; }
  bool TakeBackgroundRequest() {
    return std::exchange(background_requested_, false);
  }
  // Makes the socket's file again if it has gone (SIGHUP).
  void RestoreSocket();
  // "a (pid 1), b (pid 2)"; "" if none runs.
  std::string RunningPrograms() const;

 private:
  Head(EventLoop& loop, HeadOptions options)
      : loop_(loop),
        options_(std::move(options)),
        readiness_(options_.ready_fd),
        answers_(loop, *this),
        clients_(loop) {}

  absl::Status Open();
  absl::Status OpenListeners(std::vector<InheritedFd>& inherited);
  void OnBody(Fd connection);
  void OnClient(const ListenerSpec& spec, Fd connection);
  void OpenClientDirs(Session& session);
  void SeatWaitingClients();
  void OnRegister(Peer& peer, Register message, Fd controller) override;
  void OnExecFailed(Peer& peer, const std::string& text) override;
  void OnAttach(Peer& peer, Attach message) override;
  void OnAsk(Peer& peer, Ask message) override;
  void OnPeerDone(Peer& peer) override;
  absl::StatusOr<Session*> SessionFor(const std::string& name, uid_t owner);
  void OnSessionChanged(Session& session, Change change);
  size_t CountClients() const;
  bool IsFull() const { return CountClients() >= options_.most_clients; }
  // What needn't be done at every change: status, forgetting old sessions.
  void TidySoon();
  void Tidy();
  void Forget(const std::string& name);
  void FinishIfServed();

  EventLoop& loop_;
  const HeadOptions options_;
  Readiness readiness_;
  std::unique_ptr<Acceptor> bodies_;
  std::vector<std::unique_ptr<Acceptor>> listeners_;
  // By session: its sockets in the folders of --client-dir.
  absl::flat_hash_map<const Session*, std::vector<std::unique_ptr<Acceptor>>>
      client_dirs_;

  Answers answers_;
  Sessions sessions_;
  Session* newest_ = nullptr;
  size_t running_ = 0;
  std::deque<std::string> ended_;  // names, in the order of their ends
  absl::flat_hash_map<const Peer*, std::unique_ptr<Peer>> peers_;
  // Before the sessions go, clients leave them.
  SocketClients clients_;
  absl::flat_hash_map<const AttachClient*, std::unique_ptr<AttachClient>>
      attached_;
  struct Waiting {
    SocketClient* client;
    std::string wanted;
  };
  std::vector<Waiting> waiting_;
  std::unique_ptr<Viewer> viewer_;

  Timer tidy_;
  Timer farewell_;
  Timer served_check_;
  const absl::Time since_ = absl::Now();
  bool stopping_ = false;
  bool finished_ = false;
  bool background_requested_ = false;
};

}  // namespace deptyr
