#include "lib/clients/refusals.h"

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"
#include "lib/wire/messages.h"

namespace deptyr {

absl::string_view RefusalCode(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kNotFound:
      return kRefusedNoSession;
    case absl::StatusCode::kPermissionDenied:
      return kRefusedNotPermitted;
    case absl::StatusCode::kUnauthenticated:
      return kRefusedNotOwner;
    case absl::StatusCode::kAlreadyExists:
      return kRefusedNameTaken;
    case absl::StatusCode::kCancelled:
      return kRefusedStopping;
    default:
      return kRefusedLimit;
  }
}

void Refusals::Note(const std::optional<PeerIdentity>& who,
                    absl::string_view code, absl::string_view text) {
  ++counts_[std::string(code)];
  if (!log_.Take(UidOf(who), code)) return;
  Log(Severity::kWarning, "refused ",
      who ? absl::StrCat("pid=", who->pid, " uid=", UidText(who->uid))
          : "a client over TCP",
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
