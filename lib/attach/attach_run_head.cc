// The connection of a visit to head, and to the next one.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/attach/attach_run.h"
#include "lib/base/status.h"
#include "lib/sys/terminal.h"

namespace deptyr {
namespace {

// As head does for its own terminal: a paste for a program that doesn't read is
// kept so far, and beyond the terminal isn't read, not even for the detach key.
constexpr size_t kMostUntyped = 1 << 20;
// How soon it is looked again whether head has all that was typed.
constexpr absl::Duration kRepaintPause = absl::Milliseconds(50);

}  // namespace

absl::Status AttachRun::Connect(As as) {
  // A visit that goes on has keys and signals to hear of.
  ASSIGN_OR_RETURN(Fd socket,
                   ConnectToHead(path_, as == As::kBack ? absl::ZeroDuration()
                                                        : kConnectTimeout));
  head_ = std::make_unique<HeadConnection>(loop_, std::move(socket), *this);
  WindowSize size{0, 0};
  if (view_ != nullptr) {
    size = view_->size();
  } else if (interactive_) {
    ASSIGN_OR_RETURN(size, GetWindowSize(STDOUT_FILENO));
  }
  const Attach wish = {.session = session_,
                       .rows = size.rows,
                       .cols = size.cols,
                       .from = interactive_ ? From::kScreen : From::kNow,
                       .read_only = options_.read_only,
                       .kick = options_.kick && view_ == nullptr};
  head_->Send(as == As::kBack ? place_.Return(wish) : wish);
  return absl::OkStatus();
}

void AttachRun::Repaint() {
  caught_up_.reset();
  defaced_ = true;
  if (reconnect_.under_way()) return;  // once head is back
  if (const absl::Status again = Connect(As::kNew); !again.ok()) Lost(again);
}

void AttachRun::OnEnd(const absl::Status& why) {
  if (farewell_) return;  // it has nothing to add
  if (view_ == nullptr || !absl::IsUnavailable(why)) return Fail(why);
  Lost(why);
}

void AttachRun::Lost(const absl::Status& why) {
  if (head_ != nullptr) {
    // It may be what calls us.
    head_->Close();
    loop_.DestroyLater(std::move(head_));
  }
  caught_up_.reset();
  repaint_.Reset();
  keys_may_be_lost_ = keys_may_be_lost_ || sent_keys_;
  sent_keys_ = false;
  reconnect_.Lost(why);
  UpdateTyping();
}

void AttachRun::OnHeadMissed() {
  Say("head has gone; waiting for it to come back");
  if (options_.quiet) return;
  told_of_absence_ = defaced_ = true;
}

absl::Status AttachRun::OnAttachedAgain(const Attached& attached) {
  const bool was_away = reconnect_.under_way();
  reconnect_.Done();
  const bool same = attached.stream == place_.stream();
  if (!same && options_.once && place_.running()) {
    return absl::UnavailableError(
        absl::StrCat("head went away, and ", session_,
                     "'s program with it; ask its supervisor how it ended"));
  }
  const bool went_on = was_away && same && attached.offset == place_.offset();
  if (!same) {
    view_->ProgramChanged();
    // It was for a program that has gone; what a pipe holds is for any.
    if (interactive_) typed_.clear();
  }
  if (!went_on) state_ = attached.running ? "" : attached.state;
  if (std::exchange(told_of_absence_, false) && interactive_) {
    Say("head is back");
  }
  // Whoever doesn't go on is painted anyway.
  if (std::exchange(defaced_, false) && went_on && interactive_) {
    caught_up_ = attached.end;
  }
  SendKeys(std::exchange(typed_, ""));
  if (typed_all_) OnTypedAll();
  UpdateTyping();
  return absl::OkStatus();
}

// What was written meanwhile passes the screen, so that it can be scrolled back
// to.
void AttachRun::RepaintOnceCaughtUp() {
  if (!caught_up_ || place_.offset() < *caught_up_ || repaint_.pending()) {
    return;
  }
  repaint_ = loop_.After(absl::ZeroDuration(), [this] {
    if (head_ == nullptr) return;
    if (head_->unsent() == 0) return Repaint();
    repaint_ = loop_.After(kRepaintPause, [this] { RepaintOnceCaughtUp(); });
  });
}

void AttachRun::OnTyped(absl::string_view bytes) {
  if (options_.read_only) return;
  if (reconnect_.under_way()) {
    typed_.append(bytes.data(), bytes.size());
  } else {
    SendKeys(bytes);
  }
  UpdateTyping();
}

void AttachRun::SendKeys(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, kLongestOutput);
    head_->Send(Keys{std::string(part)});
    bytes.remove_prefix(part.size());
    sent_keys_ = true;
  }
}

// Head says when all of it is taken, and then lets go of us.
void AttachRun::OnTypedAll() {
  typed_all_ = true;
  if (!options_.once && !reconnect_.under_way()) head_->CloseSending();
}

// A terminal is read while head is away, for the detach key.
void AttachRun::UpdateTyping() {
  if (view_ == nullptr) return;
  if (!reconnect_.under_way() && head_ != nullptr) {
    view_->PauseTyping(head_->unsent() >= kMostUntyped);
  } else {
    view_->PauseTyping(!interactive_ || typed_.size() >= kMostUntyped);
  }
}

}  // namespace deptyr
