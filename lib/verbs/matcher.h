// Waits for text in a program's output, and keeps it.
//
//   ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create("Done \\(.*\\)"));
//   matcher.BeginAnswer("list");
//   if (matcher.Feed(bytes)) std::fputs(matcher.answer().c_str(), stdout);
//
// It looks at plain text (lib/term/plain_text.h), line by line.  A line that
// isn't finished counts as it stands, because a prompt never is.  Pure.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <memory>
#include <optional>
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
  // Matches nothing, and only keeps the text.
  static Matcher WithoutPattern() { return Matcher(nullptr); }

  // Forgets all up to now: what comes answers a line whose Enter was typed just
  // now.  The rest of its `echo` is left out, if it may be echoed.
  void BeginAnswer(std::optional<std::string> echo);
  // True once a line has matched; it may not be whole yet.
  bool Feed(absl::string_view bytes);

  bool matched() const { return matched_; }
  // Whether the end of the line that matched has come, too.
  bool line_ended() const { return matched_ && LineEnd() != text_.npos; }
  // The line that matched, as far as it has come.
  std::string line() const;
  // The text up to the end of that line; all of it if none has matched. Without
  // a pattern, an unfinished line after whole ones, a prompt, isn't part of it.
  std::string answer() const;

 private:
  explicit Matcher(std::unique_ptr<RE2> pattern)
      : pattern_(std::move(pattern)) {}
  void LeaveOutEcho();
  bool Matches(absl::string_view line) const;
  size_t LineEnd() const { return text_.find('\n', line_); }
  void ForgetOld();

  std::unique_ptr<RE2> pattern_;  // null: nothing matches
  PlainText plain_;
  std::optional<std::string> echo_;  // of which the rest may still come
  std::string text_;
  // Where in text_ the unfinished line begins, or the one that matched.
  size_t line_ = 0;
  bool matched_ = false;
};

}  // namespace deptyr
