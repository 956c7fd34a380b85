#include "lib/session/ring_state.h"

#include "absl/strings/str_cat.h"

namespace deptyr {

std::optional<ExitStatus> StatusOf(const IncarnationRecord& record) {
  switch (record.outcome) {
    case Outcome::kExited:
      return ExitStatus{.code = record.value};
    case Outcome::kSignalled:
      return ExitStatus{.signal = record.value};
    default:
      return std::nullopt;
  }
}

std::string Describe(const IncarnationRecord& record,
                     absl::string_view exec_failure) {
  switch (record.outcome) {
    case Outcome::kNotExecuted:
      return absl::StrCat("could not be executed: ", exec_failure);
    case Outcome::kReplaced:
      return "was replaced";
    case Outcome::kRuns:
      return "runs";
    default:
      break;
  }
  const auto status = StatusOf(record);
  return status ? absl::StrCat("ended: ", Describe(*status))
                : "ended (its supervisor knows how)";
}

}  // namespace deptyr
