#include "lib/verbs/matcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace deptyr {

absl::StatusOr<Matcher> Matcher::Create(const std::string& pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_unique<RE2>(pattern, options);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a regular expression (re2-syntax): ", pattern, ": ",
                     compiled->error()));
  }
  return Matcher(std::move(compiled));
}

bool Matcher::Feed(absl::string_view bytes) {
  text_.resize(left_);
  text_ += plain_.Feed(bytes);
  for (;;) {
    const size_t end = text_.find('\n', line_);
    if (end == std::string::npos) break;
    if (MatchLine(absl::string_view(text_).substr(line_, end - line_))) {
      return true;
    }
    line_ = end + 1;
  }
  left_ = text_.size();
  text_ += plain_.row();
  if (MatchLine(absl::string_view(text_).substr(line_))) return true;
  if (left_ - line_ > kLongestLine) line_ = left_;
  if (text_.size() > 2 * kLongestText) {
    const size_t gone = std::min(line_, text_.size() - kLongestText);
    text_.erase(0, gone);
    line_ -= gone;
    left_ -= gone;
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
