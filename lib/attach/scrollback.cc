#include "lib/attach/scrollback.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"

#include "lib/attach/ask.h"
#include "lib/attach/connection.h"
#include "lib/base/status.h"
#include "lib/sys/event_loop.h"
#include "lib/term/screen.h"

namespace deptyr {
namespace {

// Shows a screen of our own what head remembers, up to an offset.
class HistoryReader final : public HeadConnection::Listener {
 public:
  HistoryReader(uint64_t until, WindowSize size, size_t most)
      : until_(until), screen_(size, most) {}

  void OnMessage(HeadMessage message) override {
    if (const auto* attached = std::get_if<Attached>(&message)) {
      at_ = attached->offset;
    } else if (const auto* output = std::get_if<Output>(&message)) {
      screen_.Write(absl::string_view(output->bytes)
                        .substr(0, until_ - std::min(at_, until_)));
      at_ += output->bytes.size();
    } else if (const auto* notice = std::get_if<Notice>(&message)) {
      // What was passed over isn't waited for.
      (void)absl::SimpleAtoi(ValueOf(notice->fields, "offset"), &at_);
    } else if (const auto* refused = std::get_if<Refused>(&message)) {
      return OnEnd(RefusalError(*refused));
    }
    finished_ = finished_ || at_ >= until_;
  }
  void OnEnd(const absl::Status& why) override {
    finished_ = true;
    end_ = why;
  }

  bool finished() const { return finished_; }
  const absl::Status& end() const { return end_; }
  std::vector<std::string> Lines() const { return screen_.Scrollback(); }

 private:
  const uint64_t until_;
  uint64_t at_ = 0;
  Screen screen_;
  bool finished_ = false;
  absl::Status end_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadScrollback(
    const std::string& head, const std::string& session, uint64_t offset,
    WindowSize size, size_t most) {
  ASSIGN_OR_RETURN(const std::unique_ptr<EventLoop> loop, EventLoop::Create());
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(head));
  // Larger is no terminal.
  size.rows = std::min<uint16_t>(size.rows, 1000);
  size.cols = std::min<uint16_t>(size.cols, 1000);
  HistoryReader reader(offset, size, most);
  HeadConnection connection(*loop, std::move(socket), reader);
  connection.Send(
      Attach{.session = session, .from = From::kHistory, .read_only = true});
  const Timer patience = loop->After(kAnswerPatience, [&] {
    reader.OnEnd(absl::DeadlineExceededError(
        "head did not tell its history in time; is it stopped?"));
  });
  while (!reader.finished()) RETURN_IF_ERROR(loop->RunOnce());
  RETURN_IF_ERROR(reader.end());
  return reader.Lines();
}

}  // namespace deptyr
