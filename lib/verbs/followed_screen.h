// A session's screen as a client has it that attached with From::kScreen: what
// head painted, and all that came since.
//
//   FollowedScreen followed;
//   followed.OnAttached(attached);
//   followed.Take(message, [&] { Look(followed.screen()); });
//
// It is head's own model (lib/term/screen.h), so that expressions and formats
// cost head nothing.  Pure.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/term/screen.h"
#include "lib/wire/messages.h"

namespace deptyr {

class FollowedScreen {
 public:
  void OnAttached(const Attached& attached);
  // Takes a message of head's.  Calls `changed` after each change, and before
  // anything goes that came with the same message: before the screen is
  // cleared, and before lines scroll away.
  void Take(const HeadMessage& message, absl::FunctionRef<void()> changed);
  const Screen& screen() const { return screen_; }

 private:
  void OnNotice(const KeyValues& fields);
  // How much of `bytes` to write before the next look.
  size_t PieceOf(absl::string_view bytes) const;

  Screen screen_{WindowSize{}};
};

}  // namespace deptyr
