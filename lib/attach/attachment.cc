#include "lib/attach/attachment.h"

#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/attach/waiting.h"
#include "lib/base/status.h"

namespace deptyr {
namespace {

// A head that is only being restarted is back before that.
constexpr absl::Duration kSilence = absl::Seconds(1);
// The pause before checking again whether head has all that was typed.
constexpr absl::Duration kReopenPause = absl::Milliseconds(50);

}  // namespace

absl::Status Attachment::Open(const std::string& head) {
  ASSIGN_OR_RETURN(path_, FindHead(head));
  if (wish_.inside) wish_.inside = OwnSession(path_);
  RETURN_IF_ERROR(Connect());
  unanswered_ = SayWaiting(loop_, kHeadsAnswer);
  silent_ = loop_.After(kAnswerPatience, [this] {
    const absl::Status why = NoAnswer(kAnswerPatience);
    Drop();
    listener_.OnFailed(why);
  });
  return absl::OkStatus();
}

absl::Status Attachment::NoAnswer(absl::Duration waited) const {
  return head_ != nullptr ? head_->NoAnswer(path_, waited)
                          : absl::UnavailableError("head went away");
}

void Attachment::Reopen() {
  if (away()) return;  // it is going to be, or it is over
  if (const absl::Status why = Connect(); !why.ok()) Lost(why);
}

void Attachment::ReopenOnceCaughtUp() {
  if (!reopen_at_ || position_.offset() < *reopen_at_ || reopen_.pending()) {
    return;
  }
  reopen_ = loop_.After(kReopenPause, [this] {
    // Keys that head hasn't got would be lost with the connection.
    if (head_->unsent() == 0) return Reopen();
    ReopenOnceCaughtUp();
  });
}

void Attachment::Close() {
  Drop();
  search_.reset();
}

absl::Status Attachment::Connect() {
  // A client that comes back has keys and signals to attend to, so it doesn't
  // wait when many connect at once.
  ASSIGN_OR_RETURN(
      Fd socket,
      ConnectToHead(path_, search_ ? absl::ZeroDuration() : kConnectTimeout));
  Drop();
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  head_->Send(search_ ? position_.Return(wish_) : wish_);
  return absl::OkStatus();
}

void Attachment::Drop() {
  unanswered_.Reset();
  silent_.Reset();
  reopen_at_.reset();
  reopen_.Reset();
  if (head_ == nullptr) return;
  head_->Close();
  loop_.DestroyLater(std::move(head_));  // it may be what calls us
}

void Attachment::Lost(const absl::Status& why) {
  Drop();
  keys_may_be_lost_ |= std::exchange(sent_keys_, false);
  listener_.OnAway();
  TryLater(why);
}

void Attachment::LostOrMissing(const absl::Status& why) {
  attached() ? Lost(why) : listener_.OnFailed(why);
}

void Attachment::TryLater(const absl::Status& why) {
  if (patience_ <= absl::ZeroDuration()) return listener_.OnFailed(why);
  if (!search_) {
    search_ = Search{why, kHeadBackoff, {}, {}, {}};
    search_->time_is_up = loop_.After(patience_, [this] { GiveUp(); });
    search_->missed =
        loop_.After(kSilence, [this] { listener_.OnHeadMissed(); });
  }
  search_->why = why;
  search_->attempt = loop_.After(search_->backoff.Next(), [this] { Try(); });
}

void Attachment::Try() {
  // Head may take the connection and say nothing.
  search_->why = absl::UnavailableError("head doesn't answer; is it stopped?");
  if (const absl::Status why = Connect(); !why.ok()) TryLater(why);
}

void Attachment::GiveUp() {
  const absl::Status why = absl::UnavailableError(absl::StrCat(
      "head went away and could not be reached again within ",
      absl::FormatDuration(patience_), ": ", search_->why.message()));
  search_.reset();
  listener_.OnFailed(why);
}

void Attachment::OnMessage(HeadMessage message) {
  unanswered_.Reset();
  silent_.Reset();
  if (const auto* refused = std::get_if<Refused>(&message)) {
    const absl::Status why = RefusalError(*refused, path_);
    return MaySoonBeTaken(*refused) ? LostOrMissing(why)
                                    : listener_.OnFailed(why);
  }
  if (const auto* here = std::get_if<Attached>(&message)) {
    const Joined how = !attached() ? Joined::kFirst
                       : search_   ? Joined::kBack
                                   : Joined::kAnew;
    search_.reset();
    wish_.session = here->session;
    wish_.kick = false;
    own_number_ = here->client.value_or(0);
    NoteWriter(here->writer.value_or(0));
    listener_.OnAttached(*here, how);
    (void)position_.Follow(message);
    Type(std::exchange(waiting_keys_, ""));
    if (typing_ended_) EndTyping();
  } else if (!attached()) {
    return;
  } else if (position_.Follow(message)) {
    if (const auto* notice = std::get_if<Notice>(&message)) {
      OnNotice(notice->fields);
    }
    listener_.OnMessage(message);
  } else {
    listener_.OnOldNotice(std::get<Notice>(message).fields);
  }
  ReopenOnceCaughtUp();
}

void Attachment::OnNotice(const KeyValues& fields) {
  if (ValueOf(fields, "event") != "writer") return;
  uint64_t writer = 0;
  (void)absl::SimpleAtoi(ValueOf(fields, "client"), &writer);
  NoteWriter(writer);
}

void Attachment::NoteWriter(uint64_t client) {
  writer_ = client;
  wish_.exclusive = has_keys() ? std::optional(true) : std::nullopt;
}

void Attachment::SetSize(WindowSize size) {
  wish_.rows = size.rows;
  wish_.cols = size.cols;
  const bool has_pixels = size.xpixels != 0 && size.ypixels != 0;
  wish_.xpixels = has_pixels ? std::optional(size.xpixels) : std::nullopt;
  wish_.ypixels = has_pixels ? std::optional(size.ypixels) : std::nullopt;
  if (head_ == nullptr) return;
  head_->Send(Resize{.rows = size.rows,
                     .cols = size.cols,
                     .xpixels = wish_.xpixels,
                     .ypixels = wish_.ypixels});
}

void Attachment::Type(absl::string_view bytes) {
  if (bytes.empty()) return;
  if (away()) {
    absl::StrAppend(&waiting_keys_, bytes);
  } else {
    head_->SendKeys(bytes);
    sent_keys_ = true;
  }
}

void Attachment::EndTyping() {
  typing_ended_ = true;
  if (!away()) head_->CloseSending();
}

void Attachment::OnEnd(const absl::Status& why) {
  absl::IsUnavailable(why) ? LostOrMissing(why) : listener_.OnFailed(why);
}

}  // namespace deptyr
