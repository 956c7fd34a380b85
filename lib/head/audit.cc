#include "lib/head/audit.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/clients/listener_spec.h"
#include "lib/sys/folder.h"
#include "lib/sys/name_service.h"

namespace deptyr {
namespace {

constexpr mode_t kAuditMode = 0600;
// A line of typed text that is longer is told in pieces.
constexpr size_t kLongestTyped = 1024;
constexpr Clock::duration kLookAgain = std::chrono::seconds(1);

KeyValues FieldsOf(const PeerIdentity& who) {
  KeyValues fields;
  if (who.uid != kUnknownId) {
    fields.emplace_back("uid", absl::StrCat(who.uid));
    const std::string name = LocalUserName(who.uid);
    if (!name.empty()) fields.emplace_back("user", name);
  }
  if (who.pid != 0) fields.emplace_back("client-pid", absl::StrCat(who.pid));
  return fields;
}

KeyValues FieldsOf(const SessionClient& client) {
  const ClientInfo info = client.Info();
  KeyValues fields = {{"client", absl::StrCat(client.id())},
                      {"kind", std::string(NameOf(info.kind))}};
  if (!info.network.empty()) fields.emplace_back("from", info.network);
  if (info.identity) {
    for (auto& field : FieldsOf(*info.identity)) {
      fields.push_back(std::move(field));
    }
  }
  return fields;
}

absl::string_view NameOf(Change::Kind change) {
  switch (change) {
    case Change::kAttached:
      return "attached";
    case Change::kDetached:
      return "detached";
    case Change::kWriter:
      return "writer";
    default:
      return "asked-for-keys";
  }
}

}  // namespace

absl::Status Audit::OpenFile() {
  if (options_.file.empty()) return absl::OkStatus();
  looked_ = Clock::now();
  RETURN_IF_ERROR(folder_.Open(FolderOf(options_.file)));
  ASSIGN_OR_RETURN(Fd file,
                   folder_.OpenFile(NameIn(options_.file), kAuditMode));
  EndCutLine(file.get());
  if (unsynced_) (void)sync_.Start(file_.get());
  file_ = std::move(file);
  // Lines of the head before, which this one has replaced, may be in it.
  Sync();
  return absl::OkStatus();
}

void Audit::OnChange(const Session& session, Change change) {
  KeyValues more;
  if (change.kind == Change::kAttached) {
    more = FieldsOf(*change.client);
    if (wanted()) typists_[change.client->id()];
  } else if (change.kind == Change::kDetached) {
    const uint64_t id = change.client->id();
    more = {{"client", absl::StrCat(id)}};
    const auto typist = typists_.find(id);
    if (typist != typists_.end()) {
      TellLine(session, id, typist->second);
      TellWithheld(session, id, typist->second);
      more.emplace_back("typed", absl::StrCat(typist->second.typed));
      typists_.erase(typist);
    }
  } else if (change.kind == Change::kWriter ||
             change.kind == Change::kAskedForKeys) {
    more = change.client == nullptr ? KeyValues{{"client", "0"}}
                                    : FieldsOf(*change.client);
    if (change.by != nullptr && change.by->uid != kUnknownId) {
      more.emplace_back("by-uid", absl::StrCat(change.by->uid));
    }
  } else {
    return events_.Tell(session, change);
  }
  Tell(session, NameOf(change.kind), std::move(more));
}

void Audit::OnKicked(const Session& session, const PeerIdentity& who,
                     uint64_t client) {
  KeyValues fields = FieldsOf(who);
  if (client != 0) fields.emplace_back("client", absl::StrCat(client));
  Tell(session, "kicked", std::move(fields));
}

void Audit::OnSized(const Session& session, const SessionClient& client,
                    WindowSize size) {
  TellSize(session, FieldsOf(client), size);
}

void Audit::OnResized(const Session& session, const PeerIdentity& who) {
  TellSize(session, FieldsOf(who), session.size());
}

void Audit::TellSize(const Session& session, KeyValues fields,
                     WindowSize size) {
  fields.emplace_back("rows", absl::StrCat(size.rows));
  fields.emplace_back("cols", absl::StrCat(size.cols));
  Tell(session, "sized", std::move(fields));
}

void Audit::OnSignalled(const Session& session, uid_t who, int signal) {
  KeyValues fields = FieldsOf(PeerIdentity{.uid = who});
  fields.emplace_back("signal", absl::StrCat(signal));
  Tell(session, "signalled", std::move(fields));
}

void Audit::OnTyped(const Session& session, const SessionClient& client,
                    absl::string_view keys, bool hidden) {
  const uint64_t id = client.id();
  Typist& typist = typists_[id];
  typist.typed += keys.size();
  if (options_.level != AuditLevel::kText) return;
  if (hidden) {
    TellLine(session, id, typist);
    typist.withheld += keys.size();
    if (keys.find_first_of("\r\n") != absl::string_view::npos) {
      TellWithheld(session, id, typist);
    }
    return;
  }
  TellWithheld(session, id, typist);
  for (const char key : keys) {
    typist.line.push_back(key);
    const bool ends = key == '\r' || key == '\n';
    if (ends || typist.line.size() >= kLongestTyped) {
      TellLine(session, id, typist);
    }
  }
}

void Audit::TellLine(const Session& session, uint64_t client, Typist& typist) {
  if (typist.line.empty()) return;
  Tell(session, "typed",
       {{"client", absl::StrCat(client)},
        {"typed", absl::StrCat(typist.line.size())},
        {"text", std::exchange(typist.line, "")}});
}

void Audit::TellWithheld(const Session& session, uint64_t client,
                         Typist& typist) {
  if (typist.withheld == 0) return;
  Tell(session, "withheld",
       {{"client", absl::StrCat(client)},
        {"typed", absl::StrCat(std::exchange(typist.withheld, 0))}});
}

void Audit::Tell(const Session& session, absl::string_view event,
                 KeyValues fields) {
  if (wanted()) {
    std::string line =
        absl::StrCat("audit: session=", session.name(), " ", event);
    for (const auto& [key, value] : fields) {
      const absl::string_view quote = key == "text" ? "\"" : "";
      absl::StrAppend(&line, " ", key, "=", quote, value, quote);
    }
    WriteLine(line);
  }
  fields.emplace_back("human", "1");
  events_.Tell(session, event, std::move(fields));
}

// Where the file can't be written to, the log has the line.
void Audit::WriteLine(const std::string& line) {
  if (file_.valid() && Clock::now() - looked_ > kLookAgain) {
    looked_ = Clock::now();
    if (!folder_.HasName(NameIn(options_.file), file_.get())) {
      (void)OpenFile();
    }
  }
  if (file_.valid()) {
    const std::string stamped =
        absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3S%Ez ", absl::Now(),
                                      absl::LocalTimeZone()),
                     Printable(line), "\n");
    if (fails_) EndCutLine(file_.get());
    const IoResult wrote = AppendLine(file_.get(), stamped);
    const int error = errno;
    const bool whole = wrote.bytes == stamped.size();
    if (!whole && !fails_) {
      Log(Severity::kError, "can't write to the audit file ", options_.file,
          ": ", strerrordesc_np(error), "; its lines are here meanwhile");
    }
    fails_ = !whole;
    if (whole) return Sync();
  }
  Log(Severity::kNotice, line);
}

// While one is under way, lines gather for the next.
void Audit::Sync() {
  unsynced_ = sync_.busy();
  if (unsynced_) return;
  if (const absl::Status started = sync_.Start(file_.get()); !started.ok()) {
    OnSynced(started);
  }
}

void Audit::OnSynced(const absl::Status& done) {
  if (!done.ok() && !sync_fails_) {
    Log(Severity::kWarning, "the last lines of the audit file ", options_.file,
        " may be missing after a loss of power: can't ", done.message());
  }
  sync_fails_ = !done.ok();
  if (unsynced_) Sync();
}

}  // namespace deptyr
