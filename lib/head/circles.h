// A session that is shown on a terminal which it shows itself, directly or by
// way of others, would show itself for ever: a circle of viewers.
//
//   RETURN_IF_ERROR(CheckCircle(
//       table, SessionAround(table, Attach{.inside = "a"}, PeerIdentity()),
//       *table.Find("b")));
//
// Only the sessions of one head are looked at.
#pragma once

#include <string>

#include "absl/status/status.h"

#include "lib/head/session_table.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/messages.h"

namespace deptyr {

// The session on whose terminal the client shows what it is sent, or "".  That
// is the one whose program leads the client's session (setsid(2)), or one that
// it descends from.  A terminal inside may have hidden that (tmux's server is
// nobody's child), so what the client was told by $DEPTYR_SESSION counts, too,
// if the session is its own user's.
std::string SessionAround(const SessionTable& sessions, const Attach& wish,
                          const PeerIdentity& who);

// Fails with FailedPrecondition if what `shown` shows has the session `inside`
// in it already.  "" is no session.
absl::Status CheckCircle(const SessionTable& sessions,
                         const std::string& inside, const Session& shown);

}  // namespace deptyr
