// Handles descriptors 0, 1 and 2 of a program that is about to become another.
#pragma once

#include "absl/strings/string_view.h"

#include "lib/base/log.h"
#include "lib/sys/fd.h"

namespace deptyr {

// Keeps the standard error this process was started with while fd 2 becomes
// something else.  If 0, 1 or 2 are closed, /dev/null fills their places until
// the next exec, so that no descriptor opened later gets such a number.
class OriginalStderr {
 public:
  OriginalStderr();
  // Writes one line, made Printable(); does nothing if fd 2 was closed.
  void Say(absl::string_view line, Severity severity = Severity::kError) const;

 private:
  Fd fd_;
};

}  // namespace deptyr
