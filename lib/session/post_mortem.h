// The screen as a program that has ended left it.
#pragma once

#include <optional>
#include <string>

#include "lib/base/window_size.h"
#include "lib/session/ring.h"

namespace deptyr {

struct PostMortem {
  std::string paint;  // makes any terminal show it
  WindowSize size;
  std::string how;  // how the program ended, for people
};

// Makes the post-mortem of the program before the last, whose end another head
// saw, from what the ring still has of it; nothing if that is nothing.
std::optional<PostMortem> PostMortemFromRing(const Ring& ring);

}  // namespace deptyr
