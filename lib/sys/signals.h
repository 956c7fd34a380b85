// Signals as a descriptor: they arrive in the loop like everything else, so
// every way out passes through destructors and a terminal gets restored.
//
//   ASSIGN_OR_RETURN(Signals signals, Signals::Block({SIGTERM, SIGINT}));
//   loop.Add(signals.fd(), Interest::kRead, [&](Ready) {
//     while (int signal = signals.Next()) ...
//   });
#pragma once

#include <initializer_list>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

class Signals {
 public:
  // The signals stay blocked.  Calls IgnoreWriteSignals().  SIGCHLD isn't
  // ignored: it would reap our children before we ask how they ended.
  static absl::StatusOr<Signals> Block(std::initializer_list<int> signals);

  int fd() const { return fd_.get(); }
  // The next signal that came, 0 if none did.
  int Next();

 private:
  explicit Signals(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// From now on a peer that went away (SIGPIPE), and a file that has reached its
// limit (SIGXFSZ, RLIMIT_FSIZE), are errors of a write, not our end.
void IgnoreWriteSignals();

// By number or name, "9", "KILL" or "SIGKILL"; 0 if there is none.
int SignalNumber(absl::string_view text);

// Stops this process, as SIGTSTP would have; returns when it goes on.
void StopSelf();

}  // namespace deptyr
