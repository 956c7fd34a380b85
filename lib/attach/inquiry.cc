#include "lib/attach/inquiry.h"

#include <variant>

#include "lib/attach/waiting.h"

namespace deptyr {

void Inquiry::Ask(deptyr::Ask question, Answered answered) {
  // Whatever it still says would answer the question before.
  if (answered_ != nullptr) Drop();
  answered_ = std::move(answered);
  if (head_ == nullptr) {
    absl::StatusOr<Fd> socket = ConnectToHead(path_);
    if (!socket.ok()) {
      failure_ = loop_.After(absl::ZeroDuration(),
                             [this, why = socket.status()] { Deliver(why); });
      return;
    }
    head_ = std::make_unique<HeadConnection>(loop_, *std::move(socket), *this);
  }
  waiting_ = SayWaiting(loop_, kHeadsAnswer);
  failure_ = loop_.After(kAnswerPatience,
                         [this] { OnEnd(NoAnswer(kAnswerPatience)); });
  head_->Send(std::move(question));
}

absl::Status Inquiry::NoAnswer(absl::Duration waited) const {
  if (answered_ == nullptr || head_ == nullptr) return absl::OkStatus();
  return head_->NoAnswer(path_, waited);
}

void Inquiry::OnMessage(HeadMessage message) {
  if (const auto* item = std::get_if<Item>(&message)) {
    answer_.items.push_back(item->fields);
  } else if (const auto* paint = std::get_if<Paint>(&message)) {
    answer_.paint += paint->bytes;
  } else if (std::holds_alternative<Done>(message)) {
    Deliver(std::exchange(answer_, {}));
  } else if (const auto* refused = std::get_if<Refused>(&message)) {
    OnEnd(RefusalError(*refused, path_));
  }
}

void Inquiry::OnEnd(const absl::Status& why) {
  Drop();
  Deliver(why);
}

void Inquiry::Deliver(absl::StatusOr<Answer> answer) {
  waiting_.Reset();
  failure_.Reset();
  // It may ask again.
  if (Answered answered = std::exchange(answered_, nullptr)) {
    answered(std::move(answer));
  }
}

void Inquiry::Drop() {
  waiting_.Reset();
  failure_.Reset();
  answer_ = {};
  if (head_ == nullptr) return;
  head_->Close();
  loop_.DestroyLater(std::move(head_));  // it may be what calls us
}

}  // namespace deptyr
