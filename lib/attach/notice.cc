#include "lib/attach/notice.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/base/exit_codes.h"

namespace deptyr {
namespace {

// The field's number if it is one from `least` to `most`.
std::optional<int> NumberIn(const KeyValues& fields, absl::string_view key,
                            int least, int most) {
  int number = 0;
  const bool is_number = absl::SimpleAtoi(ValueOf(fields, key), &number);
  if (!is_number || number < least || number > most) return std::nullopt;
  return number;
}

}  // namespace

std::string OwnLine(absl::string_view text) {
  return absl::StrCat("[deptyr: ", text, "]");
}

WindowSize SizeIn(const KeyValues& fields, uint16_t least, uint16_t most) {
  const auto length = [&](absl::string_view key) {
    return static_cast<uint16_t>(
        NumberIn(fields, key, least, most).value_or(least));
  };
  return {.rows = length("rows"), .cols = length("cols")};
}

std::optional<int> ExitStatusOf(const KeyValues& fields) {
  constexpr int kMostSignal = 64;
  constexpr int kMostCode = 255;
  const auto signal = NumberIn(fields, "signal", 1, kMostSignal);
  if (signal) return kSignalled + *signal;
  return NumberIn(fields, "code", 0, kMostCode);
}

std::string HowOf(const KeyValues& fields) {
  const absl::string_view how = ValueOf(fields, "how");
  return std::string(how.empty() ? "ended" : how);
}

absl::Status CheckTyping(const Attached& attached, bool must_run) {
  if (!attached.rights.Has(Right::kType)) {
    return absl::PermissionDeniedError(
        absl::StrCat("nothing was typed: you may see ", attached.session,
                     ", but not type into it; ask its owner or root, or start "
                     "head with --allow"));
  }
  if (attached.running || !must_run) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "nothing was typed: ", attached.session, " ", attached.state));
}

}  // namespace deptyr
