// The regular expressions that users give, in the syntax of RE2.  A match takes
// time that is linear in the text, whatever the expression.  Pure.
//
//   ASSIGN_OR_RETURN(const std::unique_ptr<RE2> pattern,
//                    CompilePattern("Done \\(.*\\)"));
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace deptyr {

enum class Anchors {
  kText,  // ^ and $ are the text's beginning and end,
  kLine,  // or those of any of its lines
};

// InvalidArgument if `pattern` isn't such an expression.
absl::StatusOr<std::unique_ptr<RE2>> CompilePattern(
    const std::string& pattern, Anchors anchors = Anchors::kText);

}  // namespace deptyr
