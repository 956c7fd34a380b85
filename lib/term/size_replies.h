// A terminal tells its size in band, over a connection that has no other way
// to: OSC 2811 (UAPI.17, "Terminal Size Change Notification").  Whoever wants
// to know subscribes with the size that they know, and gets one reply, now or
// when the terminal has another one.
//
//   std::string out = SizeSubscription({.rows = 0, .cols = 0});
//   SizeReplies replies;
//   std::string typed = replies.Feed(bytes);  // what isn't a reply
//   if (auto size = replies.Take()) out = SizeSubscription(*size);
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"

namespace deptyr {

// Subscribes at a terminal of which this is known; 0 is never its size.
std::string SizeSubscription(WindowSize known);
// Takes the subscription back.
inline constexpr char kCancelSizes[] = "\x1b]2811;?\x1b\\";

class SizeReplies {
 public:
  // Returns `bytes` without replies.  The beginning of what may be one is held
  // back, except for a single ESC, which somebody may have pressed.
  std::string Feed(absl::string_view bytes);
  // The size that the last reply told, once.
  std::optional<WindowSize> Take() { return std::exchange(size_, {}); }
  // The bytes that are held back.
  const std::string& held() const { return held_; }
  // Nothing follows what was held back, so it was typed.
  std::string Flush();

 private:
  std::optional<WindowSize> size_;
  std::string held_;
  bool escaped_ = false;          // the last byte that was returned is an ESC
  bool escape_returned_ = false;  // the first that is held was returned
};

}  // namespace deptyr
