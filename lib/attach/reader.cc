#include "lib/attach/reader.h"

#include <utility>
#include <variant>

#include "lib/base/status.h"

namespace deptyr {

StreamReader::StreamReader(EventLoop& loop, int output)
    : loop_(loop),
      sink_(
          loop, output, Blocking::kYes, [this] { OnWritten(); },
          // Who reads it has enough, or it can't be kept.
          [this](const absl::Status& why) {
            FinishNow(absl::OkStatus());
            end_.Update(why);
          }) {}

absl::Status StreamReader::Attach(const std::string& head,
                                  deptyr::Attach wish) {
  ASSIGN_OR_RETURN(const std::string path, FindHead(head));
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path));
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  head_->Send(std::move(wish));
  return absl::OkStatus();
}

void StreamReader::Finish(const absl::Status& end) {
  if (std::exchange(ending_, true)) return;
  end_ = end;
  finished_ = sink_.empty();
}

void StreamReader::FinishNow(const absl::Status& end) {
  Finish(end);
  finished_ = true;
}

void StreamReader::OnMessage(HeadMessage message) {
  if (ending_) return;
  if (const auto* refused = std::get_if<Refused>(&message)) {
    return Finish(RefusalError(*refused));
  }
  Take(message);
  // Head is to know of a reader that is slow.
  if (!sink_.empty()) head_->Pause(true);
}

void StreamReader::OnWritten() {
  if (ending_) {
    finished_ = true;
  } else {
    head_->Pause(false);
  }
}

}  // namespace deptyr
