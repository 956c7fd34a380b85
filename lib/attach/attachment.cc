#include "lib/attach/attachment.h"

#include <utility>
#include <variant>

#include "lib/base/status.h"

namespace deptyr {

absl::Status Attachment::Open(const std::string& head) {
  ASSIGN_OR_RETURN(path_, FindHead(head));
  return Connect(As::kNew);
}

void Attachment::Reopen() {
  if (away()) return;  // it is going to be, or it is over
  if (const absl::Status why = Connect(As::kNew); !why.ok()) Lost(why);
}

void Attachment::Close() {
  Drop();
  reconnect_.Done();
}

absl::Status Attachment::Connect(As as) {
  // A client that comes back has keys and signals to attend to, so it doesn't
  // wait when many connect at once.
  ASSIGN_OR_RETURN(Fd socket,
                   ConnectToHead(path_, as == As::kBack ? absl::ZeroDuration()
                                                        : kConnectTimeout));
  ASSIGN_OR_RETURN(Attach wish, listener_.Wish());
  if (attached()) {
    wish.session = session_;
    wish.kick = false;
  }
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  head_->Send(as == As::kBack ? position_.Return(wish) : wish);
  return absl::OkStatus();
}

void Attachment::Drop() {
  if (head_ == nullptr) return;
  head_->Close();
  loop_.DestroyLater(std::move(head_));  // it may be what calls us
}

void Attachment::Lost(const absl::Status& why) {
  Drop();
  listener_.OnAway();
  reconnect_.Lost(why);
}

void Attachment::OnMessage(HeadMessage message) {
  if (const auto* refused = std::get_if<Refused>(&message)) {
    const absl::Status why = RefusalError(*refused);
    return attached() && MaySoonBeTaken(*refused) ? Lost(why)
                                                  : listener_.OnFailed(why);
  }
  if (const auto* here = std::get_if<Attached>(&message)) {
    const Joined how = !attached()              ? Joined::kFirst
                       : reconnect_.under_way() ? Joined::kBack
                                                : Joined::kAnew;
    reconnect_.Done();
    session_ = here->session;
    listener_.OnAttached(*here, how);
    (void)position_.Follow(message);
    return;
  }
  if (!attached()) return;
  if (position_.Follow(message)) return listener_.OnMessage(message);
  listener_.OnOldNotice(std::get<Notice>(message).fields);
}

void Attachment::OnEnd(const absl::Status& why) {
  if (attached() && absl::IsUnavailable(why)) return Lost(why);
  listener_.OnFailed(why);
}

void Attachment::Send(const HeadMessage& message) {
  if (head_ != nullptr) head_->Send(message);
}

void Attachment::SendKeys(absl::string_view bytes) {
  if (head_ != nullptr) head_->SendKeys(bytes);
}

void Attachment::CloseSending() {
  if (head_ != nullptr) head_->CloseSending();
}

void Attachment::Pause(bool pause) {
  if (head_ != nullptr) head_->Pause(pause);
}

}  // namespace deptyr
