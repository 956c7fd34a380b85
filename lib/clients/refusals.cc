#include "lib/clients/refusals.h"

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"

namespace deptyr {

void Refusals::Note(const std::optional<PeerIdentity>& who,
                    absl::string_view code, absl::string_view text) {
  ++counts_[std::string(code)];
  if (!log_.Take(UidOf(who), code)) return;
  Log(Severity::kWarning, "refused ",
      who ? absl::StrCat("pid=", who->pid, " uid=", UidText(who->uid))
          : "a client over TCP",
      ": ", code, ": ", text);
}

uint64_t Refusals::total() const {
  uint64_t total = 0;
  for (const auto& [code, count] : counts_) total += count;
  return total;
}

}  // namespace deptyr
