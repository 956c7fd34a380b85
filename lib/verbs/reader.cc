#include "lib/verbs/reader.h"

#include <cstdio>
#include <utility>
#include <variant>

#include "lib/base/status.h"

namespace deptyr {

StreamReader::StreamReader(EventLoop& loop, int output, absl::Duration patience)
    : loop_(loop),
      sink_(
          loop, output, Blocking::kYes, [this] { OnWritten(); },
          // Who reads it has enough, or it can't be kept.
          [this](const absl::Status& why) {
            FinishNow(absl::OkStatus());
            end_.Update(why);
          }),
      reconnect_(loop, patience, *this) {}

absl::Status StreamReader::Attach(const std::string& head,
                                  deptyr::Attach wish) {
  ASSIGN_OR_RETURN(path_, FindHead(head));
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path_));
  wish_ = std::move(wish);
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  head_->Send(wish_);
  return absl::OkStatus();
}

absl::Status StreamReader::TryAgain() {
  ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path_, absl::ZeroDuration()));
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  head_->Send(place_.Return(wish_));
  return absl::OkStatus();
}

void StreamReader::OnEnd(const absl::Status& why) {
  if (ending_ || !attached() || !absl::IsUnavailable(why)) return Finish(why);
  Lost(why);
}

void StreamReader::Lost(const absl::Status& why) {
  // It may be what calls us.
  head_->Close();
  loop_.DestroyLater(std::move(head_));
  reconnect_.Lost(why);
}

void StreamReader::OnHeadMissed() {
  std::fputs("[deptyr: head has gone; waiting for it to come back]\n", stderr);
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
    const absl::Status why = RefusalError(*refused);
    return attached() && MaySoonBeTaken(*refused) ? Lost(why) : Finish(why);
  }
  if (const auto* here = std::get_if<Attached>(&message)) {
    reconnect_.Done();
    wish_.session = here->session;
  }
  if (!place_.Follow(message)) return;
  Take(message);
  // Head is to know of a reader that is slow.
  if (!sink_.empty()) head_->Pause(true);
}

void StreamReader::OnWritten() {
  if (ending_) {
    finished_ = true;
  } else if (head_ != nullptr) {
    head_->Pause(false);
  }
}

}  // namespace deptyr
