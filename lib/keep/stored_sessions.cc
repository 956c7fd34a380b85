#include "lib/keep/stored_sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
#include "lib/sys/user_log.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

using enum StoredKind;

constexpr absl::string_view kKindNames[] = {"ring", "pty", "pid"};

absl::string_view TakeUpToDot(absl::string_view& text) {
  const size_t dot = std::min(text.find('.'), text.size());
  const absl::string_view part = text.substr(0, dot);
  text.remove_prefix(std::min(dot + 1, text.size()));
  return part;
}

}  // namespace

std::string Spell(const StoredName& name) {
  return absl::StrCat(kStoredPrefix, kKindNames[static_cast<size_t>(name.kind)],
                      ".", name.number, ".",
                      absl::StrReplaceAll(name.session, {{":", "="}}));
}

std::optional<StoredName> ParseStoredName(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kStoredPrefix)) return std::nullopt;
  StoredName name;
  const auto kind = std::find(std::begin(kKindNames), std::end(kKindNames),
                              TakeUpToDot(text));
  const bool numbered = absl::SimpleAtoi(TakeUpToDot(text), &name.number);
  name.session = absl::StrReplaceAll(text, {{"=", ":"}});
  if (kind == std::end(kKindNames) || !numbered ||
      !IsSessionName(name.session)) {
    return std::nullopt;
  }
  name.kind = static_cast<StoredKind>(kind - std::begin(kKindNames));
  return name;
}

Fd& StoredSession::At(const StoredName& name) {
  if (name.kind == kRing) return ring;
  StoredProgram& program = programs[name.number];
  return name.kind == kPty ? program.controller : program.pidfd;
}

absl::StatusOr<std::map<std::string, StoredSession>> StoredSessions::Fetch() {
  std::map<std::string, StoredSession> sessions;
  if (store_ == nullptr) return sessions;
  ASSIGN_OR_RETURN(std::vector<StoredFd> all, store_->Fetch());
  for (StoredFd& stored : all) {
    const auto name = ParseStoredName(stored.name);
    if (!name) {
      Log(Severity::kWarning, "dropped ", stored.name, ", which ",
          store_->name(), " kept: deptyr uses no such name");
      store_->Remove({stored.name});
      continue;
    }
    sessions[name->session].At(*name) = std::move(stored.fd);
  }
  for (const auto& [name, session] : sessions) {
    Known& known = known_[name];
    known.ring = known.whole = session.ring.valid();
    for (const auto& [number, program] : session.programs) {
      known.programs.push_back(number);
    }
  }
  return sessions;
}

void StoredSessions::AppendNames(const std::string& session, const Known& known,
                                 std::vector<std::string>& names) {
  for (const uint64_t number : known.programs) {
    names.push_back(Spell({kPty, number, session}));
    names.push_back(Spell({kPid, number, session}));
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

void StoredSessions::AssumeStored(const std::vector<std::string>& names) {
  if (store_ == nullptr) return;
  store_->AssumeStored(names);
  for (const std::string& text : names) {
    const auto name = ParseStoredName(text);
    if (!name) continue;
    Known& known = known_[name->session];
    if (name->kind == kRing) known.ring = known.whole = true;
    if (name->kind == kPty) known.programs.push_back(name->number);
  }
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
  absl::Status added = store_->Add(wanted);
  known.whole = added.ok();
  if (added.ok()) {
    known.ring = true;
    known.programs.push_back(number);
    if (std::exchange(known.refused, false)) {
      LogOf(Severity::kInfo, owner, "kept", "session=", session,
            " would outlive head now");
    }
    return added;
  }
  has_room_ = false;
  is_full_ = absl::IsResourceExhausted(added);
  if (!std::exchange(known.refused, true)) {
    LogOf(Severity::kWarning, owner, "not kept", "session=", session,
          " would not outlive head: ", added.message());
  }
  return added;
}

void StoredSessions::SetRunning(const std::string& session, uint64_t number) {
  const auto found = known_.find(session);
  if (found == known_.end()) return;
  Known& known = found->second;
  known.whole = known.ring && std::count(known.programs.begin(),
                                         known.programs.end(), number) > 0;
}

void StoredSessions::NoteRoom() {
  has_room_ = true;
  is_full_ = false;
}

void StoredSessions::RemoveProgram(const std::string& session,
                                   uint64_t number) {
  const auto found = known_.find(session);
  if (found == known_.end()) return;
  auto& programs = found->second.programs;
  const auto ended = std::find(programs.begin(), programs.end(), number);
  if (ended == programs.end()) return;
  programs.erase(ended);
  store_->Remove(
      {Spell({kPty, number, session}), Spell({kPid, number, session})});
  NoteRoom();
}

void StoredSessions::RemoveSession(const std::string& session) {
  const auto found = known_.find(session);
  if (found == known_.end()) return;
  std::vector<std::string> names;
  AppendNames(session, found->second, names);
  store_->Remove(names);
  known_.erase(found);
  NoteRoom();
}

bool StoredSessions::Has(const std::string& session) const {
  const auto found = known_.find(session);
  return found != known_.end() && found->second.whole;
}

}  // namespace deptyr
