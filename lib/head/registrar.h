// Decides on registrations: which session a program gets, if it gets one.
#pragma once

#include "absl/status/statusor.h"

#include "lib/head/admission.h"
#include "lib/head/head_clients.h"
#include "lib/head/pending_connections.h"
#include "lib/head/session_table.h"
#include "lib/head/stores.h"
#include "lib/sys/fd.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Registrar {
 public:
  // `history` is what a new session's ring holds, in bytes.
  Registrar(SessionTable& sessions, PendingConnections& pending,
            HeadClients& clients, Admission& admission, Stores& stores,
            size_t history)
      : sessions_(sessions),
        pending_(pending),
        clients_(clients),
        admission_(admission),
        stores_(stores),
        history_(history) {}

  // Accepts the registration that came over `connection`, and starts its
  // program; an error is what to refuse it with.  Nothing starts if the body
  // went away before it heard the answer.
  absl::Status OnRegister(PendingConnection& connection, Register message,
                          Fd controller);

 private:
  absl::Status CheckName(const Register& message,
                         const PeerIdentity& who) const;
  absl::StatusOr<Session*> SessionFor(const std::string& name, uid_t owner);

  SessionTable& sessions_;
  PendingConnections& pending_;
  HeadClients& clients_;
  Admission& admission_;
  Stores& stores_;
  const size_t history_;
};

}  // namespace deptyr
