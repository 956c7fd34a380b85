// Terminals that have outlived their program, because its children hold them.
// Nobody reads what these write any more, but they may write it: a shutdown
// that says "bye" must not be killed for that.
// A terminal is let go when nobody holds it any more, when there are many, and
// after ten seconds in any case.  Whatever still holds it then is hung up.
#pragma once

#include <list>

#include "absl/functional/any_invocable.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/shared_fd.h"

namespace deptyr {

class Leftovers {
 public:
  // `held_up` is called if a read of the terminal had to wait.
  void Add(EventLoop& loop, SharedFd terminal,
           absl::AnyInvocable<void()> held_up);

 private:
  struct Leftover {
    SharedFd terminal;
    absl::AnyInvocable<void()> held_up;
    Watch watch;
    Timer patience;
  };
  static void Discard(Leftover& leftover);

  std::list<Leftover> all_;  // the oldest first; they never move
};

}  // namespace deptyr
