#include "lib/verbs/pattern.h"

#include "absl/strings/str_cat.h"

namespace deptyr {

absl::StatusOr<std::unique_ptr<RE2>> CompilePattern(const std::string& pattern,
                                                    Anchors anchors) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<RE2>(
      absl::StrCat(anchors == Anchors::kLine ? "(?m)" : "", pattern), options);
  if (compiled->ok()) return compiled;
  return absl::InvalidArgumentError(
      absl::StrCat("not a regular expression (re2-syntax): ", pattern, ": ",
                   compiled->error()));
}

}  // namespace deptyr
