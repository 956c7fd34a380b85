#include "lib/wire/report_fields.h"

#include <algorithm>

#include "absl/strings/match.h"

namespace deptyr {
namespace {

using enum FieldType;

constexpr char kRefusedPrefix[] = "refused-";

constexpr ReportField kFields[] = {
    {"session", "name", kText, "SESSION", ""},
    {"session", "state", kText, "STATE",
     "`running`, `ended`, `waiting`; `held`: only a newer deptyr can serve it, "
     "and of the other fields there is only `how`"},
    {"session", "pid", kNumber, "PID", ""},
    {"session", "uid", kNumber, "", "its owner"},
    {"session", "argv", kWords, "", "with NULs between the words"},
    {"session", "since", kTime, "SINCE", "when that state began"},
    {"session", "rows", kNumber, "SIZE", ""},
    {"session", "cols", kNumber, "", ""},
    {"session", "clients", kNumber, "CLIENTS", ""},
    {"session", "bytes", kBytes, "OUTPUT", "all that was ever written"},
    {"session", "history", kBytes, "", "how many of them head remembers"},
    {"session", "capacity", kBytes, "", "how many it remembers at most"},
    {"session", "number", kNumber, "", "how many programs it has had"},
    {"session", "title", kText, "", ""},
    {"session", "screen", kText, "", "`exact` or `approximate`"},
    {"session", "keeper", kText, "KEEPER",
     "who keeps it when head dies, or empty"},
    {"session", "how", kText, "LAST END", "how the last program to end ended"},
    {"session", "code", kNumber, "", "its exit status"},
    {"session", "signal", kNumber, "", "or the signal that ended it"},

    {"client", "id", kNumber, "CLIENT", ""},
    {"client", "kind", kText, "KIND", "`attach`, `raw`, `uwsgi`, `terminal`"},
    {"client", "session", kText, "", ""},
    {"client", "pid", kNumber, "PID", "where it is known"},
    {"client", "uid", kNumber, "UID", "where it is known"},
    {"client", "since", kTime, "SINCE", ""},
    {"client", "rows", kNumber, "SIZE", ""},
    {"client", "cols", kNumber, "", ""},
    {"client", "behind", kBytes, "BEHIND", "bytes it has still to get"},
    {"client", "missed", kBytes, "MISSED", "bytes it was too slow for"},
    {"client", "dropped", kBytes, "DROPPED",
     "bytes it had no right to type, and sizes and signals"},
    {"client", "read-only", kFlag, "MAY", ""},
    {"client", "leads", kFlag, "", "the program's terminal has its size"},

    {"incarnation", "number", kNumber, "RUN", ""},
    {"incarnation", "pid", kNumber, "PID", ""},
    {"incarnation", "started", kTime, "STARTED", ""},
    {"incarnation", "ended", kTime, "ENDED", "0: it runs"},
    {"incarnation", "begin", kNumber, "", "an offset in the stream"},
    {"incarnation", "end", kNumber, "", "an offset in the stream"},
    {"incarnation", "rows", kNumber, "SIZE", ""},
    {"incarnation", "cols", kNumber, "", ""},
    {"incarnation", "how", kText, "HOW", ""},
    {"incarnation", "code", kNumber, "", ""},
    {"incarnation", "signal", kNumber, "", ""},

    {"head", "version", kText, "", ""},
    {"head", "pid", kNumber, "", ""},
    {"head", "socket", kText, "", ""},
    {"head", "since", kTime, "", ""},
    {"head", "sessions", kNumber, "", ""},
    {"head", "clients", kNumber, "", ""},
    {"head", "keeper", kText, "", ""},
    {"head", "refused", kNumber, "", "how often, in all"},
    {"head", "refused-CODE", kNumber, "", "how often with that code"},
    {"head", "pending", kNumber, "", "connections that have said nothing yet"},
    {"head", "buffered", kNumber, "",
     "the most bytes that any user hasn't taken"},
    {"head", "max-sessions", kNumber, "", ""},
    {"head", "max-user-sessions", kNumber, "", ""},
    {"head", "max-ended", kNumber, "",
     "sessions of a user that are remembered after their end"},
    {"head", "max-descriptors", kNumber, "", "of head itself"},
    {"head", "max-clients", kNumber, "", ""},
    {"head", "max-session-clients", kNumber, "", ""},
    {"head", "max-user-clients", kNumber, "", ""},
    {"head", "max-pending", kNumber, "", ""},
    {"head", "max-buffered", kNumber, "", ""},
    {"head", "max-registrations", kNumber, "", ""},

    {"user", "uid", kNumber, "UID", "empty: those who aren't known"},
    {"user", "sessions", kNumber, "SESSIONS", ""},
    {"user", "running", kNumber, "RUNNING", ""},
    {"user", "kept", kNumber, "KEPT", "by the keeper"},
    {"user", "clients", kNumber, "CLIENTS", ""},
    {"user", "pending", kNumber, "PENDING", ""},
    {"user", "descriptors", kNumber, "DESCRIPTORS", ""},

    {"event", "event", kText, "",
     "`started`, `ended`, `status`, `attached`, `detached`, `resized`, "
     "`terminal-lost`, `forgotten`, `stopping`"},
    {"event", "session", kText, "", ""},
    {"event", "time", kTime, "", ""},
    {"event", "client", kNumber, "", "the `id` of one that came or left"},
    {"event", "kind", kText, "", "that of such a client"},
    {"event", "number", kNumber, "", "the program's, as in the notice"},
    {"event", "pid", kNumber, "", ""},
    {"event", "rows", kNumber, "", ""},
    {"event", "cols", kNumber, "", ""},
    {"event", "how", kText, "", ""},
    {"event", "code", kNumber, "", ""},
    {"event", "signal", kNumber, "", ""},

    {"snapshot", "session", kText, "", ""},
    {"snapshot", "rows", kNumber, "", ""},
    {"snapshot", "cols", kNumber, "", ""},
    {"snapshot", "state", kText, "", ""},
    {"snapshot", "title", kText, "", ""},
    {"snapshot", "screen", kText, "", "`exact` or `approximate`"},
};

}  // namespace

absl::Span<const ReportField> ReportFields() {
  return kFields;
}

FieldType TypeOf(absl::string_view name) {
  if (absl::StartsWith(name, kRefusedPrefix)) return kNumber;
  const auto* field =
      std::find_if(std::begin(kFields), std::end(kFields),
                   [name](const ReportField& f) { return f.name == name; });
  return field == std::end(kFields) ? kText : field->type;
}

}  // namespace deptyr
