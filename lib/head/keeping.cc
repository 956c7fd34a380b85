#include "lib/head/keeping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

#include "lib/base/log.h"
#include "lib/base/status.h"
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

std::string Spell(const KeptName& name) {
  return absl::StrCat(kKeptPrefix, name.kind, ".", name.number, ".",
                      absl::StrReplaceAll(name.session, {{":", "="}}));
}

std::optional<KeptName> ParseKeptName(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kKeptPrefix)) return std::nullopt;
  KeptName name;
  name.kind = TakeUpToDot(text);
  const bool numbered = absl::SimpleAtoi(TakeUpToDot(text), &name.number);
  name.session = absl::StrReplaceAll(text, {{"=", ":"}});
  if ((name.kind != kRing && name.kind != kPty && name.kind != kPid) ||
      !numbered || !IsSessionName(name.session)) {
    return std::nullopt;
  }
  return name;
}

absl::StatusOr<std::map<std::string, KeptSession>> Keeping::TakeBack() {
  std::map<std::string, KeptSession> sessions;
  if (keeper_ == nullptr) return sessions;
  ASSIGN_OR_RETURN(std::vector<KeptFd> all, keeper_->TakeBack());
  for (KeptFd& kept : all) {
    const auto name = ParseKeptName(kept.name);
    if (!name) {
      Log(Severity::kWarning, "dropped ", kept.name, ", which ", kind(),
          " kept: it is no name of deptyr's");
      keeper_->Drop({kept.name});
      continue;
    }
    KeptSession& session = sessions[name->session];
    Kept& known = kept_[name->session];
    if (name->kind == kRing) {
      session.ring = std::move(kept.fd);
      known.ring = true;
      continue;
    }
    if (!session.programs.contains(name->number)) {
      known.programs.push_back(name->number);
    }
    KeptProgram& program = session.programs[name->number];
    (name->kind == kPty ? program.controller : program.pidfd) =
        std::move(kept.fd);
  }
  for (auto& [name, known] : kept_) known.whole = known.ring;
  return sessions;
}

void Keeping::AppendNames(const std::string& session, const Kept& known,
                          std::vector<std::string>& names) {
  for (const uint64_t number : known.programs) {
    names.push_back(Spell({kPty, number, session}));
    names.push_back(Spell({kPid, number, session}));
  }
  if (known.ring) names.push_back(Spell({kRing, 0, session}));
}

std::vector<std::string> Keeping::Names() const {
  std::vector<std::string> names;
  for (const auto& [session, known] : kept_) AppendNames(session, known, names);
  return names;
}

void Keeping::Resume(const std::vector<std::string>& names) {
  if (keeper_ == nullptr) return;
  keeper_->Resume(names);
  for (const std::string& text : names) {
    const auto name = ParseKeptName(text);
    if (!name) continue;
    Kept& known = kept_[name->session];
    if (name->kind == kRing) known.ring = known.whole = true;
    if (name->kind == kPty) known.programs.push_back(name->number);
  }
}

absl::Status Keeping::Keep(const std::string& session, int ring,
                           uint64_t number, int controller, int pidfd) {
  if (keeper_ == nullptr) return absl::OkStatus();
  Kept& known = kept_[session];
  std::vector<ToKeep> wanted;
  if (!known.ring) wanted.push_back({Spell({kRing, 0, session}), ring});
  wanted.push_back({Spell({kPty, number, session}), controller});
  wanted.push_back({Spell({kPid, number, session}), pidfd});
  absl::Status kept = keeper_->Keep(wanted);
  known.whole = kept.ok();
  if (kept.ok()) {
    known.ring = true;
    known.programs.push_back(number);
    if (std::exchange(known.refused, false)) {
      Log(Severity::kInfo, "session=", session, " would outlive head now");
    }
    return kept;
  }
  has_room_ = false;
  is_full_ = absl::IsResourceExhausted(kept);
  if (!std::exchange(known.refused, true)) {
    Log(Severity::kWarning, "session=", session,
        " would not outlive head: ", kept.message());
  }
  return kept;
}

void Keeping::Expect(const std::string& session, uint64_t number) {
  const auto found = kept_.find(session);
  if (found == kept_.end()) return;
  Kept& known = found->second;
  known.whole = known.ring && std::count(known.programs.begin(),
                                         known.programs.end(), number) > 0;
}

void Keeping::DropProgram(const std::string& session, uint64_t number) {
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

void Keeping::DropSession(const std::string& session) {
  const auto found = kept_.find(session);
  if (found == kept_.end()) return;
  std::vector<std::string> names;
  AppendNames(session, found->second, names);
  keeper_->Drop(names);
  kept_.erase(found);
  has_room_ = true;
  is_full_ = false;
}

bool Keeping::Keeps(const std::string& session) const {
  const auto found = kept_.find(session);
  return found != kept_.end() && found->second.whole;
}

}  // namespace deptyr
