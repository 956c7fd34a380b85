#include "lib/clients/report.h"

#include "absl/strings/str_cat.h"

#include "lib/clients/listener_spec.h"
#include "lib/sys/process_facts.h"

namespace deptyr {
namespace {

void AppendStatus(KeyValues& fields, const IncarnationRecord& record) {
  const auto status = StatusOf(record);
  if (!status) return;
  const bool signalled = status->signal != 0;
  fields.emplace_back(signalled ? "signal" : "code",
                      absl::StrCat(signalled ? status->signal : status->code));
}

// Client 0 is nobody.
KeyValues WhoIs(const SessionClient* client) {
  if (client == nullptr) return {{"client", "0"}};
  KeyValues fields = {{"client", absl::StrCat(client->id())}};
  const auto identity = client->Info().identity;
  if (identity && identity->uid != kUnknownId) {
    fields.emplace_back("uid", absl::StrCat(identity->uid));
  }
  return fields;
}

// A program that no body registered tells only its name, in /proc.
std::string ArgvOf(const CurrentProgram& program) {
  if (!program.argv().empty() || !program.running()) return program.argv();
  return NameOfProcess(program.pid());
}

}  // namespace

absl::string_view StateOf(const Session& session) {
  if (session.running()) return "running";
  return session.program().number() == 0 ? "waiting" : "ended";
}

KeyValues Report(Session& session) {
  const IncarnationRecord& latest = session.ring().latest();
  const Ring& ring = session.ring();
  KeyValues fields = {
      {"item", "session"},
      {"name", session.name()},
      {"state", std::string(StateOf(session))},
      {"pid", absl::StrCat(latest.pid)},
      {"uid", absl::StrCat(session.owner())},
      {"argv", ArgvOf(session.program())},
      {"since",
       absl::StrCat(session.running() ? latest.started : latest.ended)},
      {"rows", absl::StrCat(session.size().rows)},
      {"cols", absl::StrCat(session.size().cols)},
      {"size-policy", std::string(NameOf(session.size_policy()))},
      {"writers", std::string(NameOf(session.writer().policy()))},
      {"clients", absl::StrCat(session.clients().size())},
      {"bytes", absl::StrCat(ring.end())},
      {"history", absl::StrCat(ring.end() - ring.begin())},
      {"capacity", absl::StrCat(ring.capacity())},
      {"number", absl::StrCat(latest.number)},
      {"title", session.screen().title()},
      {"screen", session.screen().exact() ? "exact" : "approximate"},
      {"stream", absl::StrCat(ring.state().stream)},
  };
  if (const uint64_t client = session.stopped_by()) {
    fields.emplace_back("stopped-by", absl::StrCat(client));
  }
  if (const SessionClient* const writer = session.writer().client()) {
    fields.emplace_back("writer", absl::StrCat(writer->id()));
  }
  if (session.input_queued() != 0) {
    fields.emplace_back("queued", absl::StrCat(session.input_queued()));
  }
  if (!session.log().style().empty()) {
    fields.emplace_back("log", session.log().style());
    fields.emplace_back("log-lost", absl::StrCat(session.log().lost()));
  }
  // The last incarnation that has ended says how.
  const std::vector<IncarnationRecord> all = ring.incarnations();
  for (auto record = all.rbegin(); record != all.rend(); ++record) {
    if (record->outcome == Outcome::kRuns) continue;
    fields.emplace_back("how", session.program().How(*record));
    AppendStatus(fields, *record);
    break;
  }
  return fields;
}

KeyValues Report(const SessionClient& client) {
  const ClientInfo info = client.Info();
  const Session& session = *client.session();
  KeyValues fields = {
      {"item", "client"},
      {"id", absl::StrCat(client.id())},
      {"kind", std::string(NameOf(info.kind))},
      {"session", session.name()},
      {"since", absl::StrCat(absl::ToUnixMillis(client.since()))},
      {"read-only", absl::StrCat(info.read_only)},
      {"leads", absl::StrCat(session.audience().leader() == &client)},
      {"has-keys", absl::StrCat(session.writer().client() == &client)},
      {"behind", absl::StrCat(session.ring().end() - client.output().offset())},
      {"missed", absl::StrCat(client.output().missed())},
      {"dropped", absl::StrCat(info.dropped)},
      {"typed", absl::StrCat(info.typed)},
  };
  if (info.last_typed != absl::InfinitePast()) {
    fields.emplace_back("last-typed",
                        absl::StrCat(absl::ToUnixMillis(info.last_typed)));
  }
  if (info.identity && info.identity->pid != 0) {
    fields.emplace_back("pid", absl::StrCat(info.identity->pid));
  }
  if (info.identity && info.identity->uid != kUnknownId) {
    fields.emplace_back("uid", absl::StrCat(info.identity->uid));
  }
  if (client.size()) {
    fields.emplace_back("rows", absl::StrCat(client.size()->rows));
    fields.emplace_back("cols", absl::StrCat(client.size()->cols));
  }
  return fields;
}

KeyValues ReportWriter(const Session& session) {
  KeyValues fields = {
      {"item", "writer"},
      {"session", session.name()},
      {"writers", std::string(NameOf(session.writer().policy()))}};
  const SessionClient* const client = session.writer().client();
  for (auto& field : WhoIs(client)) fields.push_back(std::move(field));
  if (client == nullptr) return fields;
  const ClientInfo info = client->Info();
  fields.emplace_back("kind", std::string(NameOf(info.kind)));
  if (info.identity && info.identity->pid != 0) {
    fields.emplace_back("client-pid", absl::StrCat(info.identity->pid));
  }
  if (const SessionClient* const asker = session.writer().asker()) {
    fields.emplace_back("asked-by", absl::StrCat(asker->id()));
  }
  return fields;
}

KeyValues Report(const IncarnationRecord& record,
                 absl::string_view exec_failure) {
  KeyValues fields = {
      {"item", "incarnation"},
      {"number", absl::StrCat(record.number)},
      {"pid", absl::StrCat(record.pid)},
      {"started", absl::StrCat(record.started)},
      {"ended", absl::StrCat(record.ended)},
      {"begin", absl::StrCat(record.begin)},
      {"end", absl::StrCat(record.end)},
      {"rows", absl::StrCat(record.rows)},
      {"cols", absl::StrCat(record.cols)},
      {"how", Describe(record, exec_failure)},
  };
  AppendStatus(fields, record);
  return fields;
}

KeyValues StartReport(const Session& session, const IncarnationRecord& record) {
  return {{"number", absl::StrCat(record.number)},
          {"pid", absl::StrCat(record.pid)},
          {"rows", absl::StrCat(session.size().rows)},
          {"cols", absl::StrCat(session.size().cols)},
          {"time", absl::StrCat(record.started)}};
}

KeyValues EndReport(const Session& session, const IncarnationRecord& record) {
  KeyValues fields = {{"number", absl::StrCat(record.number)},
                      {"pid", absl::StrCat(record.pid)},
                      {"time", absl::StrCat(record.ended)},
                      {"how", session.program().How(record)}};
  AppendStatus(fields, record);
  return fields;
}

Event EventOf(const Session& session, Change change) {
  const IncarnationRecord& latest = session.ring().latest();
  switch (change.kind) {
    case Change::kStarted:
      return {"started", StartReport(session, latest)};
    case Change::kEnded:
      return {"ended", EndReport(session, latest)};
    case Change::kStatus:
      return {"status", EndReport(session, latest)};
    case Change::kResized:
      return {"resized",
              {{"rows", absl::StrCat(session.size().rows)},
               {"cols", absl::StrCat(session.size().cols)}}};
    case Change::kTerminalLost:
      return {"terminal-lost", {}};
    case Change::kWriter:
      return {"writer", WhoIs(session.writer().client())};
    case Change::kAskedForKeys:
      return {"asked-for-keys", WhoIs(session.writer().asker())};
    case Change::kAttached:  // lib/head/audit.h tells of these
    case Change::kDetached:
    case Change::kHeldUp:  // these concern head only
    case Change::kLog:
      break;
  }
  return {};
}

}  // namespace deptyr
