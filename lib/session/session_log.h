// Writes what a session's programs show to the log that their supervisor has
// for them, in whole lines.
//
//   SessionLog log(loop, ring, [] { ... log.open() may have changed ... });
//   RETURN_IF_ERROR(log.Begin(LogSink(), "text", {24, 80}));
//   log.End("deptyr: pid 12 ended: exit status 0\n");
//
// The log never holds anybody up.  Lines that it doesn't take at once wait, up
// to kMostWaiting bytes; those beyond that are lost, which the log is told when
// it takes lines again ("deptyr: 12 lines lost").  When its program has ended,
// the log is let go of as soon as it has taken all, or took nothing for a
// while, so that its reader sees the end.
//
// Lines wait in a memfd, with what the next head has to know.  So a head that
// is killed leaves no line missing, and none doubled, if somebody has a copy of
// descriptor() and spool() (lib/sys/spool.h).
//
// The styles are `text`, what the screen showed (lib/term/shown_lines.h),
// `ansi`, the same with colours, and `raw`, all bytes as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/session/observer.h"
#include "lib/session/ring.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/sys/log_sink.h"
#include "lib/sys/spool.h"
#include "lib/term/shown_lines.h"
#include "lib/wire/upgrade_state.h"

namespace deptyr {

class SessionLog final : public Observer {
 public:
  static constexpr size_t kMostWaiting = 256 << 10;
  // Each line may begin with one.
  enum class Stamps { kNone, kLocalTime };

  // `changed` is called when there is a log, before anything is written there,
  // and when it is let go of.
  SessionLog(EventLoop& loop, Ring& ring, absl::AnyInvocable<void()> changed,
             Stamps stamps = Stamps::kNone)
      : loop_(loop),
        ring_(ring),
        changed_(std::move(changed)),
        stamps_(stamps) {}

  // The last program's lines go there, from the first byte on that the ring
  // has.  Lines of the program before that still wait go there, too.
  absl::Status Begin(LogSink sink, absl::string_view style, WindowSize size);
  // A line of somebody else's, with its newline.
  void Mark(absl::string_view line);
  // From now on lines go to this file, and so do those that wait.
  void Replace(LogSink file);
  // The program has ended and wrote all that it will.  `line` says how, and may
  // be empty.
  void End(absl::string_view line);

  // Whether lines are written, or wait to be.
  bool open() const { return log_ != nullptr; }
  // The descriptors to keep, -1 if it isn't open.
  int descriptor() const { return log_ == nullptr ? -1 : log_->sink.fd(); }
  int spool() const { return log_ == nullptr ? -1 : log_->spool.fd(); }
  // For reports: the last style, "" if there was no log, and how many lines
  // were lost.
  const std::string& style() const { return style_; }
  uint64_t lost() const { return all_lost_; }

  void OnOutput() override;
  void OnResize(WindowSize size) override;

  // Takes over what reports tell, even of a log that was let go of.
  void Remember(const SessionState& state);
  // Save() is for an upgrade.  Resume() takes the log, and the spool if there
  // is one, that Save() told of or that were kept; everything that a spool
  // tells is taken from there.
  void Save(SessionState& state) const;
  void Resume(absl::StatusOr<LogSink> sink, Fd spool, const SessionState& state,
              WindowSize size);

 private:
  struct Target {
    Target(LogSink to, Spool through)
        : sink(std::move(to)), spool(std::move(through)) {}

    LogSink sink;
    Spool spool;
    // Nothing: raw.
    std::optional<ShownLines> shown;
    uint64_t offset = 0;  // up to where the ring was shown
    uint64_t lost = 0;    // lines; not told yet
    uint64_t told = 0;    // in a line that waits
    bool ended = false;
    bool fails = false;  // a file can't be written to, and our log says so
    Watch watch;
    Timer again;
    Timer patience;
  };

  void Open(LogSink sink, Spool spool, WindowSize size);
  absl::StatusOr<Spool> Recover(Fd spool, const SessionState& state);
  void Queue(absl::string_view text);
  std::string Stamped(absl::string_view lines) const;
  bool Append(absl::string_view lines);
  bool TellLost();
  void NoteLost(absl::string_view lines);
  void Commit();
  void Flush();
  void Complain(int error);
  void LoseWaiting();
  void GiveUp();
  void Close();
  void OnWritable();
  void AwaitEnd();

  EventLoop& loop_;
  Ring& ring_;
  absl::AnyInvocable<void()> changed_;
  const Stamps stamps_;
  std::string style_;
  uint64_t all_lost_ = 0;
  std::unique_ptr<Target> log_;
};

}  // namespace deptyr
