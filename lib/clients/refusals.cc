#include "lib/clients/refusals.h"

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/wire/messages.h"

namespace deptyr {

std::string DescribePeer(const std::optional<PeerIdentity>& who) {
  if (!who) return "over TCP";
  return absl::StrCat("pid=", who->pid, " uid=", UidText(who->uid));
}

std::string EncodeRefusal(absl::string_view code, absl::string_view text) {
  return Encode(Refused{.code = std::string(code), .text = std::string(text)});
}

absl::string_view RefusalCode(const absl::Status& why) {
  if (absl::IsNotFound(why)) return kRefusedNoSession;
  if (absl::IsPermissionDenied(why)) return kRefusedNotPermitted;
  if (absl::IsUnauthenticated(why)) return kRefusedNotOwner;
  if (absl::IsAlreadyExists(why)) return kRefusedNameTaken;
  if (absl::IsCancelled(why)) return kRefusedStopping;
  if (absl::IsFailedPrecondition(why)) return kRefusedCircle;
  return kRefusedLimit;
}

void Refusals::Note(const std::optional<PeerIdentity>& who,
                    absl::string_view code, absl::string_view text) {
  ++counts_[std::string(code)];
  if (!log_.Take(UidOf(who), code)) return;
  Log(Severity::kWarning, "refused ", who ? "" : "a client ", DescribePeer(who),
      ": ", code, ": ", text);
}

KeyValues Refusals::Report() const {
  KeyValues report = {{"refused", absl::StrCat(total())}};
  for (const auto& [code, count] : counts_) {
    report.emplace_back(absl::StrCat("refused-", code), absl::StrCat(count));
  }
  return report;
}

uint64_t Refusals::total() const {
  uint64_t total = 0;
  for (const auto& [code, count] : counts_) total += count;
  return total;
}

}  // namespace deptyr
