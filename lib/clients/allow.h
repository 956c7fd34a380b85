// Rules that give rights in a session to others than its owner and root, who
// may do everything there: deptyr head --allow and --listener-allow.
//
//   ASSIGN_OR_RETURN(AllowRule rule, ParseAllow("group:ops=see,type@build"));
//   if (RightsIn("build", owner, {rule}, who).Has(Right::kType)) {
//     ...
//   }
//
// Only `any` means a peer without an identity (one over TCP, or of a user who
// has no number in head's user namespace).
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
  Rights rights = {};
  std::string session = {};  // "" for all
  bool operator==(const AllowRule&) const = default;
};
using AllowRules = std::vector<AllowRule>;

// "WHO=RIGHTS" or "WHO=RIGHTS@SESSION"; WHO is user:NAME, group:NAME, uid:N,
// gid:N or any.  InvalidArgument for other texts, and if there is no such user.
absl::StatusOr<AllowRule> ParseAllow(absl::string_view text);
// Writes a rule for ParseAllow(), but with numbers in the place of names, which
// may belong to others by the time it is read.
std::string Spell(const AllowRule& rule);

// The rights that the rules alone give in a session, or everywhere if `session`
// is "".
Rights Granted(const AllowRules& rules, const std::optional<PeerIdentity>& who,
               absl::string_view session);
// The rights of `who` in a session of `owner`.
Rights RightsIn(absl::string_view session, uid_t owner, const AllowRules& rules,
                const std::optional<PeerIdentity>& who);

}  // namespace deptyr
