// An observer sees every byte that the programs of a session write, in its
// ring.  The live screen is one, and each log is another.  The session's
// constructor adds them to its drain.
#pragma once

#include "lib/base/window_size.h"

namespace deptyr {

class Observer {
 public:
  virtual ~Observer() = default;

  // A program starts on a terminal of this size; the ring's next bytes are its
  // output.
  virtual void OnStart(WindowSize size) { (void)size; }
  // The ring has got the bytes of one read.  This is called before any of them
  // can be lost, and must be fast, because it stands between a flood and its
  // readers.
  virtual void OnOutput() = 0;
  virtual void OnResize(WindowSize size) { (void)size; }
};

}  // namespace deptyr
