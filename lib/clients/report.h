// Head's reports about its sessions, clients and incarnations, as keys and
// values; docs/protocol.md, "Ask", has the table.
#pragma once

#include "lib/session/ring_state.h"
#include "lib/session/session.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// "running", "ended" or, before its first program, "waiting".
absl::string_view StateOf(const Session& session);

KeyValues Report(Session& session);
KeyValues Report(const SessionClient& client);
// Tells whose keys the session's program gets.
KeyValues ReportWriter(const Session& session);
// `exec_failure` is the ring's, and counts for its last incarnation only.
KeyValues Report(const IncarnationRecord& record,
                 absl::string_view exec_failure);

// The fields of notices and events about an incarnation.
KeyValues StartReport(const Session& session, const IncarnationRecord& record);
KeyValues EndReport(const Session& session, const IncarnationRecord& record);

// A change as notices and events tell it.
struct Event {
  absl::string_view name;  // "": nothing
  KeyValues fields;
};
Event EventOf(const Session& session, Change change);

}  // namespace deptyr
