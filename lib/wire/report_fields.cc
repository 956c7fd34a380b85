#include "lib/wire/report_fields.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"

namespace deptyr {
namespace {

using enum FieldType;

constexpr ReportField kFields[] = {
    {"session", "name", kText, "SESSION"},
    {"session", "state", kText, "STATE"},
    {"session", "pid", kNumber, "PID"},
    {"session", "uid", kNumber},
    {"session", "since", kTime, "SINCE"},
    {"session", "rows", kNumber, "SIZE"},
    {"session", "cols", kNumber},
    {"session", "size-policy"},
    {"session", "clients", kNumber, "CLIENTS"},
    {"session", "writers"},
    {"session", "writer", kNumber},
    {"session", "bytes", kBytes, "OUTPUT"},
    {"session", "history", kBytes},
    {"session", "capacity", kBytes},
    {"session", "number", kNumber},
    {"session", "title"},
    {"session", "screen"},
    {"session", "stream"},
    {"session", "log"},
    {"session", "log-lost", kNumber},
    {"session", "keeper", kText, "KEEPER"},
    {"session", "how", kText, "LAST END"},
    {"session", "argv", kWords, "PROGRAM"},
    {"session", "stopped-by", kNumber},
    {"session", "queued", kBytes},
    {"session", "code", kNumber},
    {"session", "signal", kNumber},

    {"client", "id", kNumber, "CLIENT"},
    {"client", "kind", kText, "KIND"},
    {"client", "session"},
    {"client", "pid", kNumber, "PID"},
    {"client", "uid", kNumber, "UID"},
    {"client", "since", kTime, "SINCE"},
    {"client", "rows", kNumber, "SIZE"},
    {"client", "cols", kNumber},
    {"client", "behind", kBytes, "BEHIND"},
    {"client", "missed", kBytes, "MISSED"},
    {"client", "dropped", kBytes, "DROPPED"},
    {"client", "typed", kBytes},
    {"client", "last-typed", kTime},
    {"client", "read-only", kFlag, "MAY"},
    {"client", "leads", kFlag},
    {"client", "has-keys", kFlag},

    {"incarnation", "number", kNumber, "RUN"},
    {"incarnation", "pid", kNumber, "PID"},
    {"incarnation", "started", kTime, "STARTED"},
    {"incarnation", "ended", kTime, "ENDED"},
    {"incarnation", "begin", kNumber},
    {"incarnation", "end", kNumber},
    {"incarnation", "rows", kNumber, "SIZE"},
    {"incarnation", "cols", kNumber},
    {"incarnation", "how", kText, "HOW"},
    {"incarnation", "code", kNumber},
    {"incarnation", "signal", kNumber},

    {"head", "version"},
    {"head", "pid", kNumber},
    {"head", "socket"},
    {"head", "since", kTime},
    {"head", "sessions", kNumber},
    {"head", "clients", kNumber},
    {"head", "keeper"},
    {"head", "refused", kNumber},
    {"head", "refused-CODE", kNumber},
    {"head", "pending", kNumber},
    {"head", "buffered", kNumber},
    {"head", "max-sessions", kNumber},
    {"head", "max-user-sessions", kNumber},
    {"head", "max-ended", kNumber},
    {"head", "max-descriptors", kNumber},
    {"head", "max-clients", kNumber},
    {"head", "max-session-clients", kNumber},
    {"head", "max-user-clients", kNumber},
    {"head", "max-pending", kNumber},
    {"head", "max-buffered", kNumber},
    {"head", "max-registrations", kNumber},

    {"router", "version"},
    {"router", "pid", kNumber},
    {"router", "since", kTime},
    {"router", "sockets"},
    {"router", "argv", kWords},
    {"router", "connections", kNumber},
    {"router", "hung-up", kNumber},
    {"router", "max-connections", kNumber},
    {"router", "max-user-connections", kNumber},
    {"router", "max-address-connections", kNumber},
    {"router", "refused", kNumber},
    {"router", "refused-CODE", kNumber},

    {"user", "uid", kNumber, "UID"},
    {"user", "sessions", kNumber, "SESSIONS"},
    {"user", "running", kNumber, "RUNNING"},
    {"user", "kept", kNumber, "KEPT"},
    {"user", "clients", kNumber, "CLIENTS"},
    {"user", "pending", kNumber, "PENDING"},
    {"user", "descriptors", kNumber, "DESCRIPTORS"},

    {"event", "event"},
    {"event", "session"},
    {"event", "time", kTime},
    {"event", "client", kNumber},
    {"event", "kind"},
    {"event", "uid", kNumber},
    {"event", "user"},
    {"event", "from"},
    {"event", "client-pid", kNumber},
    {"event", "by-uid", kNumber},
    {"event", "number", kNumber},
    {"event", "pid", kNumber},
    {"event", "rows", kNumber},
    {"event", "cols", kNumber},
    {"event", "typed", kBytes},
    {"event", "text"},
    {"event", "human", kFlag},
    {"event", "how"},
    {"event", "code", kNumber},
    {"event", "signal", kNumber},

    {"writer", "session"},
    {"writer", "writers"},
    {"writer", "client", kNumber},
    {"writer", "uid", kNumber},
    {"writer", "kind"},
    {"writer", "client-pid", kNumber},
    {"writer", "asked-by", kNumber},

    {"snapshot", "session"},
    {"snapshot", "rows", kNumber},
    {"snapshot", "cols", kNumber},
    {"snapshot", "state"},
    {"snapshot", "title"},
    {"snapshot", "screen"},
    {"snapshot", "how"},
};

}  // namespace

absl::Span<const ReportField> ReportFields() {
  return kFields;
}

FieldType TypeOf(absl::string_view name) {
  if (absl::StartsWith(name, "refused-")) return kNumber;
  const auto* const field = absl::c_find_if(
      kFields, [name](const ReportField& one) { return one.name == name; });
  return field == std::end(kFields) ? kText : field->type;
}

}  // namespace deptyr
