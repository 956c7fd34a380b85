#include "lib/verbs/matcher.h"

#include <algorithm>
#include <utility>

#include "lib/base/status.h"
#include "lib/verbs/pattern.h"

namespace deptyr {

absl::StatusOr<Matcher> Matcher::Create(const std::string& pattern) {
  ASSIGN_OR_RETURN(std::unique_ptr<RE2> compiled, CompilePattern(pattern));
  return Matcher(std::move(compiled));
}

bool Matcher::Feed(absl::string_view bytes) {
  text_ += plain_.Feed(bytes);
  for (;;) {
    const size_t end = text_.find('\n', line_);
    const absl::string_view line = absl::string_view(text_).substr(
        line_, std::min(end, text_.size()) - line_);
    if (MatchLine(line)) return true;
    if (end == std::string::npos) break;
    line_ = end + 1;
  }
  if (text_.size() - line_ > kLongestLine) line_ = text_.size();
  if (text_.size() > 2 * kLongestText) {
    const size_t gone = std::min(line_, text_.size() - kLongestText);
    text_.erase(0, gone);
    line_ -= gone;
  }
  return false;
}

bool Matcher::MatchLine(absl::string_view line) {
  re2::StringPiece match;
  const re2::StringPiece all(line.data(), line.size());
  if (!pattern_->Match(all, 0, all.size(), RE2::UNANCHORED, &match, 1)) {
    return false;
  }
  text_.resize(static_cast<size_t>(match.end() - text_.data()));
  return true;
}

}  // namespace deptyr
