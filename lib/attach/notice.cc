#include "lib/attach/notice.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace deptyr {
namespace {

constexpr int kSignalled = 128;

}  // namespace

std::optional<int> ExitStatusOf(const KeyValues& fields) {
  int number = 0;
  if (absl::SimpleAtoi(ValueOf(fields, "signal"), &number) && number > 0) {
    return kSignalled + number;
  }
  if (absl::SimpleAtoi(ValueOf(fields, "code"), &number)) return number;
  return std::nullopt;
}

std::string HowOf(const KeyValues& fields) {
  const absl::string_view how = ValueOf(fields, "how");
  return std::string(how.empty() ? "ended" : how);
}

absl::Status MayNotType(absl::string_view session) {
  return absl::PermissionDeniedError(
      absl::StrCat("nothing was typed: you may see ", session,
                   ", but not type into it; do it as its owner or as root, or "
                   "have head started with --allow"));
}

}  // namespace deptyr
