#include "lib/verbs/record.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "lib/attach/ask.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/io.h"
#include "lib/sys/signals.h"
#include "lib/sys/terminal.h"
#include "lib/term/plain_text.h"
#include "lib/verbs/cast.h"
#include "lib/verbs/reader.h"

namespace deptyr {
namespace {

class Recorder final : public StreamReader {
 public:
  Recorder(EventLoop& loop, int output, const RecordOptions& options)
      : StreamReader(loop, output, options.wait), once_(options.once) {}

 private:
  void Take(const HeadMessage& message) override;
  void OnAttached(const Attached& attached);
  void OnNotice(const KeyValues& fields);
  // The next program has a terminal in the state it expects.
  void ResetTerminal() {
    Write(cast_.Output(
        Now(), absl::StrCat(kLeaveAlternateScreen, kResetModes, "\r\n")));
  }
  // Since the recording began; clocks that are set don't matter.
  absl::Duration Now() const { return absl::FromChrono(Clock::now() - start_); }

  const bool once_;
  const Clock::time_point start_ = Clock::now();
  CastWriter cast_;
  uint64_t stream_ = 0;  // once it has begun
};

void Recorder::Take(const HeadMessage& message) {
  if (const auto* attached = std::get_if<Attached>(&message)) {
    OnAttached(*attached);
  } else if (const auto* paint = std::get_if<Paint>(&message)) {
    Write(cast_.Output(Now(), paint->bytes));
  } else if (const auto* output = std::get_if<Output>(&message)) {
    Write(cast_.Output(Now(), output->bytes));
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    OnNotice(notice->fields);
  }
}

void Recorder::OnAttached(const Attached& attached) {
  const WindowSize size = {attached.rows, attached.cols};
  const uint64_t before = std::exchange(stream_, attached.stream);
  if (before == 0) {
    Write(CastWriter::Header(size, absl::Now(), attached.session));
    if (once_ && !attached.running) Finish(absl::OkStatus());
    return;
  }
  Write(CastWriter::Resized(Now(), size));
  if (before == stream_) return;
  Write(CastWriter::Mark(Now(), "went away with its head"));
  ResetTerminal();
  if (once_) Finish(absl::OkStatus());
}

void Recorder::OnNotice(const KeyValues& fields) {
  const absl::string_view event = ValueOf(fields, "event");
  if (event == "resized") {
    WindowSize size;
    int rows = 0;
    int cols = 0;
    (void)absl::SimpleAtoi(ValueOf(fields, "rows"), &rows);
    (void)absl::SimpleAtoi(ValueOf(fields, "cols"), &cols);
    size.rows = static_cast<uint16_t>(rows);
    size.cols = static_cast<uint16_t>(cols);
    Write(CastWriter::Resized(Now(), size));
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
                     options.follow ? options.wait : absl::ZeroDuration()),
        options_(options) {}

 private:
  void Take(const HeadMessage& message) override;
  void Show(absl::string_view bytes);
  void EndIfComplete();

  const HistoryOptions& options_;
  uint64_t offset_ = 0;
  uint64_t end_ = 0;  // of what there was when we came
  PlainText plain_;
  bool line_open_ = false;  // text without the end of its line
};

void HistoryReader::Take(const HeadMessage& message) {
  if (const auto* attached = std::get_if<Attached>(&message)) {
    offset_ = attached->offset;
    end_ = attached->end;
  } else if (const auto* output = std::get_if<Output>(&message)) {
    absl::string_view bytes = output->bytes;
    if (!options_.follow) bytes = bytes.substr(0, end_ - offset_);
    Show(bytes);
    offset_ += bytes.size();
  } else if (const auto* notice = std::get_if<Notice>(&message)) {
    if (ValueOf(notice->fields, "event") != "missed") return;
    (void)absl::SimpleAtoi(ValueOf(notice->fields, "offset"), &offset_);
  }
  EndIfComplete();
}

void HistoryReader::Show(absl::string_view bytes) {
  if (!options_.text) return Write(bytes);
  const std::string text = plain_.Feed(bytes);
  if (!text.empty()) line_open_ = text.back() != '\n';
  Write(text);
}

void HistoryReader::EndIfComplete() {
  if (options_.follow || offset_ < end_) return;
  if (options_.text) {
    Write(plain_.Flush());
    if (line_open_) Write("\n");
  }
  Finish(absl::OkStatus());
}

absl::Status RunReader(EventLoop& loop, StreamReader& reader,
                       const std::string& head, const Attach& wish) {
  ASSIGN_OR_RETURN(Signals signals, Signals::Block({SIGINT, SIGTERM, SIGHUP}));
  const Watch watch = loop.Add(signals.fd(), Interest::kRead, [&](Ready) {
    // A second one doesn't wait for who reads us.
    while (signals.Next() != 0) {
      if (reader.ending()) reader.FinishNow(absl::OkStatus());
      reader.Finish(absl::OkStatus());
    }
  });
  RETURN_IF_ERROR(reader.Attach(head, wish));
  while (!reader.finished()) RETURN_IF_ERROR(loop.RunOnce());
  return reader.end();
}

}  // namespace

absl::Status RunRecord(const RecordOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  // Before a file is made, or one that is there is emptied.
  RETURN_IF_ERROR(
      AskForItems(options.head,
                  {.what = "status", .fields = {{"session", options.session}}})
          .status());
  Fd file;
  if (!options.file.empty() && options.file != "-") {
    ASSIGN_OR_RETURN(
        file, CreateFile(options.file, options.overwrite ? Existing::kReplaced
                                                         : Existing::kKept));
  }
  Recorder recorder(*loop, file.valid() ? file.get() : STDOUT_FILENO, options);
  return RunReader(
      *loop, recorder, options.head,
      {.session = options.session, .from = From::kScreen, .read_only = true});
}

absl::Status RunHistory(const HistoryOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  HistoryReader reader(*loop, options);
  return RunReader(*loop, reader, options.head,
                   {.session = options.session,
                    .from = From::kHistory,
                    .value = options.bytes,
                    .read_only = true});
}

}  // namespace deptyr
