#include "lib/attach/notice.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"

namespace deptyr {

std::string OwnLine(absl::string_view text) {
  return absl::StrCat("[deptyr: ", text, "]");
}

std::optional<int> ExitStatusOf(const KeyValues& fields) {
  constexpr int kMostSignal = 64;
  constexpr int kMostCode = 255;
  const auto number = [&fields](absl::string_view key) {
    int value = 0;
    return absl::SimpleAtoi(ValueOf(fields, key), &value) ? value : -1;
  };
  const int signal = number("signal");
  if (signal > 0 && signal <= kMostSignal) return kSignalled + signal;
  const int code = number("code");
  if (code >= 0 && code <= kMostCode) return code;
  return std::nullopt;
}

std::string HowOf(const KeyValues& fields) {
  const absl::string_view how = ValueOf(fields, "how");
  return std::string(how.empty() ? "ended" : how);
}

absl::Status MayNotTypeError(absl::string_view session) {
  return absl::PermissionDeniedError(
      absl::StrCat("nothing was typed: you may see ", session,
                   ", but not type into it; ask its owner or root, or start "
                   "head with --allow"));
}

absl::Status NotTypedError(absl::string_view session, absl::string_view state) {
  return absl::FailedPreconditionError(
      absl::StrCat("nothing was typed: ", session, " ", state));
}

}  // namespace deptyr
