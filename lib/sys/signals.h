// Receives signals as a descriptor, in the loop like everything else, so every
// way out runs destructors, and a terminal gets restored.
//
//   ASSIGN_OR_RETURN(Signals signals, Signals::Block({SIGTERM, SIGINT}));
//   RETURN_IF_ERROR(RunWithSignals(
//       loop, signals, [&](int signal) { ... act on it ... },
//       [&] { return done; }));
#pragma once

#include <initializer_list>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"

namespace deptyr {

class Signals {
 public:
  // Blocks the signals, for good, and calls IgnoreWriteSignals().  Makes sure
  // that SIGCHLD isn't ignored: that would reap our children before we ask how
  // they ended.
  static absl::StatusOr<Signals> Block(std::initializer_list<int> signals);

  int fd() const { return fd_.get(); }
  // Returns the next signal that has arrived, or 0.
  int Next();

 private:
  explicit Signals(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Runs the loop until `finished`, which is asked after each turn, and passes on
// every signal that arrives meanwhile.
absl::Status RunWithSignals(EventLoop& loop, Signals& signals,
                            absl::FunctionRef<void(int)> on_signal,
                            absl::FunctionRef<bool()> finished);

// From now on, a peer that went away (SIGPIPE) and a file that has reached its
// size limit (SIGXFSZ, RLIMIT_FSIZE) are errors of a write instead of ending
// this process.
void IgnoreWriteSignals();

// The signals that a terminal sends for a key, and to programs in its
// background, do again what they do by default.
void RestoreTerminalSignals();

// All signals do what they do by default, and none is blocked.
void ResetSignals();

// Takes a number or a name, "9", "KILL" or "SIGKILL"; returns 0 if there is no
// such signal.
int SignalNumber(absl::string_view text);

// Stops this process, as SIGTSTP would have; returns when it is continued.
void StopSelf();

}  // namespace deptyr
