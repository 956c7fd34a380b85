#include "lib/session/session_log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "lib/base/log.h"
#include "lib/base/status.h"

namespace deptyr {
namespace {

// How long a log may take nothing after its program has ended.
constexpr absl::Duration kLastPatience = absl::Seconds(10);
constexpr absl::Duration kTryAgain = absl::Seconds(1);
// How much of the ring is looked at again to know what the screen showed when
// another head stopped.  A line is rarely longer.
constexpr uint64_t kLookedAtAgain = 16 << 10;

// The note beside the lines that wait.  The layout is frozen: fields are
// only added, at the end.
struct LogNote {
  uint64_t offset = 0;
  uint64_t lost = 0;
  uint64_t told = 0;
  uint64_t all_lost = 0;
  std::array<char, 8> style = {};
  uint8_t ended = 0;
  uint8_t full_screen = 0;
  std::array<uint8_t, 6> unused = {};
};
static_assert(std::is_trivially_copyable_v<LogNote>);
static_assert(sizeof(LogNote) <= Spool::kLongestNote);

LogNote NoteIn(const Spool& spool) {
  LogNote note;
  const absl::string_view bytes = spool.note();
  std::memcpy(&note, bytes.data(), std::min(bytes.size(), sizeof note));
  return note;
}

bool IsStyle(absl::string_view style) {
  return style == "text" || style == "ansi" || style == "raw";
}

}  // namespace

void SessionLog::Open(LogSink sink, Spool spool, WindowSize size) {
  auto log = std::make_unique<Target>(std::move(sink), std::move(spool));
  if (style_ != "raw") {
    log->shown.emplace(size, style_ == "ansi" ? ShownLines::Colors::kKept
                                              : ShownLines::Colors::kDropped);
  }
  log_ = std::move(log);
  if (log_->sink.is_file()) return;
  log_->watch = loop_.Add(log_->sink.fd(), Interest::kNone,
                          [this](Ready) { OnWritable(); });
}

absl::Status SessionLog::Begin(LogSink sink, absl::string_view style,
                               WindowSize size) {
  ASSIGN_OR_RETURN(Spool spool, Spool::Create());
  std::string waiting;
  uint64_t lost = 0;
  if (log_ != nullptr) {
    waiting = log_->spool.Waiting();
    lost = log_->lost;
  }
  style_ = std::string(style);
  Open(std::move(sink), std::move(spool), size);
  log_->lost = lost;
  log_->offset = std::max(ring_.latest().begin, ring_.begin());
  (void)Append(waiting);
  Commit();
  changed_();
  OnOutput();
  return absl::OkStatus();
}

void SessionLog::OnOutput() {
  if (log_ == nullptr || log_->ended) return;
  const absl::string_view bytes =
      ring_.From(std::max(log_->offset, ring_.begin()));
  log_->offset = ring_.end();
  if (log_->shown) {
    Queue(log_->shown->Feed(bytes));
  } else {
    Queue(bytes);
  }
}

void SessionLog::OnResize(WindowSize size) {
  if (log_ == nullptr || !log_->shown) return;
  Queue(log_->shown->Resize(size));
}

void SessionLog::Mark(absl::string_view line) {
  if (log_ != nullptr && !log_->ended) Queue(line);
}

void SessionLog::Replace(LogSink file) {
  log_->sink = std::move(file);
  log_->fails = false;
  Flush();
}

void SessionLog::End(absl::string_view line) {
  if (log_ == nullptr || log_->ended) return;
  OnOutput();
  if (log_ == nullptr) return;
  const std::string last = log_->shown ? log_->shown->Finish() : "";
  log_->shown.reset();
  log_->ended = true;
  // There is room for the last words even if others were lost.
  (void)TellLost();
  (void)Append(Stamped(last));
  (void)Append(Stamped(line));
  Commit();
  Flush();
  if (log_ != nullptr) AwaitEnd();
}

void SessionLog::AwaitEnd() {
  log_->patience = loop_.After(kLastPatience, [this] { Close(); });
}

void SessionLog::NoteLost(absl::string_view lines) {
  const auto count =
      static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  log_->lost += count;
  all_lost_ += count;
}

std::string SessionLog::Stamped(absl::string_view lines) const {
  if (stamps_ == Stamps::kNone) return std::string(lines);
  const std::string stamp = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%E3S%Ez ", absl::Now(), absl::LocalTimeZone());
  std::string stamped;
  while (!lines.empty()) {
    const size_t size = std::min(lines.find('\n'), lines.size() - 1) + 1;
    absl::StrAppend(&stamped, stamp, lines.substr(0, size));
    lines.remove_prefix(size);
  }
  return stamped;
}

// Last words find room beyond what others have, but one program after the other
// that ends at once adds no more than that.
bool SessionLog::Append(absl::string_view lines) {
  const bool has_room = log_->spool.size() + lines.size() <= 2 * kMostWaiting;
  if (has_room && log_->spool.Append(lines)) return true;
  NoteLost(lines);
  return false;
}

bool SessionLog::TellLost() {
  if (log_->lost == 0) return true;
  const uint64_t lost = std::exchange(log_->lost, 0);
  const std::string line =
      absl::StrCat("deptyr: ", lost, lost == 1 ? " line" : " lines",
                   " lost: the log took no more\n");
  const bool told = log_->spool.Append(Stamped(line));
  (told ? log_->told : log_->lost) = lost;
  return told;
}

// From now on they count, for the next head as well.
void SessionLog::Commit() {
  LogNote note = {
      .offset = log_->offset,
      .lost = log_->lost,
      .told = log_->told,
      .all_lost = all_lost_,
      .ended = log_->ended,
      .full_screen = log_->shown && log_->shown->full_screen(),
  };
  CopyText(style_, note.style);
  log_->spool.Commit({reinterpret_cast<const char*>(&note), sizeof note});
}

void SessionLog::Queue(absl::string_view text) {
  if (text.empty()) return Commit();
  const std::string stamped = stamps_ == Stamps::kNone ? "" : Stamped(text);
  const absl::string_view lines = stamps_ == Stamps::kNone ? text : stamped;
  const auto room = [this] {
    return kMostWaiting - std::min(kMostWaiting, log_->spool.size());
  };
  // A log that has begun to lose lines takes some first, so that it isn't told
  // of every other one.
  const bool recovers = log_->lost > 0 && room() < kMostWaiting / 2;
  absl::string_view taken;
  if (!recovers && TellLost()) {
    taken = lines.substr(0, room());
    if (taken.size() < lines.size()) {
      taken = taken.substr(0, taken.rfind('\n') + 1);
    }
  }
  NoteLost(lines.substr(taken.size()));
  (void)Append(taken);
  Commit();
  Flush();
}

void SessionLog::Flush() {
  Interest wanted = Interest::kNone;
  bool gone = false;
  while (wanted == Interest::kNone && !gone) {
    if (log_->spool.empty()) {
      if (log_->lost == 0 || !TellLost()) break;
      Commit();
    }
    const IoResult moved = log_->spool.MoveTo(log_->sink);
    if (moved.waited) return GiveUp();
    if (moved.state == IoState::kWouldBlock) wanted = Interest::kWrite;
    gone = moved.state == IoState::kEnd || moved.state == IoState::kError;
    if (gone && log_->sink.is_file()) return Complain(errno);
  }
  log_->fails = false;
  if (gone) LoseWaiting();
  if (log_->spool.empty()) log_->told = 0;
  log_->watch.Set(wanted);
  if (log_->ended && log_->spool.empty()) Close();
}

// There may be room again, and nothing tells when.
void SessionLog::Complain(int error) {
  if (!std::exchange(log_->fails, true)) {
    Log(Severity::kError, "session=", ring_.state().name.data(),
        " can't write to its log file: ", strerrordesc_np(error),
        "; lines wait, as far as there is room for them");
  }
  log_->again = loop_.After(kTryAgain, [this] { Flush(); });
}

// Nobody reads the log now; it is tried again with the next line.
void SessionLog::LoseWaiting() {
  NoteLost(log_->spool.Waiting());
  log_->spool.Clear();
  log_->lost += log_->told;
  Commit();
}

void SessionLog::GiveUp() {
  Log(Severity::kWarning, "session=", ring_.state().name.data(),
      " loses its log: whoever passed it made head wait");
  Close();
}

void SessionLog::Close() {
  log_.reset();
  changed_();
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
  state.log_spool = log_->spool.fd();
  // The rest is for a deptyr that knows of no spool.
  state.log_offset = log_->offset;
  state.log_queue = log_->spool.Waiting();
  state.log_lost = log_->lost;
  state.log_ended = log_->ended;
  state.log_full_screen = log_->shown && log_->shown->full_screen();
}

// Returns the spool that was kept, or one with what `state` has.
absl::StatusOr<Spool> SessionLog::Recover(Fd spool, const SessionState& state) {
  if (spool.valid()) return Spool::Adopt(std::move(spool));
  ASSIGN_OR_RETURN(Spool made, Spool::Create());
  LogNote note = {.offset = state.log_offset,
                  .lost = state.log_lost,
                  .all_lost = state.log_all_lost,
                  .ended = state.log_ended,
                  .full_screen = state.log_full_screen};
  CopyText(state.log_style, note.style);
  (void)made.Append(state.log_queue);
  made.Commit({reinterpret_cast<const char*>(&note), sizeof note});
  return made;
}

void SessionLog::Remember(const SessionState& state) {
  style_ = state.log_style;
  all_lost_ = state.log_all_lost;
}

void SessionLog::Resume(absl::StatusOr<LogSink> sink, Fd spool,
                        const SessionState& state, WindowSize size) {
  const bool kept = spool.valid();
  auto recovered = Recover(std::move(spool), state);
  if (!sink.ok() || !recovered.ok()) {
    Log(Severity::kWarning, "session=", ring_.state().name.data(),
        " loses its log: ",
        (sink.ok() ? recovered.status() : sink.status()).message());
    return changed_();
  }
  LogNote note = NoteIn(*recovered);
  note.style.back() = '\0';
  style_ = IsStyle(note.style.data()) ? note.style.data() : "text";
  all_lost_ = note.all_lost;
  Open(*std::move(sink), *std::move(recovered), size);
  log_->lost = note.lost;
  log_->told = note.told;
  log_->ended = note.ended != 0;
  log_->offset = std::clamp(note.offset, ring_.begin(), ring_.end());
  if (log_->ended) log_->shown.reset();  // its last line is in the spool
  if (log_->shown) {
    const uint64_t before = std::max(ring_.latest().begin, ring_.begin());
    uint64_t from = log_->offset - std::min(log_->offset, kLookedAtAgain);
    from = from <= before ? before : ring_.SafeStart(from);
    if (note.full_screen != 0) (void)log_->shown->Feed("\x1b[?1049h");
    if (from < log_->offset) {
      (void)log_->shown->Feed(ring_.From(from).substr(0, log_->offset - from));
    }
  }
  if (!kept) changed_();
  if (log_->ended) AwaitEnd();
  Flush();
  if (log_ != nullptr) OnOutput();
}

}  // namespace deptyr
