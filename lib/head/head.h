// Head: it holds the controlling ends of many programs' terminals, in one loop.
//
//   HeadOptions options{.socket = "/run/head.sock"};
//   ASSIGN_OR_RETURN(auto head, Head::Create(*loop, options));
//   head->terminal().Take('\x1c');           // if it has one
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
#include "absl/strings/str_cat.h"

#include "lib/clients/allow.h"
#include "lib/clients/backlog_quota.h"
#include "lib/clients/client_table.h"
#include "lib/clients/limits.h"
#include "lib/clients/listener_spec.h"
#include "lib/clients/refusals.h"
#include "lib/clients/user_log.h"
#include "lib/head/head_terminal.h"
#include "lib/head/pending_connection.h"
#include "lib/head/queries.h"
#include "lib/keep/stored_sessions.h"
#include "lib/session/session.h"
#include "lib/sys/acceptor.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/file_watch.h"
#include "lib/sys/inherited_fds.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/readiness.h"
#include "lib/sys/replace_self.h"
#include "lib/sys/unix_socket.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

// Who keeps head's descriptors.
struct KeeperSpec {
  enum {
    kFound,  // whoever is there
    kNobody,
    kSystemd,   // its descriptor store, FDSTORE and NOTIFY_SOCKET
    kFdHolder,  // an s6-fdholder at `path`
  } kind = kFound;
  std::string path = {};
};

struct HeadOptions {
  std::string socket;
  SocketRights rights;
  std::vector<ListenerSpec> listeners;
  std::vector<ClientDirSpec> client_dirs;
  AllowRules allow = {};  // at the head socket
  SessionOptions session = {};
  size_t history = 1 << 20;  // bytes each session's ring holds
  KeeperSpec keeper = {};
  int ready_fd = -1;
  Limits limits = {};
  // What takes over in an upgrade: the program and its arguments.  Without, an
  // upgrade is refused.
  std::string program = {};
  std::vector<std::string> argv = {};
  std::string version = {};  // "deptyr 0.1.0"
};

// Sessions without a program that are remembered of each user, the latest ones.
inline constexpr size_t kMostEnded = 64;
// Lines of the log about what one user does, in a minute.  All programs that
// there may be can come back at once.
inline constexpr size_t kMostLines = 5000;
// How long clients get, at the end, to take what they are owed.
inline constexpr absl::Duration kFarewell = absl::Seconds(2);

class Head : public PendingConnection::Owner {
 public:
  using Sessions = std::map<std::string, std::unique_ptr<Session>>;

  // Listens: for bodies on a socket inherited for `socket` (LISTEN_FDS, fd 0)
  // or on one of its own, and for clients.  Then it is ready, and says so.
  // `before`: in the place of a head that handed itself over, with all it had.
  static absl::StatusOr<std::unique_ptr<Head>> Create(
      EventLoop& loop, HeadOptions options,
      std::optional<HeadState> before = {});
  ~Head() override;

  HeadTerminal& terminal() { return terminal_; }

  const std::string& socket() const { return options_.socket; }
  const Limits& limits() const { return options_.limits; }
  const Sessions& sessions() const { return sessions_; }
  const StoredSessions& keeping() const { return keeping_; }
  // Names whose state only a newer deptyr understands: held, and not touched.
  const std::map<std::string, StoredSession>& held() const { return held_; }
  // The session of this user that registered last, or null.
  Session* NewestOf(uid_t owner) const;
  // That of head's own user: what head's own terminal shows by itself.
  Session* newest() const;
  // Null if there is none of that name.
  Session* FindSession(const std::string& name) const;
  // For "", the newest of their own: nobody gets into another's by default.
  Session* FindSession(const std::string& name, const PeerIdentity& who) const;
  std::string NoSuchSession(const std::string& name,
                            const PeerIdentity& who) const;
  Rights RightsIn(const Session& session, const PeerIdentity& who) const;
  // Head itself, not a session: root, head's own user, and who was given that.
  bool MayAdminister(const PeerIdentity& who) const;
  Refusals& refusals() { return refusals_; }
  BacklogQuota& backlogs() { return backlogs_; }
  // Of head itself, for those who ask.
  KeyValues Report() const;
  // What each user has of it, as far as `who` may know.
  std::vector<KeyValues> ReportUsers(const PeerIdentity& who) const;

  // Stops listening, lets clients have what they are owed, then is finished.
  void Stop(absl::string_view why);
  bool finished() const { return finished_; }
  // The terminal was closed or hung up: what ends a head that has one.
  void OnTerminalGone();
  // Somebody typed that head shall go on without this terminal.
  void RequestBackground() { background_requested_ = true; }
  // Not while a program is tried: it is the child of this process.
  bool TakeBackgroundRequest() {
    return !rehearsal_ && std::exchange(background_requested_, false);
  }
  // Hands all over to the program in options().program, if that understands it;
  // then it doesn't come back.  Otherwise it goes on.
  void Upgrade();
  // Makes the socket's file again if it has gone (SIGHUP).
  void RestoreSocket();
  // "a (pid 1), b (pid 2)", of those that outlive head, or don't; "" if none
  // runs.
  std::string RunningPrograms(bool kept) const;

 private:
  Head(EventLoop& loop, HeadOptions options)
      : loop_(loop),
        options_(std::move(options)),
        readiness_(options_.ready_fd),
        refusals_(loop),
        user_log_(loop, kMostLines, kLogPause, {}),
        backlogs_(loop, options_.limits.buffered),
        queries_(loop, *this),
        clients_(loop,
                 {.refusals = refusals_,
                  .counts = clients_of_,
                  .wrong_socket = absl::StrCat(
                      "this is a client socket; ask at ", options_.socket),
                  .gone = [this](const ConnectedClient& gone) {
                    OnClientGone(gone);
                  }}) {}

  absl::Status Open();
  HeadState Save() const;
  void Resume();
  void ResumeSession(const SessionState& state);
  void ResumePending(const PeerState& state);
  void SortEnded();
  void SortByStart();
  void ResumeClients();
  // The one that the program before had for this purpose; not valid if none.
  ListeningSocket TakeSocket(absl::string_view role);
  absl::StatusOr<ListeningSocket> OpenSocket(
      std::vector<InheritedFd>& inherited);
  void ServeBodies(ListeningSocket socket);
  void OnSocketFile();
  void OnTrialEnded();
  void UpgradeFailed(absl::string_view why);
  void OnClientGone(const ConnectedClient& client);
  // Takes what systemd kept out of `inherited`.
  absl::Status OpenKeeper(std::vector<InheritedFd>& inherited);
  absl::StatusOr<std::unique_ptr<FdStore>> FindKeeper(
      std::vector<InheritedFd>& inherited);
  void TakeAllBack();
  void TakeBack(const std::string& name, StoredSession kept);
  // The places that a user has with the keeper.
  struct Places {
    size_t count = 0;
    std::deque<Session*> ended;     // the oldest first
    std::vector<Session*> running;  // the newest last
  };
  std::map<uid_t, Places> CountPlaces() const;
  void KeepAgain();
  bool MakeRoom(uid_t owner, std::map<uid_t, Places>& users);
  absl::Status OpenListeners(std::vector<InheritedFd>& inherited);
  void OnBody(Fd connection);
  void OnClient(const ListenerSpec& spec, Fd connection,
                const std::optional<PeerIdentity>& who);
  void OpenClientDirs(Session& session);
  void AssignWaitingClients(Session& session);
  void AssignSession(ConnectedClient& client, Session& session);
  void OnRegister(PendingConnection& peer, Register message,
                  Fd controller) override;
  void OnExecFailed(PendingConnection& peer, const std::string& text) override;
  absl::Status CheckDescriptor(int fd, uid_t uid) const override;
  void OnAttach(PendingConnection& peer, Attach message) override;
  void OnAsk(PendingConnection& peer, Ask message) override;
  void OnRefused(const PeerIdentity& who, absl::string_view code,
                 absl::string_view text) override {
    refusals_.Note(who, code, text);
  }
  void OnPendingDone(PendingConnection& peer) override;
  void NoteRegistered(PendingConnection& peer);
  void EndRegistration(const std::string& session);
  absl::StatusOr<Session*> SessionFor(const std::string& name, uid_t owner);
  Session& AddSession(const std::string& name, uid_t owner, Ring ring);
  void MakeNewest(Session& session);
  void OnSessionChanged(Session& session, Change change);
  // Of the limits: head_limits.cc.
  size_t CountClients() const;
  // What a user has of head.
  struct Usage {
    size_t sessions = 0;
    size_t running = 0;
    size_t kept = 0;
    size_t clients = 0;
    size_t pending = 0;
  };
  std::map<uid_t, Usage> CountUsage() const;
  size_t CountDescriptorsOf(uid_t uid) const;
  size_t CountPending() const;
  size_t MostClientsOfAUser() const;
  absl::Status CheckRoom(const std::optional<PeerIdentity>& who) const;
  absl::Status CheckRoomIn(const Session& session) const;
  absl::Status CheckRate(const PeerIdentity& who);
  void OnHeldUp(const Session& session);
  absl::Status MakeRoomForSession(uid_t owner);
  absl::Status MakeRoomForPeer(uid_t newcomer);
  bool ForgetOneEnded(uid_t owner);
  bool ForgetOneOfMoreThan(uid_t owner);
  void ForgetExcess();
  bool IsWatched(const Session& session) const;
  void ReportLimits(KeyValues& report) const;
  static constexpr char kBodiesRole[] = "head";
  // What needn't be done at every change: status, forgetting old sessions.
  void TidySoon();
  void Tidy();
  void Forget(const std::string& name);
  void Keep(const Session& session, uint64_t number, int controller, int pidfd);
  void FinishIfServed();

  EventLoop& loop_;
  const HeadOptions options_;
  Readiness readiness_;
  std::unique_ptr<Acceptor> bodies_;
  std::unique_ptr<FileWatch> socket_watch_;
  bool socket_there_ = true;
  std::vector<std::pair<std::string, std::unique_ptr<Acceptor>>>
      listeners_;  // by their roles
  // By session: its sockets in the folders of --client-dir.
  absl::flat_hash_map<const Session*, std::vector<std::unique_ptr<Acceptor>>>
      client_dirs_;

  Refusals refusals_;
  UserLog user_log_;
  RegistrationRate rate_;
  RegistrationRate held_up_;  // how often a user's terminals made head wait
  UserCounts clients_of_;     // of all kinds
  UserCounts sessions_of_;
  BacklogQuota backlogs_;
  Queries queries_;
  StoredSessions keeping_;
  std::map<std::string, StoredSession> taken_back_;  // until they are sessions
  std::map<std::string, StoredSession> held_;
  Sessions sessions_;
  absl::flat_hash_map<const Session*, UserCounts::Place> session_places_;
  std::vector<Session*> by_start_;  // all; who registered last is last
  std::vector<Session*> ended_;     // who ended last is last
  size_t running_ = 0;
  absl::flat_hash_map<const PendingConnection*,
                      std::unique_ptr<PendingConnection>>
      peers_;
  // By session: the connection that its program registered on, until it is
  // executed.
  absl::flat_hash_map<std::string, PendingConnection*> registered_;
  // Before the sessions go, clients leave them.
  ClientTable clients_;
  struct Waiting {
    ConnectedClient* client;
    std::string wanted;
  };
  std::vector<Waiting> waiting_;
  HeadTerminal terminal_{loop_, *this};

  std::optional<HeadState> before_;  // until it is resumed
  struct Rehearsal {
    Trial trial;
    Watch watch;
    Timer patience;
  };
  std::optional<Rehearsal> rehearsal_;
  Timer tidy_;
  Timer keep_again_;
  Timer relax_;  // the keeper
  Timer farewell_;
  Timer served_check_;
  absl::Time since_ = absl::Now();
  bool stopping_ = false;
  bool finished_ = false;
  bool background_requested_ = false;
};

// What else a program that is about to take over has to understand.
absl::Status CheckRings(const HeadState& state);

}  // namespace deptyr
