#include "lib/attach/notice.h"

#include "absl/strings/numbers.h"

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

}  // namespace deptyr
