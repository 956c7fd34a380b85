// Decides which session a program gets that comes with its terminal: a body
// registers the program that it becomes, `deptyr adopt` hands over one that
// runs, and a runtime of containers sends a terminal (lib/head/consoles.h).
//
//   Registrar registrar(1 << 20, sessions, admission, stores, pending, clients,
//                       owner);
//   RETURN_IF_ERROR(registrar.OnRegister(peer, std::move(message),
//                                        controller));
//
// A name is its user's.  An error says why a program isn't taken; then its
// controlling end is left to the caller, to be closed by
// SlowCloser::Close().
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "lib/head/admission.h"
#include "lib/head/head_clients.h"
#include "lib/head/pending_connections.h"
#include "lib/head/session_table.h"
#include "lib/head/stores.h"
#include "lib/session/session.h"
#include "lib/sys/fd.h"
#include "lib/sys/peer_identity.h"
#include "lib/sys/process.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Registrar {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Whether head shows sessions on a terminal of its own.
    virtual bool has_terminal() const = 0;
    // Sessions came or went.
    virtual void TidySoon() = 0;
  };

  // `history` is how many bytes the ring of a session holds.
  Registrar(size_t history, SessionTable& sessions, Admission& admission,
            Stores& stores, PendingConnections& pending, HeadClients& clients,
            Owner& owner)
      : history_(history),
        sessions_(sessions),
        admission_(admission),
        stores_(stores),
        pending_(pending),
        clients_(clients),
        owner_(owner) {}

  // A peer's process is about to become the program.
  absl::Status OnRegister(PendingConnection& peer, Register message,
                          Fd& controller);
  // The program is the leader of the terminal's session.  OK also if the peer
  // has had its answer: that head would take the program, or has it already.
  absl::Status OnAdopt(PendingConnection& peer, Adopt message, Fd& controller);
  // The session is that of the user who sent the terminal: who the program is
  // inside its container says nothing about users outside.
  absl::Status OnConsoleLeader(const PeerIdentity& who, std::string name,
                               Leader leader, Fd& controller);

  // The program that a peer registered was not executed; or has this log.
  void OnExecFailed(PendingConnection& peer, const std::string& text);
  void OnLog(PendingConnection& peer, const std::string& style, Fd log);

  // Head is about to end, so nothing is taken any more.
  void Stop() { stopping_ = true; }

 private:
  // A program that is about to have a session.
  struct Newcomer {
    std::string name;
    uid_t owner = kUnknownId;
    bool replace = false;
    std::optional<SizePolicy> size_policy = {};
    std::optional<WriterPolicy> writers = {};
    std::string said;  // what it did, for the log
    Incarnation program;
  };

  absl::Status CheckName(const Newcomer& newcomer) const;
  absl::Status Check(const Newcomer& newcomer, const Fd& controller) const;
  // Fails with AlreadyExists if a session has the terminal of this program.
  absl::Status CheckIsNew(const Leader& leader) const;
  // Gives a program that was checked a session, and starts it there.  Null if
  // the peer has gone, so that it can't hear that the program is accepted.
  // There is no peer for a program that waits for no answer.
  absl::StatusOr<Session*> Take(PendingConnection* peer, Newcomer newcomer,
                                Fd& controller);
  absl::StatusOr<Session*> SessionFor(const std::string& name, uid_t owner);

  const size_t history_;
  SessionTable& sessions_;
  Admission& admission_;
  Stores& stores_;
  PendingConnections& pending_;
  HeadClients& clients_;
  Owner& owner_;
  bool stopping_ = false;
};

}  // namespace deptyr
