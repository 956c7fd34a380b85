// Whether what a program prints now is guarded, so that erasures spare it:
// selective ones (DECSCA), or all (SPA and EPA).
//
//   Guard guard;
//   guard.SetSelective(true);             // CSI 1 " q
//   const absl::string_view out = guard.Sequences();  // the same
//
// Pure.
#pragma once

#include "absl/strings/string_view.h"

namespace deptyr {

class Guard {
 public:
  // DECSCA.  From now on only selective erasures spare what is guarded.
  void SetSelective(bool on) {
    on_ = on;
    from_all_ = false;
  }
  // SPA, or EPA if it isn't `on`, after which what is guarded already stays so.
  void SetFromAll(bool on) {
    on_ = on;
    from_all_ = from_all_ || on;
  }
  // A saved cursor knows whether what it printed was guarded.
  void Restore(bool on) { on_ = on; }

  bool on() const { return on_; }
  // Whether any erasure spares what is guarded.
  bool from_all() const { return from_all_; }

  // The sequences that do this on a terminal that guards nothing, and the one
  // that takes it back.
  absl::string_view Sequences() const {
    if (from_all_) return on_ ? "\x1bV" : "\x1bV\x1bW";
    return on_ ? "\x1b[1\"q" : "";
  }
  absl::string_view Undo() const { return on_ || from_all_ ? "\x1b[0\"q" : ""; }

 private:
  bool on_ = false;
  bool from_all_ = false;
};

}  // namespace deptyr
