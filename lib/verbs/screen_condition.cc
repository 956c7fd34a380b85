#include "lib/verbs/screen_condition.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/render/render.h"
#include "lib/verbs/pattern.h"

namespace deptyr {
namespace {

// A program that repaints clears first, so what is gone may be back soon.
constexpr absl::Duration kRepaintTime = absl::Milliseconds(100);

}  // namespace

absl::Status ScreenCondition::Shows(const std::string& pattern) {
  return Add(pattern, true);
}

absl::Status ScreenCondition::Lacks(const std::string& pattern) {
  return Add(pattern, false);
}

absl::Status ScreenCondition::Add(const std::string& pattern, bool shown) {
  ASSIGN_OR_RETURN(std::unique_ptr<RE2> compiled,
                   CompilePattern(pattern, Anchors::kLine));
  wishes_.push_back({std::move(compiled), shown, pattern});
  return absl::OkStatus();
}

absl::Duration ScreenCondition::lasting() const {
  for (const Wish& wish : wishes_) {
    if (!wish.shown) return std::max(stable_, kRepaintTime);
  }
  return stable_;
}

std::string ScreenCondition::Rows(const Screen& screen) {
  return Text(screen);
}

std::string ScreenCondition::Unmet(absl::string_view rows) const {
  for (const Wish& wish : wishes_) {
    if (RE2::PartialMatch({rows.data(), rows.size()}, *wish.pattern) ==
        wish.shown) {
      continue;
    }
    return absl::StrCat(wish.shown ? "doesn't show " : "still shows ",
                        wish.spelled);
  }
  return "";
}

std::string ScreenCondition::WhyNot(const Screen& screen) const {
  const std::string unmet = Unmet(Rows(screen));
  return unmet.empty() ? "shows something else all the time" : unmet;
}

}  // namespace deptyr
