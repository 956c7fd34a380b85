#include "lib/verbs/record.h"

#include <unistd.h>

#include <cstdint>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/attach/ask.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/terminal.h"
#include "lib/term/undo.h"
#include "lib/verbs/cast.h"
#include "lib/verbs/stream_reader.h"

namespace deptyr {
namespace {

class Recorder final : public StreamReader {
 public:
  Recorder(EventLoop& loop, int output, const RecordOptions& options)
      : StreamReader(loop, output, options.wait,
                     {.session = options.where.session,
                      .from = From::kScreen,
                      .read_only = true}),
        once_(options.once),
        cast_(options.version) {}

 private:
  void OnAttached(const Attached& attached, Attachment::Joined how) override {
    size_ = {attached.rows, attached.cols};
    if (how == Attachment::Joined::kFirst) {
      Write(cast_.Header(size_, absl::Now(), attached.session));
      if (once_ && !attached.running) Finish(absl::OkStatus());
      return;
    }
    Write(cast_.Resized(Now(), size_));
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
      Write(cast_.Resized(Now(), size_));
    } else if (event == "started") {
      ResetTerminal();
    } else if (event == "ended") {
      Mark(HowOf(fields));
      if (once_) OnLastEnd(fields);
    } else if (event == "missed") {
      Mark(absl::StrCat(ValueOf(fields, "bytes"), " bytes are missing"));
    }
  }

  void OnLastEnd(const KeyValues& fields) {
    if (const auto status = ExitStatusOf(fields)) {
      Write(cast_.Exit(Now(), *status));
    }
    Finish(absl::OkStatus());
  }

  void Show(absl::string_view bytes) {
    undo_.Note(bytes);
    Write(cast_.Output(Now(), bytes));
  }
  void Mark(absl::string_view text) { Write(cast_.Mark(Now(), text)); }
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

}  // namespace deptyr
