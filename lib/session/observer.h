// An observer sees every byte that the programs of a session write.  The live
// screen is one; a log would be another.
//
//   class Counter final : public Observer {
//    public:
//     explicit Counter(const Ring& ring) : ring_(ring) {}
//     void OnOutput() override { bytes_ = ring_.end(); }
//
//    private:
//     const Ring& ring_;
//     uint64_t bytes_ = 0;
//   };
//
// The session's constructor makes its observers (session.cc).
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
