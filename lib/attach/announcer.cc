#include "lib/attach/announcer.h"

#include <algorithm>
#include <utility>

#include "lib/attach/notice.h"

namespace deptyr {
namespace {

// Head says nothing for so long once the picture is there.
constexpr absl::Duration kPaintPause = absl::Milliseconds(50);

}  // namespace

void Announcer::Say(absl::string_view text) {
  show_(OwnLine(text));
}

void Announcer::OnMessage() {
  const bool any = std::any_of(waiting_.begin(), waiting_.end(),
                               [](const auto& text) { return !text.empty(); });
  if (any) pause_ = loop_.After(kPaintPause, [this] { SayWaiting(); });
}

void Announcer::SayWaiting() {
  for (std::string& text : waiting_) {
    if (!text.empty()) Say(std::exchange(text, ""));
  }
}

}  // namespace deptyr
