#include "lib/verbs/record.h"

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/attach/ask.h"
#include "lib/attach/history_range.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/terminal.h"
#include "lib/term/plain_text.h"
#include "lib/verbs/cast.h"
#include "lib/verbs/reader.h"

namespace deptyr {
namespace {

class Recorder final : public StreamReader {
 public:
  Recorder(EventLoop& loop, int output, const RecordOptions& options)
      : StreamReader(loop, output, options.wait,
                     {.session = options.where.session,
                      .from = From::kScreen,
                      .read_only = true}),
        once_(options.once) {}

 private:
  void OnAttached(const Attached& attached, Attachment::Joined how) override;
  void OnMessage(const HeadMessage& message) override;
  void OnNotice(const KeyValues& fields);
  // The next program finds a terminal in the state it expects.
  void ResetTerminal() {
    Write(cast_.Output(
        Now(), absl::StrCat(kLeaveAlternateScreen, kResetModes, "\r\n")));
  }
  // The time since the recording began, even if the time of day is set
  // meanwhile.
  absl::Duration Now() const { return absl::FromChrono(Clock::now() - start_); }

  const bool once_;
  const Clock::time_point start_ = Clock::now();
  CastWriter cast_;
};

void Recorder::OnAttached(const Attached& attached, Attachment::Joined how) {
  const WindowSize size = {attached.rows, attached.cols};
  if (how == Attachment::Joined::kFirst) {
    Write(CastWriter::Header(size, absl::Now(), attached.session));
    if (once_ && !attached.running) Finish(absl::OkStatus());
    return;
  }
  Write(CastWriter::Resized(Now(), size));
  if (attached.stream == position().stream()) return;
  Write(CastWriter::Mark(Now(), "went away with its head"));
  ResetTerminal();
  if (once_) Finish(absl::OkStatus());
}

void Recorder::OnMessage(const HeadMessage& message) {
  if (const auto* paint = std::get_if<Paint>(&message)) {
    Write(cast_.Output(Now(), paint->bytes));
  } else if (const auto* output = std::get_if<Output>(&message)) {
    Write(cast_.Output(Now(), output->bytes));
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields);
  }
}

void Recorder::OnNotice(const KeyValues& fields) {
  const absl::string_view event = ValueOf(fields, "event");
  if (event == "resized") {
    Write(CastWriter::Resized(Now(), SizeIn(fields, 0, UINT16_MAX)));
  } else if (event == "started") {
    ResetTerminal();
  } else if (event == "ended") {
    Write(CastWriter::Mark(Now(), HowOf(fields)));
    if (once_) Finish(absl::OkStatus());
  } else if (event == "missed") {
    Write(CastWriter::Mark(
        Now(), absl::StrCat(ValueOf(fields, "bytes"), " bytes are missing")));
  }
}

class HistoryReader final : public StreamReader {
 public:
  HistoryReader(EventLoop& loop, const HistoryOptions& options)
      : StreamReader(loop, STDOUT_FILENO,
                     options.follow ? options.wait : absl::ZeroDuration(),
                     {.session = options.where.session,
                      .from = From::kHistory,
                      .value = options.bytes,
                      .read_only = true}),
        text_(options.text) {
    if (options.follow) range_ = HistoryRange(HistoryRange::kForever);
  }

 private:
  void OnAttached(const Attached& attached, Attachment::Joined) override {
    OnMessage(attached);
  }
  void OnMessage(const HeadMessage& message) override;
  void Show(absl::string_view bytes);

  const bool text_;
  HistoryRange range_;
  PlainText plain_;
  bool line_open_ = false;  // text was shown without the end of its line
};

void HistoryReader::OnMessage(const HeadMessage& message) {
  Show(range_.Take(message));
  if (!range_.complete()) return;
  if (text_) {
    Write(plain_.Flush());
    if (line_open_) Write("\n");
  }
  Finish(absl::OkStatus());
}

void HistoryReader::Show(absl::string_view bytes) {
  if (!text_) return Write(bytes);
  const std::string text = plain_.Feed(bytes);
  if (!text.empty()) line_open_ = text.back() != '\n';
  Write(text);
}

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
