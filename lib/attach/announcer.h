// Lines of our own between those of the program.  One that is said while head
// paints the screen would be painted over: it waits until the picture is there.
//
//   Announcer announcer(*loop, [&](absl::string_view line) { Show(line); });
//   announcer.Say("head is back");                // "[deptyr: head is back]"
//   announcer.SayOncePainted(Announcer::kState, "a waits");
//   announcer.OnMessage();                        // after each message of head
#pragma once

#include <array>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"

namespace deptyr {

class Announcer {
 public:
  Announcer(EventLoop& loop, absl::AnyInvocable<void(absl::string_view)> show)
      : loop_(loop), show_(std::move(show)) {}

  void Say(absl::string_view text);

  // One line waits for each topic, and takes the place of one that was there;
  // "": there is nothing to say any more.
  enum Topic { kRights, kState };
  void SayOncePainted(Topic topic, std::string text) {
    waiting_[topic] = std::move(text);
  }
  void OnMessage();

 private:
  void SayWaiting();

  EventLoop& loop_;
  absl::AnyInvocable<void(absl::string_view)> show_;
  std::array<std::string, 2> waiting_;
  Timer pause_;
};

}  // namespace deptyr
