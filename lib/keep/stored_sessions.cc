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

constexpr char kRing[] = "ring";
constexpr char kPty[] = "pty";
constexpr char kPid[] = "pid";

std::string TakeUpToDot(absl::string_view& text) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string part(text.substr(0, dot));
  text.remove_prefix(std::min(dot + 1, text.size()));
  return part;
}

}  // namespace

std::string Spell(const StoredName& name) {
  return absl::StrCat(kKeptPrefix, name.kind, ".", name.number, ".",
                      absl::StrReplaceAll(name.session, {{":", "="}}));
}

std::optional<StoredName> ParseStoredName(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kKeptPrefix)) return std::nullopt;
  StoredName name;
  name.kind = TakeUpToDot(text);
  const bool numbered = absl::SimpleAtoi(TakeUpToDot(text), &name.number);
  name.session = absl::StrReplaceAll(text, {{"=", ":"}});
  if ((name.kind != kRing && name.kind != kPty && name.kind != kPid) ||
      !numbered || !IsSessionName(name.session)) {
    return std::nullopt;
  }
  return name;
}

absl::StatusOr<std::map<std::string, StoredSession>>
StoredSessions::TakeBack() {
  std::map<std::string, StoredSession> sessions;
  if (keeper_ == nullptr) return sessions;
  ASSIGN_OR_RETURN(std::vector<StoredFd> all, keeper_->TakeBack());
  for (StoredFd& kept : all) {
    const auto name = ParseStoredName(kept.name);
    if (!name) {
      Log(Severity::kWarning, "dropped ", kept.name, ", which ", kind(),
          " kept: it is no name of deptyr's");
      keeper_->Drop({kept.name});
      continue;
    }
    StoredSession& session = sessions[name->session];
    Kept& known = kept_[name->session];
    if (name->kind == kRing) {
      session.ring = std::move(kept.fd);
      known.ring = true;
      continue;
    }
    if (!session.programs.contains(name->number)) {
      known.programs.push_back(name->number);
    }
    StoredProgram& program = session.programs[name->number];
    (name->kind == kPty ? program.controller : program.pidfd) =
        std::move(kept.fd);
  }
  for (auto& [name, known] : kept_) known.whole = known.ring;
  return sessions;
}

void StoredSessions::AppendNames(const std::string& session, const Kept& known,
                                 std::vector<std::string>& names) {
  for (const uint64_t number : known.programs) {
    names.push_back(Spell({kPty, number, session}));
    names.push_back(Spell({kPid, number, session}));
  }
  if (known.ring) names.push_back(Spell({kRing, 0, session}));
}

std::vector<std::string> StoredSessions::Names() const {
  std::vector<std::string> names;
  for (const auto& [session, known] : kept_) AppendNames(session, known, names);
  return names;
}

void StoredSessions::Resume(const std::vector<std::string>& names) {
  if (keeper_ == nullptr) return;
  keeper_->Resume(names);
  for (const std::string& text : names) {
    const auto name = ParseStoredName(text);
    if (!name) continue;
    Kept& known = kept_[name->session];
    if (name->kind == kRing) known.ring = known.whole = true;
    if (name->kind == kPty) known.programs.push_back(name->number);
  }
}

absl::Status StoredSessions::Keep(const std::string& session, uid_t owner,
                                  int ring, uint64_t number, int controller,
                                  int pidfd) {
  if (keeper_ == nullptr) return absl::OkStatus();
  Kept& known = kept_[session];
  std::vector<FdToStore> wanted;
  if (!known.ring) wanted.push_back({Spell({kRing, 0, session}), ring});
  wanted.push_back({Spell({kPty, number, session}), controller});
  wanted.push_back({Spell({kPid, number, session}), pidfd});
  absl::Status kept = keeper_->Keep(wanted);
  known.whole = kept.ok();
  if (kept.ok()) {
    known.ring = true;
    known.programs.push_back(number);
    if (std::exchange(known.refused, false)) {
      LogOf(Severity::kInfo, owner, "kept", "session=", session,
            " would outlive head now");
    }
    return kept;
  }
  has_room_ = false;
  is_full_ = absl::IsResourceExhausted(kept);
  if (!std::exchange(known.refused, true)) {
    LogOf(Severity::kWarning, owner, "not kept", "session=", session,
          " would not outlive head: ", kept.message());
  }
  return kept;
}

void StoredSessions::Expect(const std::string& session, uint64_t number) {
  const auto found = kept_.find(session);
  if (found == kept_.end()) return;
  Kept& known = found->second;
  known.whole = known.ring && std::count(known.programs.begin(),
                                         known.programs.end(), number) > 0;
}

void StoredSessions::DropProgram(const std::string& session, uint64_t number) {
  const auto found = kept_.find(session);
  if (found == kept_.end()) return;
  auto& programs = found->second.programs;
  const auto dropped = std::find(programs.begin(), programs.end(), number);
  if (dropped == programs.end()) return;
  programs.erase(dropped);
  keeper_->Drop(
      {Spell({kPty, number, session}), Spell({kPid, number, session})});
  has_room_ = true;
  is_full_ = false;
}

void StoredSessions::DropSession(const std::string& session) {
  const auto found = kept_.find(session);
  if (found == kept_.end()) return;
  std::vector<std::string> names;
  AppendNames(session, found->second, names);
  keeper_->Drop(names);
  kept_.erase(found);
  has_room_ = true;
  is_full_ = false;
}

bool StoredSessions::Keeps(const std::string& session) const {
  const auto found = kept_.find(session);
  return found != kept_.end() && found->second.whole;
}

}  // namespace deptyr
