#include "lib/verbs/snapshot.h"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"

#include "lib/attach/ask.h"
#include "lib/attach/attachment.h"
#include "lib/attach/inquiry.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/render/render.h"
#include "lib/sys/event_loop.h"
#include "lib/term/screen.h"

namespace deptyr {
namespace {

// Between a change and the picture of it: a program that repaints has written
// all of it by then.
constexpr absl::Duration kPicturePause = absl::Milliseconds(50);

Ask QuestionFor(const SnapshotOptions& options) {
  return {.what = "snapshot",
          .fields = {{"session", options.where.session},
                     {"last", options.last ? "1" : "0"}}};
}

Screen ScreenOf(const KeyValues& item, absl::string_view paint) {
  // No terminal is larger; a head may say anything.
  constexpr uint16_t kLargest = 1000;
  Screen screen(SizeIn(item, 1, kLargest));
  screen.Write(paint);
  return screen;
}

class SnapshotWatch final : public Attachment::Listener {
 public:
  SnapshotWatch(EventLoop& loop, std::string path,
                const SnapshotOptions& options,
                absl::FunctionRef<bool(absl::string_view)> show)
      : loop_(loop),
        options_(options),
        show_(show),
        inquiry_(loop, path),
        head_(loop, /*patience=*/absl::ZeroDuration(),
              {.session = options.where.session,
               .from = From::kNow,
               .read_only = true},
              *this),
        path_(std::move(path)) {}

  absl::Status Run() {
    RETURN_IF_ERROR(head_.Open(path_));
    while (!end_) RETURN_IF_ERROR(loop_.RunOnce());
    return *end_;
  }

 private:
  void OnAttached(const Attached& attached, Attachment::Joined) override {
    options_.where.session = attached.session;
    Show();
  }
  // Output, and whatever happens to the program or its terminal's size.
  void OnMessage(const HeadMessage&) override {
    if (next_.pending()) return;
    next_ = loop_.After(kPicturePause, [this] { Show(); });
  }
  void OnFailed(const absl::Status& why) override { Finish(why); }

  void Show() {
    inquiry_.Ask(QuestionFor(options_),
                 [this](const absl::StatusOr<Inquiry::Answer>& answer) {
                   if (!answer.ok()) return Finish(answer.status());
                   OnPicture(*answer);
                 });
  }

  void OnPicture(const Inquiry::Answer& answer) {
    const KeyValues item =
        answer.items.empty() ? KeyValues() : answer.items.front();
    const Screen screen = ScreenOf(item, answer.paint);
    const uint64_t shows = Fingerprint(screen);
    if (std::exchange(shown_, shows) == shows) return;
    if (!show_(options_.render(screen, item))) Finish(absl::OkStatus());
  }

  void Finish(const absl::Status& end) {
    next_.Reset();
    head_.Close();
    if (!end_) end_ = end;
  }

  EventLoop& loop_;
  SnapshotOptions options_;
  const absl::FunctionRef<bool(absl::string_view)> show_;
  Inquiry inquiry_;
  Attachment head_;
  const std::string path_;
  std::optional<uint64_t> shown_;  // the fingerprint of the last picture
  Timer next_;
  std::optional<absl::Status> end_;
};

}  // namespace

absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options) {
  KeyValues item;
  std::string paint;
  const auto take = [&](const HeadMessage& said) {
    if (const auto* it = std::get_if<Item>(&said)) item = it->fields;
    if (const auto* it = std::get_if<Paint>(&said)) paint += it->bytes;
  };
  RETURN_IF_ERROR(AskHead(options.where.head, QuestionFor(options), take));
  return options.render(ScreenOf(item, paint), item);
}

absl::Status WatchSnapshots(const SnapshotOptions& options,
                            absl::FunctionRef<bool(absl::string_view)> show) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(std::string path, FindHead(options.where.head));
  return SnapshotWatch(*loop, std::move(path), options, show).Run();
}

std::string SnapshotHash(const Screen& screen, const KeyValues&) {
  return absl::StrFormat("%016x\n", Fingerprint(screen));
}

}  // namespace deptyr
