// The screen as a program that has ended left it.
#pragma once

#include <memory>
#include <string>

#include "lib/base/window_size.h"
#include "lib/session/ring.h"

namespace deptyr {

struct PostMortem {
  std::string paint;  // makes any terminal show it
  WindowSize size;
  std::string how;  // how the program ended, for people
};

// Makes the post-mortem of the program before the last from what the ring still
// has.  This is for an end that another head saw.  Null if the ring has nothing
// of it.
std::unique_ptr<PostMortem> PostMortemFromRing(const Ring& ring);

}  // namespace deptyr
