// Decides who may have the keys of a session (lib/session/writer.h).  While
// nobody has them, anybody who may type takes them.  From a client that has
// them only its own user takes them, or somebody who may administer the
// session.  Others ask for them, and the one that has them hears of it.
//
//   RETURN_IF_ERROR(CheckTakingKeys(admission, who, session));
//   RETURN_IF_ERROR(ChangeWriter(admission, who, question, session));
#pragma once

#include "absl/status/status.h"

#include "lib/head/admission.h"
#include "lib/session/session.h"
#include "lib/sys/peer_identity.h"
#include "lib/wire/messages.h"

namespace deptyr {

// PermissionDenied if they may not.  That they may type was checked before.
absl::Status CheckTakingKeys(const Admission& admission,
                             const PeerIdentity& who, const Session& session);

// Does what a question "writer" (docs/protocol.md) wants, from somebody who may
// type.  InvalidArgument, NotFound without such a client, or PermissionDenied.
absl::Status ChangeWriter(const Admission& admission, const PeerIdentity& who,
                          const Ask& question, Session& session);

}  // namespace deptyr
