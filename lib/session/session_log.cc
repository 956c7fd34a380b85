#include "lib/session/session_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/log.h"

namespace deptyr {
namespace {

// How long a log may take nothing after its program has ended.
constexpr absl::Duration kLastPatience = absl::Seconds(10);
// How much of the ring is looked at again to know what the screen showed when
// another head handed over.  A line is rarely longer.
constexpr uint64_t kLookedAtAgain = 16 << 10;

}  // namespace

void SessionLog::Open(LogSink sink, absl::string_view style, WindowSize size) {
  auto log = std::make_unique<Target>();
  log->sink = std::move(sink);
  if (style != "raw") {
    log->shown.emplace(size, style == "ansi" ? ShownLines::Colors::kKept
                                             : ShownLines::Colors::kDropped);
  }
  style_ = std::string(style);
  if (log_ != nullptr) {
    log->queue.Append(log_->queue.bytes());
    log->lost = log_->lost;
  }
  log_ = std::move(log);
  log_->watch = loop_.Add(log_->sink.fd(), Interest::kNone,
                          [this](Ready) { OnWritable(); });
}

void SessionLog::Begin(LogSink sink, absl::string_view style, WindowSize size) {
  Open(std::move(sink), style, size);
  log_->offset = std::max(ring_.latest().begin, ring_.begin());
  OnOutput();
}

void SessionLog::OnOutput() {
  if (log_ == nullptr || log_->ended) return;
  const absl::string_view bytes =
      ring_.From(std::max(log_->offset, ring_.begin()));
  log_->offset = ring_.end();
  if (log_->shown) {
    Add(log_->shown->Feed(bytes));
  } else {
    Add(bytes);
  }
}

void SessionLog::OnResize(WindowSize size) {
  if (log_ == nullptr || !log_->shown) return;
  Add(log_->shown->Resize(size));
}

void SessionLog::End(absl::string_view line) {
  if (log_ == nullptr || log_->ended) return;
  OnOutput();
  std::string last = log_->shown ? log_->shown->Finish() : "";
  absl::StrAppend(&last, line);
  log_->shown.reset();
  log_->ended = true;
  // There is room for the last words even if others were lost.
  TellLost();
  log_->queue.Append(last);
  Flush();
  if (log_ != nullptr) AwaitEnd();
}

void SessionLog::AwaitEnd() {
  log_->patience = loop_.After(kLastPatience, [this] { log_.reset(); });
}

void SessionLog::NoteLost(absl::string_view lines) {
  const auto count =
      static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  log_->lost += count;
  all_lost_ += count;
}

void SessionLog::TellLost() {
  if (log_->lost == 0) return;
  log_->queue.Append(absl::StrCat("deptyr: ", log_->lost,
                                  log_->lost == 1 ? " line" : " lines",
                                  " lost: the log took no more\n"));
  log_->told = std::exchange(log_->lost, 0);
}

void SessionLog::Add(absl::string_view lines) {
  if (lines.empty()) return;
  // A log that has begun to lose lines takes some first, so that it isn't told
  // of every other one.
  if (log_->lost > 0 && log_->queue.room() < kMostWaiting / 2) {
    NoteLost(lines);
    return Flush();
  }
  TellLost();
  absl::string_view taken = lines.substr(0, log_->queue.room());
  if (taken.size() < lines.size()) {
    taken = taken.substr(0, taken.rfind('\n') + 1);
    NoteLost(lines.substr(taken.size()));
  }
  log_->queue.Append(taken);
  Flush();
}

void SessionLog::Flush() {
  Interest wanted = Interest::kNone;
  bool gone = false;
  while (wanted == Interest::kNone && !gone) {
    if (log_->queue.empty()) TellLost();
    if (log_->queue.empty()) break;
    const IoResult wrote = log_->sink.Write(log_->queue.bytes());
    log_->queue.Consume(wrote.bytes);
    if (wrote.waited) return GiveUp();
    if (wrote.state == IoState::kWouldBlock) wanted = Interest::kWrite;
    gone = wrote.state == IoState::kEnd || wrote.state == IoState::kError;
  }
  if (gone) LoseWaiting();
  if (log_->queue.empty()) log_->told = 0;
  log_->watch.Set(wanted);
  if (log_->ended && log_->queue.empty()) log_.reset();
}

// Nobody reads the log now; it is tried again with the next line.
void SessionLog::LoseWaiting() {
  NoteLost(log_->queue.bytes());
  log_->queue.Clear();
  log_->lost += log_->told;
}

void SessionLog::GiveUp() {
  Log(Severity::kWarning, "session=", ring_.state().name.data(),
      " loses its log: whoever passed it made head wait");
  log_.reset();
}

void SessionLog::OnWritable() {
  if (log_->ended) AwaitEnd();
  Flush();
}

void SessionLog::Save(SessionState& state) const {
  state.log_style = style_;
  state.log_all_lost = all_lost_;
  if (log_ == nullptr) return;
  state.log = log_->sink.fd();
  state.log_offset = log_->offset;
  state.log_queue = std::string(log_->queue.bytes());
  state.log_lost = log_->lost;
  state.log_ended = log_->ended;
  state.log_full_screen = log_->shown && log_->shown->full_screen();
}

void SessionLog::Resume(LogSink sink, const SessionState& state,
                        WindowSize size) {
  style_ = state.log_style;
  all_lost_ = state.log_all_lost;
  if (!sink.valid()) return;
  Open(std::move(sink), state.log_style, size);
  log_->queue.Append(state.log_queue);
  log_->lost = state.log_lost;
  log_->ended = state.log_ended;
  log_->offset = std::clamp(state.log_offset, ring_.begin(), ring_.end());
  if (log_->shown) {
    const uint64_t before = std::max(ring_.latest().begin, ring_.begin());
    uint64_t from = log_->offset - std::min(log_->offset, kLookedAtAgain);
    from = from <= before ? before : ring_.SafeStart(from);
    if (state.log_full_screen) (void)log_->shown->Feed("\x1b[?1049h");
    if (from < log_->offset) {
      (void)log_->shown->Feed(ring_.From(from).substr(0, log_->offset - from));
    }
  }
  if (log_->ended) AwaitEnd();
  Flush();
  OnOutput();
}

}  // namespace deptyr
