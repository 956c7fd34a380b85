#include "lib/verbs/reader.h"

#include <signal.h>

#include <cstdio>
#include <utility>

#include "lib/attach/notice.h"
#include "lib/base/status.h"
#include "lib/sys/signals.h"

namespace deptyr {

StreamReader::StreamReader(EventLoop& loop, int output, absl::Duration patience,
                           Attach wish)
    : loop_(loop),
      wish_(std::move(wish)),
      sink_(
          loop, output, Blocking::kYes, [this] { OnWritten(); },
          [this](const absl::Status& why) { OnOutputGone(why); }),
      head_(loop, patience, *this) {}

absl::Status StreamReader::Run(const std::string& head) {
  ASSIGN_OR_RETURN(Signals signals, Signals::Block({SIGINT, SIGTERM, SIGHUP}));
  const Watch watch = loop_.Add(signals.fd(), Interest::kRead, [&](Ready) {
    while (signals.Next() != 0) OnSignal();
  });
  RETURN_IF_ERROR(head_.Open(head));
  while (!finished_) RETURN_IF_ERROR(loop_.RunOnce());
  return *end_;
}

void StreamReader::OnSignal() {
  finished_ = end_.has_value();
  Finish(absl::OkStatus());
}

void StreamReader::OnHeadMissed() {
  std::fprintf(stderr, "%s\n", OwnLine(kHeadMissed).c_str());
}

void StreamReader::Write(absl::string_view bytes) {
  sink_.Write(bytes);
  // Head has to notice that a reader is slow.
  if (!sink_.empty()) head_.Pause(true);
}

void StreamReader::OnWritten() {
  if (end_) finished_ = true;
  head_.Pause(false);
}

// The reader of the output has gone or, with an error, the output can't be
// written.
void StreamReader::OnOutputGone(const absl::Status& why) {
  Finish(absl::OkStatus());
  end_->Update(why);
  finished_ = true;
}

void StreamReader::Finish(const absl::Status& end) {
  if (end_) return;
  head_.Close();
  end_ = end;
  finished_ = sink_.empty();
}

}  // namespace deptyr
