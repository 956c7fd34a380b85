// The program of a session: when it runs, and how it ended.  Programs come and
// go, one at a time; what is remembered of each is in the ring
// (IncarnationRecord).
//
//   CurrentProgram program(loop, ring, [] { ... has it settled() now? ... });
//   program.Start(std::move(incarnation));
//   if (program.settled()) program.Finish();
//
// A program has ended when its pidfd says so.  The kernel tells how only once
// its parent has reaped it; that is waited for, but not for ever.  Until the
// session calls Finish(), with all output in the ring, it counts as running.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/process.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

// A run of a program, as it registers.
struct Incarnation {
  pid_t pid = 0;
  bool is_child = false;  // of this process, which reaps it
  bool adopted = false;   // it runs already, and has written
  Fd pidfd;
  Fd controller;  // of its terminal
  WindowSize size;
  std::vector<std::string> argv;
};

class CurrentProgram {
 public:
  // `changed` is called when it has exited, or how it ended is settled.
  CurrentProgram(EventLoop& loop, Ring& ring,
                 absl::AnyInvocable<void()> changed)
      : loop_(loop), ring_(ring), changed_(std::move(changed)) {}
  CurrentProgram(const CurrentProgram&) = delete;
  CurrentProgram& operator=(const CurrentProgram&) = delete;

  // `program`'s terminal is the caller's.  The one before must have finished.
  void Start(Incarnation program);
  // Goes on with the program that the ring tells of, and with what only the
  // head before knew.  `has_terminal` means that it has its terminal, or is
  // known to have lost it; otherwise it counts as ended.  There is no pidfd
  // without a program, or after its end.
  void Resume(Fd pidfd, bool has_terminal, const SessionState& state);
  void Save(SessionState& state) const;

  // It runs from Start() to Finish().
  bool running() const { return running_; }
  bool exited() const { return exited_; }
  // It has exited, or is replaced, and how it ended is known or never will be.
  bool settled() const { return settled_; }
  // Asks the kernel, so a program whose end isn't processed yet is not alive.
  bool IsAlive() const { return running_ && !HasEnded(pidfd_.get()); }
  // How many there have been.
  uint64_t number() const { return ring_.latest().number; }
  pid_t pid() const { return ring_.latest().pid; }
  int pidfd() const { return pidfd_.get(); }
  // Its words, each but the last followed by a NUL.
  const std::string& argv() const { return argv_; }
  // How it ended, or another one that the ring tells of, in words for people.
  std::string How() const { return How(ring_.latest()); }
  std::string How(const IncarnationRecord& record) const {
    return Describe(record, ring_.state().exec_failure.data());
  }

  // Another program takes its place: if this one hasn't exited, it is replaced.
  void MakeWay();
  // It runs no more.
  void Finish();
  // It could not be executed; its end will say so.
  void ExecFailed(absl::string_view text);
  // Somebody who was told (its supervisor) says how the last one ended.  That
  // changes nothing if it is known already.  Unavailable if none has ended.
  absl::Status TellStatus(const ExitStatus& status);
  // Lets go of the program: its pidfd is the caller's now.
  Fd Release();

 private:
  void WatchPidfd();
  void OnPidfd(Ready ready);
  void WaitForStatus(int pauses);
  void AskForStatus();
  void Record();

  EventLoop& loop_;
  Ring& ring_;
  absl::AnyInvocable<void()> changed_;
  bool is_child_ = false;
  bool running_ = false;
  bool exited_ = false;  // its pidfd said so
  bool settled_ = false;
  // It was replaced or not executed; kRuns: its status says how it ended.
  Outcome fate_ = Outcome::kRuns;
  Fd pidfd_;
  std::optional<ExitStatus> status_;
  Watch watch_;
  Clock::time_point started_;
  std::string argv_;
  Timer status_timer_;
};

}  // namespace deptyr
