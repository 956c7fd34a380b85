// Who may do what in whose session, beyond its owner and root, who may all:
// deptyr head --allow and --listener-allow.
//
//   ASSIGN_OR_RETURN(AllowRule rule, ParseAllow("group:ops=see,type@build"));
//   RightsIn("build", owner, {rule}, who).Has(Right::kType);
//
// Peers are who the kernel says they are: their user, their group, and the
// groups besides.  One without an identity (over TCP, or of a user who has no
// number in head's user namespace) is meant by `any` only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/peer_identity.h"
#include "lib/wire/rights.h"

namespace deptyr {

struct AllowRule {
  enum class Who { kUser, kGroup, kAny } who = Who::kAny;
  uint32_t id = 0;
  Rights rights;
  std::string session = {};  // "" for all
  bool operator==(const AllowRule&) const = default;
};
using AllowRules = std::vector<AllowRule>;

// "WHO=RIGHTS" or "WHO=RIGHTS@SESSION"; WHO is user:NAME, group:NAME, uid:N,
// gid:N or any.  InvalidArgument if it is none, or there is no such user.
absl::StatusOr<AllowRule> ParseAllow(absl::string_view text);
// With numbers: what ParseAllow() takes, whoever is called what by then.
std::string Spell(const AllowRule& rule);

// What the rules alone give, in a session, or, with "", everywhere.
Rights Granted(const AllowRules& rules, const std::optional<PeerIdentity>& who,
               absl::string_view session);
// What somebody may do in a session of `owner`.
Rights RightsIn(absl::string_view session, uid_t owner, const AllowRules& rules,
                const std::optional<PeerIdentity>& who);

}  // namespace deptyr
