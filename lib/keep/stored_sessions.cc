#include "lib/keep/stored_sessions.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/sys/user_log.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

using enum StoredKind;

// A store that fails so often has gone rather than stopped.
constexpr size_t kMostUnwanted = 256;

constexpr absl::string_view kKindNames[] = {"ring", "pty",   "pid",
                                            "log",  "spool", "file"};

void AppendLogNames(const std::string& session, uint64_t number,
                    std::vector<std::string>& names) {
  names.push_back(Spell({kLog, number, session}));
  names.push_back(Spell({kSpool, number, session}));
  names.push_back(Spell({kFile, number, session}));
}

}  // namespace

std::string Spell(const StoredName& name) {
  return absl::StrCat(kStoredPrefix, kKindNames[static_cast<size_t>(name.kind)],
                      ".", name.number, ".",
                      absl::StrReplaceAll(name.session, {{":", "="}}));
}

std::optional<StoredName> ParseStoredName(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kStoredPrefix)) return std::nullopt;
  const std::vector<std::string> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 2));
  if (parts.size() < 3) return std::nullopt;
  const auto* const kind = absl::c_find(kKindNames, parts[0]);
  StoredName name{.session = absl::StrReplaceAll(parts[2], {{"=", ":"}})};
  const bool numbered = absl::SimpleAtoi(parts[1], &name.number);
  if (kind == std::end(kKindNames) || !numbered ||
      !IsSessionName(name.session)) {
    return std::nullopt;
  }
  name.kind = static_cast<StoredKind>(kind - std::begin(kKindNames));
  return name;
}

Fd& StoredSession::At(const StoredName& name) {
  if (name.kind == kRing) return ring;
  if (name.kind == kLog) return logs[name.number].log;
  if (name.kind == kSpool) return logs[name.number].spool;
  if (name.kind == kFile) return logs[name.number].file_spool;
  StoredProgram& program = programs[name.number];
  return name.kind == kPty ? program.controller : program.pidfd;
}

absl::StatusOr<std::map<std::string, StoredSession>> StoredSessions::Fetch() {
  std::map<std::string, StoredSession> sessions;
  if (store_ == nullptr) return sessions;
  ASSIGN_OR_RETURN(std::vector<StoredFd> all, store_->Fetch());
  for (StoredFd& stored : all) {
    if (const auto name = ParseStoredName(stored.name)) {
      sessions[name->session].At(*name) = std::move(stored.fd);
      Note(*name);
    } else {
      Log(Severity::kWarning, "dropped ", stored.name, ", which ",
          store_->name(), " kept: deptyr uses no such name");
      (void)Remove({stored.name});
    }
  }
  return sessions;
}

void StoredSessions::Note(const StoredName& stored) {
  Known& known = known_[stored.session];
  if (stored.kind == kRing) {
    known.ring = known.whole = true;
    return;
  }
  const bool of_log =
      stored.kind == kLog || stored.kind == kSpool || stored.kind == kFile;
  const auto add = [&](auto& numbers) {
    if (absl::c_linear_search(numbers, stored.number)) return;
    numbers.push_back(stored.number);
  };
  of_log ? add(known.logs) : add(known.programs);
}

void StoredSessions::AppendNames(const std::string& session, const Known& known,
                                 std::vector<std::string>& names) {
  for (const uint64_t number : known.programs) {
    names.push_back(Spell({kPty, number, session}));
    names.push_back(Spell({kPid, number, session}));
  }
  for (const uint64_t number : known.logs) {
    AppendLogNames(session, number, names);
  }
  if (known.ring) names.push_back(Spell({kRing, 0, session}));
}

std::vector<std::string> StoredSessions::Names() const {
  std::vector<std::string> names;
  for (const auto& [session, known] : known_) {
    AppendNames(session, known, names);
  }
  return names;
}

void StoredSessions::AssumeStored(const std::vector<std::string>& names,
                                  const std::vector<std::string>& unwanted) {
  if (store_ == nullptr) return;
  unwanted_ = {unwanted.begin(), unwanted.end()};
  for (const std::string& text : names) {
    if (const auto name = ParseStoredName(text)) Note(*name);
  }
}

absl::Status StoredSessions::Add(const std::vector<FdToStore>& wanted) {
  absl::Status added = store_->Add(wanted);
  for (const FdToStore& one : wanted) {
    if (added.ok()) {
      unwanted_.erase(one.name);
    } else if (!absl::IsResourceExhausted(added)) {
      NoteUnwanted(one.name);
    }
  }
  if (!added.ok()) room_ = RoomAfter(added);
  return added;
}

absl::Status StoredSessions::Remove(const std::vector<std::string>& names) {
  absl::Status removed = store_->Remove(names);
  if (removed.ok()) {
    TryAgain();
    return removed;
  }
  Log(Severity::kWarning,
      "can't remove what was stored, and will try again: ", removed.message());
  for (const std::string& name : names) NoteUnwanted(name);
  return removed;
}

void StoredSessions::NoteUnwanted(const std::string& name) {
  if (unwanted_.size() < kMostUnwanted) unwanted_.insert(name);
}

absl::Status StoredSessions::RemoveUnwanted() {
  if (unwanted_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(store_->Remove(Unwanted()));
  unwanted_.clear();
  TryAgain();
  return absl::OkStatus();
}

absl::Status StoredSessions::AddProgram(const std::string& session, uid_t owner,
                                        int ring, uint64_t number,
                                        int controller, int pidfd) {
  if (store_ == nullptr) return absl::OkStatus();
  Known& known = known_[session];
  std::vector<FdToStore> wanted;
  if (!known.ring) wanted.push_back({Spell({kRing, 0, session}), ring});
  wanted.push_back({Spell({kPty, number, session}), controller});
  wanted.push_back({Spell({kPid, number, session}), pidfd});
  absl::Status added = Add(wanted);
  STEP(session, added.ok() ? "kept" : "not-kept", number);
  known.whole = added.ok();
  const bool was_refused = std::exchange(known.refused, !added.ok());
  if (added.ok()) {
    known.ring = true;
    known.programs.push_back(number);
    if (was_refused) {
      LogOf(Severity::kInfo, owner, "kept", "session=", session,
            " would outlive head now");
    }
    return added;
  }
  if (!was_refused) {
    LogOf(Severity::kWarning, owner, "not kept", "session=", session,
          " would not outlive head: ", added.message());
  }
  return added;
}

void StoredSessions::SetRunning(const std::string& session, uint64_t number) {
  const auto found = known_.find(session);
  if (found == known_.end()) return;
  Known& known = found->second;
  known.whole = known.ring && absl::c_linear_search(known.programs, number);
}

absl::Status StoredSessions::RemoveProgram(const std::string& session,
                                           uint64_t number) {
  const auto found = known_.find(session);
  if (found == known_.end()) return absl::OkStatus();
  auto& programs = found->second.programs;
  const auto* const ended = absl::c_find(programs, number);
  if (ended == programs.end()) return absl::OkStatus();
  programs.erase(ended);
  absl::Status removed =
      Remove({Spell({kPty, number, session}), Spell({kPid, number, session})});
  STEP(session, removed.ok() ? "removed" : "not-removed", number);
  return removed;
}

absl::Status StoredSessions::RemoveSession(const std::string& session) {
  const auto found = known_.find(session);
  if (found == known_.end()) return absl::OkStatus();
  std::vector<std::string> names;
  AppendNames(session, found->second, names);
  known_.erase(found);
  absl::Status removed = Remove(names);
  STEP(session, removed.ok() ? "removed" : "not-removed");
  return removed;
}

absl::Status StoredSessions::AddLog(const std::string& session, uid_t owner,
                                    uint64_t number, const LogToStore& log) {
  if (store_ == nullptr) return absl::OkStatus();
  std::vector<FdToStore> wanted;
  for (const auto& [kind, fd] :
       {std::pair(kLog, log.log), std::pair(kSpool, log.spool),
        std::pair(kFile, log.file_spool)}) {
    if (fd >= 0) wanted.push_back({Spell({kind, number, session}), fd});
  }
  absl::Status added = Add(wanted);
  if (added.ok()) Note({kLog, number, session});
  Known& known = known_[session];
  if (!std::exchange(known.log_refused, !added.ok()) && !added.ok()) {
    LogOf(Severity::kNotice, owner, "log not kept", "session=", session,
          " would outlive head, but not its log: ", added.message());
  }
  added.Update(DropLogs(session, known, number));
  return added;
}

absl::Status StoredSessions::RemoveLogs(const std::string& session,
                                        uint64_t but) {
  const auto found = known_.find(session);
  if (found == known_.end()) return absl::OkStatus();
  return DropLogs(session, found->second, but);
}

absl::Status StoredSessions::DropLogs(const std::string& session, Known& known,
                                      uint64_t but) {
  std::vector<std::string> names;
  auto& logs = known.logs;
  for (const uint64_t number : logs) {
    if (number != but) AppendLogNames(session, number, names);
  }
  if (names.empty()) return absl::OkStatus();
  logs.erase(std::remove_if(logs.begin(), logs.end(),
                            [but](uint64_t number) { return number != but; }),
             logs.end());
  return Remove(names);
}

bool StoredSessions::HasLog(const std::string& session) const {
  const auto found = known_.find(session);
  return found != known_.end() && !found->second.logs.empty();
}

bool StoredSessions::Has(const std::string& session) const {
  const auto found = known_.find(session);
  return found != known_.end() && found->second.whole;
}

}  // namespace deptyr
