#include "lib/verbs/record.h"

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/attach/ask.h"
#include "lib/attach/attachment.h"
#include "lib/attach/history.h"
#include "lib/attach/notice.h"
#include "lib/attach/stream.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/term/plain_text.h"
#include "lib/term/undo.h"
#include "lib/verbs/cast.h"

namespace deptyr {
namespace {

// A client that only reads.  It writes what it makes of a session's stream to a
// descriptor, as fast as that takes it.  When head goes away, the client goes
// on at the same place with the next one.
class StreamReader : public Attachment::Listener {
 public:
  // `patience` is how long head may be away.
  StreamReader(EventLoop& loop, int output, absl::Duration patience,
               Attach wish)
      : loop_(loop),
        sink_(
            loop, output, Blocking::kYes, [this] { OnWritten(); },
            [this](const absl::Status& why) { OnOutputGone(why); }),
        head_(loop, patience, std::move(wish), *this) {}

  // Runs until Finish(), SIGINT, SIGTERM or SIGHUP.  A second signal ends it
  // without waiting for whoever reads the output.
  absl::Status Run(const std::string& head) {
    ASSIGN_OR_RETURN(Signals signals,
                     Signals::Block({SIGINT, SIGTERM, SIGHUP}));
    const Watch watch = loop_.Add(signals.fd(), Interest::kRead, [&](Ready) {
      while (signals.Next() != 0) {
        finished_ = end_.has_value();
        Finish(absl::OkStatus());
      }
    });
    RETURN_IF_ERROR(head_.Open(head));
    while (!finished_) RETURN_IF_ERROR(loop_.RunOnce());
    return *end_;
  }

 protected:
  void Write(absl::string_view bytes) {
    sink_.Write(bytes);
    // Head has to notice that a reader is slow.
    if (!sink_.empty()) head_.Pause(true);
  }
  // Ends Run() once what was written has gone out.
  void Finish(const absl::Status& end) {
    if (end_) return;
    head_.Close();
    end_ = end;
    finished_ = sink_.empty();
  }
  const StreamPosition& position() const { return head_.position(); }

 private:
  void OnHeadMissed() final {
    std::fprintf(stderr, "%s\n", OwnLine(kHeadMissed).c_str());
  }
  void OnFailed(const absl::Status& why) final { Finish(why); }
  void OnWritten() {
    if (end_) finished_ = true;
    head_.Pause(false);
  }
  // The reader of the output has gone or, with an error, the output can't be
  // written.
  void OnOutputGone(const absl::Status& why) {
    Finish(absl::OkStatus());
    end_->Update(why);
    finished_ = true;
  }

  EventLoop& loop_;
  Sink sink_;
  Attachment head_;
  std::optional<absl::Status> end_;
  bool finished_ = false;
};

class Recorder final : public StreamReader {
 public:
  Recorder(EventLoop& loop, int output, const RecordOptions& options)
      : StreamReader(loop, output, options.wait,
                     {.session = options.where.session,
                      .from = From::kScreen,
                      .read_only = true}),
        once_(options.once) {}

 private:
  void OnAttached(const Attached& attached, Attachment::Joined how) override {
    size_ = {attached.rows, attached.cols};
    if (how == Attachment::Joined::kFirst) {
      Write(CastWriter::Header(size_, absl::Now(), attached.session));
      if (once_ && !attached.running) Finish(absl::OkStatus());
      return;
    }
    Write(CastWriter::Resized(Now(), size_));
    if (attached.stream == position().stream()) return;
    Mark("went away with its head");
    ResetTerminal();
    if (once_) Finish(absl::OkStatus());
  }

  void OnMessage(const HeadMessage& message) override {
    if (const auto* paint = std::get_if<Paint>(&message)) {
      Show(paint->bytes);
    } else if (const auto* output = std::get_if<Output>(&message)) {
      Show(output->bytes);
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      OnNotice(notice->fields);
    }
  }

  void OnNotice(const KeyValues& fields) {
    const absl::string_view event = ValueOf(fields, "event");
    if (event == "resized") {
      size_ = SizeIn(fields, 0, UINT16_MAX);
      Write(CastWriter::Resized(Now(), size_));
    } else if (event == "started") {
      ResetTerminal();
    } else if (event == "ended") {
      Mark(HowOf(fields));
      if (once_) Finish(absl::OkStatus());
    } else if (event == "missed") {
      Mark(absl::StrCat(ValueOf(fields, "bytes"), " bytes are missing"));
    }
  }

  void Show(absl::string_view bytes) {
    undo_.Note(bytes);
    Write(cast_.Output(Now(), bytes));
  }
  void Mark(absl::string_view text) { Write(CastWriter::Mark(Now(), text)); }
  // The next program finds a terminal in the state it expects.
  void ResetTerminal() {
    Show(absl::StrCat(undo_.Sequences(size_.cols), kLastRow, "\r\n"));
  }
  // The time since the recording began, even if the time of day is set
  // meanwhile.
  absl::Duration Now() const { return absl::FromChrono(Clock::now() - start_); }

  const bool once_;
  const Clock::time_point start_ = Clock::now();
  CastWriter cast_;
  WindowSize size_;
  Undo undo_;
};

class HistoryReader final : public StreamReader {
 public:
  HistoryReader(EventLoop& loop, const HistoryOptions& options)
      : StreamReader(loop, STDOUT_FILENO,
                     options.follow ? options.wait : absl::ZeroDuration(),
                     {.session = options.where.session,
                      .from = From::kHistory,
                      .value = options.bytes,
                      .read_only = true,
                      .inside = options.follow && IsTerminal(STDOUT_FILENO)
                                    ? std::optional("")
                                    : std::nullopt}),
        text_(options.text) {
    if (options.follow) range_ = HistoryRange(HistoryRange::kForever);
  }

 private:
  void OnAttached(const Attached& attached, Attachment::Joined) override {
    OnMessage(attached);
  }

  void OnMessage(const HeadMessage& message) override {
    Show(range_.Take(message));
    if (!range_.complete()) return;
    if (text_) {
      Write(plain_.Flush());
      if (line_open_) Write("\n");
    }
    Finish(absl::OkStatus());
  }

  void Show(absl::string_view bytes) {
    if (!text_) return Write(bytes);
    const std::string text = plain_.Feed(bytes);
    if (!text.empty()) line_open_ = text.back() != '\n';
    Write(text);
  }

  const bool text_;
  HistoryRange range_;
  PlainText plain_;
  bool line_open_ = false;  // text was shown without the end of its line
};

}  // namespace

absl::Status RunRecord(const RecordOptions& options) {
  ASSIGN_OR_RETURN(const auto loop, EventLoop::Create());
  // A session that can't be recorded must not cost an old recording.
  RETURN_IF_ERROR(AskForItems(options.where.head,
                              {.what = "status",
                               .fields = {{"session", options.where.session}}})
                      .status());
  Fd file;
  if (!options.file.empty() && options.file != "-") {
    ASSIGN_OR_RETURN(
        file, CreateFile(options.file, options.overwrite ? Existing::kReplaced
                                                         : Existing::kKept));
  }
  const int output = file.valid() ? file.get() : STDOUT_FILENO;
  return Recorder(*loop, output, options).Run(options.where.head);
}

absl::Status RunHistory(const HistoryOptions& options) {
  ASSIGN_OR_RETURN(const auto loop, EventLoop::Create());
  return HistoryReader(*loop, options).Run(options.where.head);
}

}  // namespace deptyr
