#include "lib/verbs/matcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

#include "lib/base/status.h"
#include "lib/verbs/pattern.h"

namespace deptyr {

absl::StatusOr<Matcher> Matcher::Create(const std::string& pattern) {
  ASSIGN_OR_RETURN(std::unique_ptr<RE2> compiled, CompilePattern(pattern));
  return Matcher(std::move(compiled));
}

void Matcher::BeginAnswer(std::optional<std::string> echo) {
  text_.clear();
  line_ = 0;
  matched_ = false;
  echo_ = std::move(echo);
}

bool Matcher::Feed(absl::string_view bytes) {
  text_ += plain_.Feed(bytes);
  LeaveOutEcho();
  while (!matched_ && !echo_) {
    const size_t end = LineEnd();
    const absl::string_view rest = absl::string_view(text_).substr(line_);
    // $ is the end of the line, but some say \n for it.
    matched_ =
        Matches(rest.substr(0, end - line_)) ||
        (end != std::string::npos && Matches(rest.substr(0, end + 1 - line_)));
    if (matched_ || end == std::string::npos) break;
    line_ = end + 1;
  }
  if (!matched_) ForgetOld();
  return matched_;
}

// When Enter is typed, most of the echo has come, or all of it but the line's
// end.
void Matcher::LeaveOutEcho() {
  if (!echo_) return;
  const size_t end = text_.find('\n');
  const absl::string_view first = absl::string_view(text_).substr(0, end);
  if (end == std::string::npos && absl::StrContains(*echo_, first)) return;
  if (end != std::string::npos && absl::EndsWith(*echo_, first)) {
    text_.erase(0, end + 1);
  }
  echo_.reset();
}

bool Matcher::Matches(absl::string_view line) const {
  return pattern_ != nullptr &&
         RE2::PartialMatch({line.data(), line.size()}, *pattern_);
}

void Matcher::ForgetOld() {
  if (text_.size() - line_ > kLongestLine) line_ = text_.size();
  if (text_.size() <= 2 * kLongestText) return;
  const size_t gone = std::min(line_, text_.size() - kLongestText);
  text_.erase(0, gone);
  line_ -= gone;
}

std::string Matcher::line() const {
  return matched_ ? text_.substr(line_, LineEnd() - line_) : "";
}

std::string Matcher::answer() const {
  if (matched_) return text_.substr(0, LineEnd());
  const size_t last = text_.rfind('\n');
  const bool all = pattern_ != nullptr || last == std::string::npos;
  return all ? text_ : text_.substr(0, last);
}

}  // namespace deptyr
