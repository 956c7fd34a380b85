// Head holds the controlling ends of many programs' terminals, in one loop.
// This room has one class for each of its concerns, in the order in which a
// connection meets them:
//
//   Listeners           the sockets, the head socket among them
//   Admission           who may come in, and have how much
//   PendingConnections  whoever hasn't said yet what they want; then
//     Registrar           a program is registered: which session it gets
//     HeadClients         somebody attaches, or came to a client socket
//     Consoles            a runtime of containers sends a program's terminal
//     Queries             somebody asks; EventListeners hear what happens
//   Audit               who did what
//   SessionTable        the sessions
//   Stores              who has copies of their descriptors if head dies
//   Upgrade             another program takes over
//
// Head puts them together, passes on what one of them has for another, and
// shows sessions on its own terminal, if it has one (TerminalClient).
// RunHead() (lib/head/run_head.h) is the program around it.
//
//   HeadOptions options;
//   options.socket = "/run/head.sock";
//   ASSIGN_OR_RETURN(auto head, Head::Create(loop, options));
//   while (!head->finished()) RETURN_IF_ERROR(loop.RunOnce());
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/clients/terminal_client.h"
#include "lib/head/admission.h"
#include "lib/head/audit.h"
#include "lib/head/consoles.h"
#include "lib/head/event_listeners.h"
#include "lib/head/head_clients.h"
#include "lib/head/head_options.h"
#include "lib/head/listeners.h"
#include "lib/head/pending_connections.h"
#include "lib/head/queries.h"
#include "lib/head/registrar.h"
#include "lib/head/session_table.h"
#include "lib/head/stores.h"
#include "lib/head/upgrade.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/log_folder.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/sys/readiness.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class Head final : private Listeners::Owner,
                   private PendingConnection::Owner,
                   private Consoles::Owner,
                   private Registrar::Owner,
                   private SessionTable::Owner,
                   private Queries::Owner,
                   private Upgrade::Owner,
                   private TerminalClient::Owner {
 public:
  // Listens for bodies, on a socket inherited for `socket` (LISTEN_FDS, fd 0)
  // or on one of its own, and for clients; then it is ready, and says so.  With
  // `before` it takes the place of the head that handed itself over.
  static absl::StatusOr<std::unique_ptr<Head>> Create(
      EventLoop& loop, HeadOptions options,
      std::optional<HeadState> before = {});
  ~Head() override;

  // Takes the terminal of standard output, after an upgrade from the program
  // before, and shows sessions there until it is given back.
  absl::Status TakeTerminal();
  void GiveTerminalBack() { terminal_.reset(); }
  // Another process gives it back.
  void LeaveTerminal() {
    terminal_->LeaveTerminal();
    terminal_.reset();
  }
  // Null without a terminal.
  TerminalClient* terminal() const { return terminal_.get(); }

  const std::string& socket() const { return options_.socket; }
  const SessionTable::ByName& sessions() const { return sessions_.by_name(); }
  const Stores& stores() const { return stores_; }
  // The newest session of head's own user, which head's terminal shows by
  // itself; null if there is none.
  Session* newest() const { return sessions_.NewestOf(OwnUid()); }
  // Tells those who ask about head itself.
  KeyValues Report() const override;
  // "a (pid 1), b (pid 2)": the programs that would survive head's end, or
  // those that wouldn't; "" if there is none.
  std::string RunningPrograms(bool kept) const;

  // Stops listening and lets clients take what they are owed; then head is
  // finished.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }
  // Head's terminal was closed or hung up, which ends head.
  void OnTerminalGone() override;
  // Whether somebody typed that head shall go on without this terminal.  False
  // while a program is tried, because that is a child of this process.
  bool TakeBackgroundRequest() {
    return !upgrade_.trying() && std::exchange(background_requested_, false);
  }
  // Doesn't return if the program of the options takes over at once.
  void BeginUpgrade() override { upgrade_.Begin(); }
  void RestoreSocket() { listeners_.RestoreSocket(); }
  // Log files may have been renamed.
  void ReopenLogFiles();

 private:
  // How much of head a user has.
  struct Usage {
    size_t sessions = 0;
    size_t running = 0;
    size_t kept = 0;
    size_t clients = 0;
    size_t pending = 0;
    size_t descriptors = 0;  // besides those of clients
  };

  Head(EventLoop& loop, HeadOptions options);
  absl::Status Open(std::optional<HeadState> before);
  absl::Status OpenLogFiles(bool must_go_on);
  void Resume(const HeadState& before);
  std::map<uid_t, Usage> UsageByUser() const;
  size_t CountClients() const {
    return clients_.size() + (has_terminal() ? 1 : 0);
  }
  // Some work needn't be done at every change: telling the status, forgetting
  // old sessions, storing those that found no room.
  void TidySoon() override;
  void Tidy();
  void FinishIfServed();

  void OnConnection(Fd connection) override;
  void OnClient(const ListenerSpec& spec, Fd connection,
                const std::optional<PeerIdentity>& who) override {
    clients_.Add(spec, std::move(connection), who);
  }
  bool has_terminal() const override { return terminal_ != nullptr; }

  absl::Status OnRegister(PendingConnection& peer, Register message,
                          Fd& controller) override {
    return registrar_.OnRegister(peer, std::move(message), controller);
  }
  absl::Status OnAdopt(PendingConnection& peer, Adopt message,
                       Fd& controller) override {
    return registrar_.OnAdopt(peer, std::move(message), controller);
  }
  void OnConsole(const ConsoleSpec& spec, Fd connection) override {
    consoles_.Add(spec, std::move(connection));
  }
  absl::Status OnConsoleLeader(const PeerIdentity& who, std::string name,
                               Leader leader, Fd& controller) override {
    return registrar_.OnConsoleLeader(who, std::move(name), std::move(leader),
                                      controller);
  }
  void OnExecFailed(PendingConnection& peer, const std::string& text) override {
    registrar_.OnExecFailed(peer, text);
  }
  void OnLog(PendingConnection& peer, const std::string& style,
             Fd log) override {
    registrar_.OnLog(peer, style, std::move(log));
  }
  absl::Status OnAttach(PendingConnection& peer, Attach message) override {
    return clients_.Attach(peer, std::move(message));
  }
  absl::Status OnAsk(PendingConnection& peer, Ask message) override;
  void OnPendingDone(PendingConnection& peer) override {
    pending_.Remove(peer);
  }

  void OnSessionAdded(Session& session) override {
    listeners_.OpenFor(session);
  }
  void OnSessionChanged(Session& session, Change change) override;
  void OnSessionForgotten(Session& session) override;
  bool IsShown(const Session& session) const override {
    return has_terminal() && terminal_->shown() == &session;
  }

  std::vector<KeyValues> ReportUsers(const PeerIdentity& who) const override;

  HeadState Save() const override;
  void OnUpgradeFailed(absl::string_view why) override;

  std::vector<Session*> ListedSessions() const override;
  Session* DefaultSession() const override { return newest(); }
  const std::string& Socket() const override { return options_.socket; }
  std::string ProgramsToLose() const override { return RunningPrograms(false); }
  void OnBackgroundWanted() override { background_requested_ = true; }
  void OnQuit() override { Stop("asked to on its terminal"); }

  EventLoop& loop_;
  const HeadOptions options_;
  Readiness readiness_;
  Admission admission_;
  EventListeners events_;
  Audit audit_;
  Queries queries_;  // has those listeners
  Listeners listeners_;
  LogFolder log_folder_;
  SessionTable sessions_;
  Stores stores_;
  PendingConnections pending_;
  Consoles consoles_;
  HeadClients clients_;
  Registrar registrar_;
  Upgrade upgrade_;
  std::unique_ptr<TerminalClient> terminal_;
  HeadState before_;  // what it says of the terminal that isn't taken yet
  Timer until_tidied_;
  Timer until_served_;
  Timer until_end_;
  absl::Time since_ = absl::Now();
  bool stopping_ = false;
  bool finished_ = false;
  bool background_requested_ = false;
};

}  // namespace deptyr
