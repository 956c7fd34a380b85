// Lets a person choose one of several things from a list on a terminal: by
// arrows and Enter, by the digit before a line, or by typing a part of it.
//
//   Chooser chooser({{"mc", "java"}, {"irc", "irssi"}});
//   std::string drawn = chooser.Draw({.rows = 24, .cols = 80});
//   if (chooser.Take("\x1b[B\r") == Chooser::State::kChosen) {
//     std::string name = chooser.chosen();  // "irc"
//   }
//
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"

namespace deptyr {

class Chooser {
 public:
  struct Choice {
    std::string name;
    std::string about;  // shown beside the name; nothing a terminal acts on
  };
  // Takes at least one choice.
  explicit Chooser(std::vector<Choice> choices);

  enum class State { kOpen, kChosen, kCancelled };
  // Takes what was typed.  A lone Escape, ^C or ^D cancels.
  State Take(absl::string_view keys);
  // The name that was chosen.
  const std::string& chosen() const;

  // Draws the list over what Draw() has drawn before; the cursor stays at its
  // beginning.
  std::string Draw(WindowSize size) const;
  // Takes away what Draw() has drawn.
  static constexpr absl::string_view kErase = "\r\x1b[J";

 private:
  void Narrow();
  void Move(int by);

  const std::vector<Choice> choices_;
  std::string typed_;
  std::vector<size_t> shown_;  // those that have `typed_` in them
  size_t at_ = 0;              // in `shown_`
};

}  // namespace deptyr
