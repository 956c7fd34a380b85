// A user waits for something to come to a session's screen, or to go.
//
//   ScreenCondition condition;
//   RETURN_IF_ERROR(condition.Shows("Menu|Login"));
//   if (condition.Holds(screen)) done = true;
//
// It looks at the rows as `deptyr snapshot` prints them; ^ and $ are the
// beginning and end of a row.  Pure.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/term/screen.h"

namespace deptyr {

class ScreenCondition {
 public:
  // Something has to match, or nothing may; all that is said has to hold.
  // InvalidArgument if that isn't a regular expression of RE2.
  absl::Status Shows(const std::string& pattern);
  absl::Status Lacks(const std::string& pattern);
  // The screen, its colours and its cursor have to stay the same for this long.
  void StaysTheSame(absl::Duration duration) { stable_ = duration; }

  bool empty() const { return wishes_.empty() && !waits_for_stable(); }
  bool waits_for_stable() const { return stable_ > absl::ZeroDuration(); }
  bool Holds(const Screen& screen) const { return Unmet(Rows(screen)).empty(); }
  // How long it has to hold.  With zero, a moment of it counts.
  absl::Duration lasting() const;
  // Says how the screen differs from what is waited for, as a phrase to follow
  // the session's name.
  std::string WhyNot(const Screen& screen) const;

 private:
  struct Wish {
    std::unique_ptr<RE2> pattern;
    bool shown;
    std::string spelled;
  };
  absl::Status Add(const std::string& pattern, bool shown);
  static std::string Rows(const Screen& screen);
  std::string Unmet(absl::string_view rows) const;

  std::vector<Wish> wishes_;
  absl::Duration stable_ = absl::ZeroDuration();
};

}  // namespace deptyr
