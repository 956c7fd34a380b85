// Shows lines of our own between those of the program.  A line that is shown
// while head paints the screen would be painted over, so it waits until the
// screen is painted.
//
//   Announcer announcer(
//       loop, [&](absl::string_view line) { view.Line(line); });
//   announcer.Say("head is back");  // "[deptyr: head is back]"
//   announcer.SayOncePainted(Announcer::kState, "a waits");
//   announcer.OnMessage();  // after each message of head
#pragma once

#include <array>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/attach/notice.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class Announcer {
 public:
  Announcer(EventLoop& loop, absl::AnyInvocable<void(absl::string_view)> show)
      : loop_(loop), show_(std::move(show)) {}

  void Say(absl::string_view text) { show_(OwnLine(text)); }

  // Only the last line of each topic is said; "" withdraws it.
  enum Topic { kRights, kState, kKeys };
  void SayOncePainted(Topic topic, std::string text) {
    waiting_[topic] = std::move(text);
  }
  void OnMessage() {
    if (absl::c_all_of(waiting_, [](const auto& text) { return text.empty(); }))
      return;
    pause_ = loop_.After(kPaintPause, [this] { SayWaiting(); });
  }

 private:
  // The screen counts as painted once head has said nothing for this long.
  static constexpr absl::Duration kPaintPause = absl::Milliseconds(50);

  void SayWaiting() {
    for (std::string& text : waiting_) {
      if (!text.empty()) Say(std::exchange(text, ""));
    }
  }

  EventLoop& loop_;
  absl::AnyInvocable<void(absl::string_view)> show_;
  std::array<std::string, 3> waiting_;
  Timer pause_;
};

}  // namespace deptyr
