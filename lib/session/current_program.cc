#include "lib/session/current_program.h"

#include <utility>

#include "absl/strings/str_join.h"

#include "lib/base/argv.h"
#include "lib/base/step.h"
#include "lib/sys/user_log.h"

namespace deptyr {
namespace {

// How long a supervisor may take to reap its child: daemontools' supervise
// reaps nothing in the first second after it started a program.  In pieces,
// since a machine that stands still for longer costs only one of them.
constexpr absl::Duration kReapPause = absl::Milliseconds(500);
constexpr int kReapPauses = 6;

// Nothing if nobody knows how it ended.
void SetOutcome(IncarnationRecord& record,
                const std::optional<ExitStatus>& status) {
  if (!status) {
    record.outcome = Outcome::kUnknown;
  } else if (status->signal != 0) {
    record.outcome = Outcome::kSignalled;
    record.value = status->signal;
  } else {
    record.outcome = Outcome::kExited;
    record.value = status->code;
  }
}

}  // namespace

void CurrentProgram::Start(Incarnation program) {
  argv_ = JoinArgv(program.argv);
  CopyText(absl::StrJoin(program.argv, " "), ring_.state().command);
  CopyText("", ring_.state().exec_failure);
  ring_.Begin({.started = absl::ToUnixMillis(absl::Now()),
               .pid = program.pid,
               .rows = program.size.rows,
               .cols = program.size.cols,
               .adopted = program.adopted ? uint8_t{1} : uint8_t{0}});
  is_child_ = program.is_child;
  exited_ = settled_ = false;
  fate_ = Outcome::kRuns;
  status_.reset();
  pidfd_ = std::move(program.pidfd);
  WatchPidfd();
}

void CurrentProgram::WatchPidfd() {
  running_ = true;
  started_ = Clock::now() -
             absl::ToChronoNanoseconds(
                 absl::Now() - absl::FromUnixMillis(ring_.latest().started));
  watch_ = loop_.Add(pidfd_.get(), Interest::kRead,
                     [this](Ready ready) { OnPidfd(ready); });
}

void CurrentProgram::Resume(Fd pidfd, bool has_terminal,
                            const SessionState& state) {
  argv_ =
      state.argv.empty() ? ring_.state().command.data() : JoinArgv(state.argv);
  if (state.not_executed) fate_ = Outcome::kNotExecuted;
  if (number() == 0) return;
  pidfd_ = std::move(pidfd);
  if (ring_.latest().outcome == Outcome::kRuns) {
    if (state.status_told) status_ = {state.code, state.signal};
    if (pidfd_.valid() && has_terminal) return WatchPidfd();
    Record();
  }
  exited_ = settled_ = true;
}

void CurrentProgram::Save(SessionState& state) const {
  state.pidfd = pidfd_.get();
  state.argv = SplitArgv(argv_);
  state.not_executed = fate_ == Outcome::kNotExecuted;
  if (!status_) return;
  state.status_told = true;
  state.code = status_->code;
  state.signal = status_->signal;
}

Fd CurrentProgram::Release() {
  watch_.Reset();
  return std::move(pidfd_);
}

void CurrentProgram::ExecFailed(absl::string_view text) {
  CopyText(text, ring_.state().exec_failure);
  fate_ = Outcome::kNotExecuted;
}

void CurrentProgram::OnPidfd(Ready ready) {
  if (!exited_) {
    if (!HasEnded(pidfd_.get())) return;
    exited_ = true;
    STEP(ring_.state().name.data(), "exited");
    // Until it is reaped, its pidfd stays readable; reaping is a hang-up.
    watch_.Set(Interest::kHangup);
    WaitForStatus(kReapPauses);
  }
  AskForStatus();
  if (ready.hangup) settled_ = true;
  // Nothing else comes from it, and a hang-up is told for ever.
  if (settled_) watch_.Set(Interest::kNone);
  changed_();
}

void CurrentProgram::WaitForStatus(int pauses) {
  status_timer_ = loop_.After(kReapPause, [this, pauses] {
    if (pauses > 1) return WaitForStatus(pauses - 1);
    AskForStatus();
    settled_ = true;
    changed_();
  });
}

void CurrentProgram::AskForStatus() {
  if (settled_) return;
  if (is_child_) {
    const auto end = ReapChild(pidfd_.get());
    status_ = end.value_or(std::nullopt);
    settled_ = !end.ok() || status_.has_value();
    if (!end.ok()) {
      Log(Severity::kError, "session=", ring_.state().name.data(),
          " pid=", pid(), " ended, nobody knows how: ", end.status().message());
    }
    return;
  }
  const ExitAnswer answer = AskExitStatus(pidfd_.get());
  settled_ = answer.state != ExitAnswer::kNotYet;
  if (answer.state == ExitAnswer::kKnown) status_ = answer.status;
}

void CurrentProgram::MakeWay() {
  if (HasEnded(pidfd_.get())) {
    exited_ = true;
  } else {
    settled_ = true;
    if (fate_ == Outcome::kRuns) fate_ = Outcome::kReplaced;
  }
  STEP(ring_.state().name.data(), "makes-way", exited_);
}

void CurrentProgram::Finish() {
  AskForStatus();
  running_ = false;
  status_timer_.Reset();
  watch_.Reset();
  pidfd_.Reset();
  Record();
  LogOf(Severity::kInfo, ring_.state().owner, "ended",
        "session=", ring_.state().name.data(), " pid=", pid(), " ", How(),
        ", after ",
        absl::FormatDuration(absl::Trunc(
            absl::FromChrono(Clock::now() - started_), absl::Milliseconds(1))));
}

void CurrentProgram::Record() {
  IncarnationRecord& record = ring_.latest();
  record.end = ring_.end();
  record.ended = absl::ToUnixMillis(absl::Now());
  if (fate_ == Outcome::kRuns) {
    SetOutcome(record, status_);
  } else {
    record.outcome = fate_;
  }
  STEP(ring_.state().name.data(), "ended", record.number, record.end);
}

absl::Status CurrentProgram::TellStatus(const ExitStatus& status) {
  if (number() == 0) return absl::UnavailableError("no program has run");
  if (running_) {
    if (IsAlive()) return absl::UnavailableError("its program runs");
    if (!status_) status_ = status;  // its supervisor was told before we were
    return absl::OkStatus();
  }
  if (ring_.latest().outcome != Outcome::kUnknown) return absl::OkStatus();
  SetOutcome(ring_.latest(), status);
  LogOf(Severity::kInfo, ring_.state().owner, "ended",
        "session=", ring_.state().name.data(), " pid=", pid(), " ", How());
  return absl::OkStatus();
}

}  // namespace deptyr
