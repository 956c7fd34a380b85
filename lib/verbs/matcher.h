// Waits for text in a program's output.
//
//   ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create("Done \\(.*\\)"));
//   if (matcher.Feed(bytes)) std::fputs(matcher.text().c_str(), stdout);
//
// It looks at plain text (lib/term/plain_text.h), line by line.  A line that
// isn't finished counts as it stands, because a prompt never is.  Pure.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/term/plain_text.h"

namespace deptyr {

class Matcher {
 public:
  // A longer unfinished line is skipped.
  static constexpr size_t kLongestLine = 64 << 10;
  // At least this much of what came before the match is kept, and at most twice
  // as much.
  static constexpr size_t kLongestText = 1 << 20;

  // InvalidArgument if `pattern` isn't a regular expression of RE2.
  static absl::StatusOr<Matcher> Create(const std::string& pattern);

  // True as soon as a line matches; don't feed it any more then.
  bool Feed(absl::string_view bytes);
  // The text up to the end of the match, and the last line of that.
  const std::string& text() const { return text_; }
  std::string line() const { return text_.substr(line_); }

 private:
  explicit Matcher(std::unique_ptr<RE2> pattern)
      : pattern_(std::move(pattern)) {}
  bool MatchLine(absl::string_view line);

  std::unique_ptr<RE2> pattern_;
  PlainText plain_;
  std::string text_;
  size_t line_ = 0;  // where in text_ the unfinished line begins
};

}  // namespace deptyr
