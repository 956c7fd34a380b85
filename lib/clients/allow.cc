#include "lib/clients/allow.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "lib/base/status.h"
#include "lib/sys/name_service.h"
#include "lib/wire/session_name.h"

namespace deptyr {
namespace {

using Who = AllowRule::Who;

absl::StatusOr<uint32_t> ParseId(absl::string_view text) {
  uint32_t id = 0;
  if (absl::SimpleAtoi(text, &id) && id != kUnknownId) return id;
  return absl::InvalidArgumentError(absl::StrCat("not a number: ", text));
}

constexpr struct {
  absl::string_view prefix;
  Who who;
  absl::StatusOr<uint32_t> (*find)(absl::string_view name);
} kKinds[] = {{"user:", Who::kUser, FindUser},
              {"group:", Who::kGroup, FindGroup},
              {"uid:", Who::kUser, ParseId},
              {"gid:", Who::kGroup, ParseId}};

// A rule for them that gives no rights yet.
absl::StatusOr<AllowRule> RuleFor(absl::string_view whom) {
  if (whom == "any") return AllowRule{.who = Who::kAny};
  for (const auto& kind : kKinds) {
    absl::string_view name = whom;
    if (!absl::ConsumePrefix(&name, kind.prefix)) continue;
    ASSIGN_OR_RETURN(const uint32_t id, kind.find(name));
    return AllowRule{.who = kind.who, .id = id};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("not a user or group: \"", whom,
                   "\"; say user:NAME, group:NAME, uid:N, gid:N or any"));
}

bool Means(const AllowRule& rule, const std::optional<PeerIdentity>& who) {
  if (rule.who == Who::kAny) return true;
  if (!who) return false;
  if (rule.who == Who::kUser) return who->uid == rule.id;
  return who->gid == rule.id ||
         std::count(who->groups.begin(), who->groups.end(), rule.id) > 0;
}

}  // namespace

absl::StatusOr<AllowRule> ParseAllow(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  // A session's name may hold '@', a right doesn't.
  const std::pair<absl::string_view, absl::string_view> what =
      absl::StrSplit(sides.second, absl::MaxSplits('@', 1));
  ASSIGN_OR_RETURN(AllowRule rule, RuleFor(sides.first));
  ASSIGN_OR_RETURN(rule.rights, ParseRights(what.first));
  rule.session = std::string(what.second);
  if (what.first.size() != sides.second.size() &&
      !IsSessionName(rule.session)) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a session name: \"", rule.session, "\""));
  }
  return rule;
}

std::string Spell(const AllowRule& rule) {
  return absl::StrCat(rule.who == Who::kAny    ? "any"
                      : rule.who == Who::kUser ? "uid:"
                                               : "gid:",
                      rule.who == Who::kAny ? "" : absl::StrCat(rule.id), "=",
                      Spell(rule.rights), rule.session.empty() ? "" : "@",
                      rule.session);
}

Rights Granted(const AllowRules& rules, const std::optional<PeerIdentity>& who,
               absl::string_view session) {
  Rights rights;
  for (const AllowRule& rule : rules) {
    const bool here = rule.session.empty() || rule.session == session;
    if (here && Means(rule, who)) rights = rights | rule.rights;
  }
  return rights;
}

Rights RightsIn(absl::string_view session, uid_t owner, const AllowRules& rules,
                const std::optional<PeerIdentity>& who) {
  if (who && (who->uid == 0 || who->uid == owner)) return Rights::All();
  return Granted(rules, who, session);
}

}  // namespace deptyr
