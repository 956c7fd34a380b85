#include "lib/verbs/stream_reader.h"

#include <signal.h>

#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"

namespace deptyr {

StreamReader::StreamReader(EventLoop& loop, int output, absl::Duration patience,
                           Attach wish)
    : loop_(loop),
      sink_(
          loop, output, Blocking::kYes, [this] { OnWritten(); },
          [this](const absl::Status& why) { OnOutputGone(why); }),
      head_(loop, patience, std::move(wish), *this) {}

absl::Status StreamReader::Run(const std::string& head) {
  ASSIGN_OR_RETURN(Signals signals, Signals::Block({SIGINT, SIGTERM, SIGHUP}));
  RETURN_IF_ERROR(head_.Open(head));
  const auto on_signal = [this](int) {
    finished_ = end_.has_value();
    Finish(absl::OkStatus());
  };
  RETURN_IF_ERROR(
      RunWithSignals(loop_, signals, on_signal, [this] { return finished_; }));
  return *end_;
}

void StreamReader::Write(absl::string_view bytes) {
  sink_.Write(bytes);
  // Head has to notice that a reader is slow.
  if (!sink_.empty()) head_.Pause(true);
}

void StreamReader::Finish(const absl::Status& end) {
  if (end_) return;
  head_.Close();
  end_ = end;
  finished_ = sink_.empty();
}

void StreamReader::OnHeadMissed() {
  std::fprintf(stderr, "%s\n", OwnLine(kHeadMissed).c_str());
}

void StreamReader::OnWritten() {
  if (end_) finished_ = true;
  head_.Pause(false);
}

void StreamReader::OnOutputGone(const absl::Status& why) {
  Finish(absl::OkStatus());
  end_->Update(why);
  finished_ = true;
}

}  // namespace deptyr
