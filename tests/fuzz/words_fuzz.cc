// Words with a meaning, that people, peers and keepers write: rights, rules of
// who may do what, names, keys and escapes.  Whatever they are, they are
// refused, or can be said again.

#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/clients/allow.h"
#include "lib/clients/listener_spec.h"
#include "lib/keep/stored_sessions.h"
#include "lib/verbs/typed.h"
#include "lib/wire/rights.h"
#include "lib/wire/session_name.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace deptyr;  // NOLINT(google-build-using-namespace)
  const absl::string_view text(reinterpret_cast<const char*>(bytes), size);

  const auto rights = ParseRights(text);
  if (rights.ok()) Expect(*ParseRights(Spell(*rights)) == *rights);
  const Rights known = KnownRights(text);
  Expect(KnownRights(Spell(known)) == known);

  const auto rule = ParseAllow(text);
  if (rule.ok()) Expect(*ParseAllow(Spell(*rule)) == *rule);
  if (rule.ok())
    Expect(rule->rights.Has(Right::kSee) ||
           rule->rights == Rights{Right::kAdminister});

  const auto kept = ParseStoredName(text);
  if (kept) Expect(ParseStoredName(Spell(*kept)) == *kept);

  const auto listener = ParseListener(text);
  if (listener.ok()) Expect(!listener->address.empty());

  if (IsSessionName(text)) Expect(SessionNameFor(text) == text);
  Expect(IsSessionName(SessionNameFor(text)));

  const auto typed = Unescape(text);
  if (typed.ok()) Expect(typed->size() <= text.size());
  for (const CursorKeys keys :
       {CursorKeys::kNormal, CursorKeys::kApplication}) {
    const auto named = KeysNamed(text, keys);
    // The longest, "\e[21;8~", has names of more than three characters.
    if (named.ok()) Expect(named->size() <= 3 * text.size());
  }
  return 0;
}
