// Of a session: how a program ends, and what is left of it.
#include <algorithm>
#include <array>
#include <utility>

#include "lib/session/session.h"
#include "lib/sys/io.h"
#include "lib/sys/user_log.h"

namespace deptyr {
namespace {

// How long a supervisor may take to reap its child.  Until it does, the kernel
// doesn't tell anybody else how it ended.  daemontools' supervise reaps nothing
// in the first second after it started a program.  Three seconds, in pieces: of
// a machine that stands still for longer only one is lost.
constexpr absl::Duration kReapPause = absl::Milliseconds(500);
constexpr int kReapPauses = 6;
// How long what a program left running may keep its old terminal once the next
// program has come.
constexpr absl::Duration kLeftoverTime = absl::Seconds(10);
// The terminals of that many: a program may come and go a thousand times in
// that time.
constexpr size_t kMostLeftovers = 16;
constexpr size_t kScrap = 4096;
// What the picture of a program is made of that another head saw.
constexpr uint64_t kMostRead = 256 << 10;

}  // namespace

Fd Session::ReleaseProcess() {
  pidfd_watch_.Reset();
  return std::move(pidfd_);
}

bool Session::IsAlive() {
  return running_ && !HasEnded(pidfd_.get());
}

std::string Session::State() const {
  if (running_ && !controller_.valid()) {
    return absl::StrCat("runs without its terminal, pid ", pid());
  }
  if (running_) return absl::StrCat("runs, pid ", pid());
  return programs() == 0 ? "never started" : How();
}

std::optional<Session::PostMortem> Session::TakePostMortem() {
  if (programs() == 0) return std::nullopt;
  if (running_) {
    if (post_mortem_ == nullptr) post_mortem_ = PostMortemFromRing();
    if (post_mortem_ == nullptr) return std::nullopt;
    return *post_mortem_;
  }
  return PostMortem{
      .paint = screen_.Take(size_).paint, .size = size_, .how = How()};
}

// Another head saw that end.
std::unique_ptr<Session::PostMortem> Session::PostMortemFromRing() const {
  const std::vector<IncarnationRecord> all = ring_.incarnations();
  if (all.size() < 2) return nullptr;
  const IncarnationRecord& record = all[all.size() - 2];
  // To scan all of a ring would take long.
  const uint64_t least =
      std::max(ring_.begin(), record.end - std::min(record.end, kMostRead));
  const uint64_t begin =
      record.begin >= least ? record.begin : ring_.SafeStart(least);
  if (begin > record.end) return nullptr;
  return std::make_unique<PostMortem>(PostMortem{
      .paint = PaintingOf(ring_.From(begin).substr(0, record.end - begin),
                          {record.rows, record.cols}),
      .size = {record.rows, record.cols},
      .how = How(record)});
}

void Session::ExecFailed(absl::string_view text) {
  std::array<char, 512>& kept = ring_.state().exec_failure;
  kept = {};
  text.copy(kept.data(), kept.size() - 1);
  not_executed_ = true;
}

void Session::OnPidfd(Ready ready) {
  if (!exited_) {
    if (!HasEnded(pidfd_.get())) return;
    exited_ = true;
    // Until it is reaped, its pidfd stays readable; reaping is a hang-up.
    pidfd_watch_.Set(Interest::kHangup);
    WaitForStatus(kReapPauses);
    if (MayRead()) ReadTurn();
    UpdateInterest();
  }
  AskForStatus();
  if (ready.hangup) status_settled_ = true;
  // Nothing else comes from it, and a hang-up is told for ever.
  if (status_settled_) pidfd_watch_.Set(Interest::kNone);
  FinishIfEnded();
}

void Session::WaitForStatus(int pauses) {
  status_timer_ = loop_.After(kReapPause, [this, pauses] {
    if (pauses > 1) return WaitForStatus(pauses - 1);
    AskForStatus();
    status_settled_ = true;
    FinishIfEnded();
  });
}

void Session::AskForStatus() {
  if (status_settled_) return;
  if (is_child_) {
    const auto end = ReapChild(pidfd_.get());
    status_ = end.value_or(std::nullopt);
    status_settled_ = !end.ok() || status_.has_value();
    if (!end.ok()) {
      Log(Severity::kError, "session=", name_, " pid=", pid(),
          " ended, nobody knows how: ", end.status().message());
    }
    return;
  }
  const ExitAnswer answer = AskExitStatus(pidfd_.get());
  status_settled_ = answer.state != ExitAnswer::kNotYet;
  if (answer.state == ExitAnswer::kKnown) status_ = answer.status;
}

void Session::FinishIfEnded() {
  if (running_ && exited_ && (drained_ || reading_stopped_) &&
      status_settled_) {
    Finish();
  }
  // What the program left running let go of the PTY at last.
  if (!running_ && terminal_closed_) DropController();
}

void Session::Finish() {
  running_ = false;
  status_timer_.Reset();
  pidfd_watch_.Reset();
  pidfd_.Reset();
  keystrokes_.Clear();
  OfferInputRoom();  // where input is dropped now
  Record();
  const std::string how = How();
  LogOf(Severity::kInfo, owner_, "ended", "session=", name_, " pid=", pid(),
        " ", how, ", after ",
        absl::FormatDuration(absl::Trunc(
            absl::FromChrono(Clock::now() - started_), absl::Milliseconds(1))));
  for (SessionClient* client : clients_) client->OnProgramEnded(how);
  changed_(*this, {Change::kEnded});
}

void Session::Record() {
  IncarnationRecord& record = ring_.latest();
  record.end = ring_.end();
  record.ended = absl::ToUnixMillis(absl::Now());
  if (not_executed_) {
    record.outcome = Outcome::kNotExecuted;
  } else if (replaced_) {
    record.outcome = Outcome::kReplaced;
  } else {
    SetOutcome(record, status_);
  }
}

absl::Status Session::TellStatus(const ExitStatus& status) {
  if (programs() == 0) return absl::UnavailableError("no program has run");
  if (running_) {
    // Its supervisor was told before we were.
    if (!IsAlive() && !status_) status_ = status;
    return IsAlive() ? absl::UnavailableError("its program runs")
                     : absl::OkStatus();
  }
  if (ring_.latest().outcome != Outcome::kUnknown) return absl::OkStatus();
  SetOutcome(ring_.latest(), status);
  LogOf(Severity::kInfo, owner_, "ended", "session=", name_, " pid=", pid(),
        " ", How());
  for (SessionClient* client : clients_) client->OnStatusKnown();
  changed_(*this, {Change::kStatus});
  return absl::OkStatus();
}

void Session::DropController() {
  patience_timer_.Reset();
  drain_timer_.Reset();
  repaint_timer_.Reset();
  controller_watch_.Reset();
  controller_.Reset();
  held_ = false;
}

void Session::LoseTerminal() {
  if (!running_ || !controller_.valid()) return;
  Log(Severity::kWarning, "session=", name_, " pid=", pid(),
      " loses its terminal: whoever passed it has cleared O_NONBLOCK, or reads "
      "and writes there, and that made head wait");
  DropController();
  keystrokes_.Clear();
  drained_ = true;
  changed_(*this, {Change::kTerminalLost});
  // Not at once: a client that types may be on the stack.
  input_was_full_ = true;
  drain_timer_ = loop_.After(absl::ZeroDuration(), [this] {
    OfferInputRoom();  // where input is dropped now
    FinishIfEnded();
  });
}

// Only the past program's children hold its terminal: what they still write is
// nobody's any more, but they may write it.  A program that was replaced is
// hung up.
void Session::LeaveController() {
  if (controller_.valid() && exited_ && !terminal_closed_) {
    controller_watch_.Reset();
    if (leftovers_.size() == kMostLeftovers) {
      leftovers_.erase(leftovers_.begin());
    }
    leftovers_.push_back(std::make_unique<Leftover>());
    Leftover& leftover = *leftovers_.back();
    leftover.controller = std::move(controller_);
    leftover.watch = loop_.Add(
        leftover.controller.get(), Interest::kRead, [this, &leftover](Ready) {
          std::array<char, kScrap> scrap;
          const IoResult got = leftover.controller.Read(scrap);
          const bool closed = got.state == IoState::kEnd ||
                              got.state == IoState::kError || got.waited;
          if (closed) leftover.watch.Set(Interest::kNone);
          if (closed) leftover.controller.Reset();
          if (got.waited) changed_(*this, {Change::kHeldUp});
        });
    leftover.patience = loop_.After(kLeftoverTime, [this, &leftover] {
      std::erase_if(leftovers_, [&](const std::unique_ptr<Leftover>& one) {
        return one.get() == &leftover;
      });
    });
  }
  DropController();
}

}  // namespace deptyr
