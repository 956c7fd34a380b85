// Does the work of deptyr attach: it joins a view, which a person looks at and
// types into, to an attachment to a session.
//
//   AttachRun run(*loop, AttachOptions{.where = {"", "mc"}});
//   RETURN_IF_ERROR(run.Begin());
//   while (!run.finished()) RETURN_IF_ERROR(loop->RunOnce());
//   return run.End();
//
// The view is opened once head has accepted the client, and stays open while
// heads come and go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/announcer.h"
#include "lib/attach/attach.h"
#include "lib/attach/attachment.h"
#include "lib/attach/typed_keys.h"
#include "lib/attach/view.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class AttachRun final : public Attachment::Listener, public View::Listener {
 public:
  AttachRun(EventLoop& loop, AttachOptions options);

  absl::Status Begin() { return head_.Open(options_.where.head); }
  void OnSignal(int signal);
  bool finished() const { return end_.has_value(); }
  // Gives the terminal back to the user.
  absl::StatusOr<AttachResult> End();

 private:
  absl::StatusOr<Attach> Wish() override;
  void OnAttached(const Attached& attached, Attachment::Joined how) override;
  void OnMessage(const HeadMessage& message) override;
  void OnOldNotice(const KeyValues& fields) override;
  void OnSent() override { UpdateTyping(); }
  void OnAway() override;
  void OnHeadMissed() override;
  void OnFailed(const absl::Status& why) override { Finish(why); }

  void OnTyped(absl::string_view bytes) override;
  void OnTypedAll() override;
  void OnDetach() override;
  void OnShown() override;
  void OnViewGone(const absl::Status& why) override;

  absl::Status OpenView(const Attached& attached);
  // Shows lines that have left the screen; the painting comes next.
  absl::Status ShowScrollback(const Attached& attached);
  // Continues with the view that is already open.
  absl::Status GoOn(const Attached& attached, Attachment::Joined how);
  // Says, once the screen is painted, that no program runs.
  void SayState(const Attached& attached);
  void AfterMessage();
  void OnNotice(const KeyValues& fields);
  void OnEnded(const KeyValues& fields);
  void OnStatus(const KeyValues& fields);
  void OnDone();

  // Has head paint the screen, whatever is on it now.
  void Repaint();
  // After a break, what was written meanwhile is shown first, so that it can be
  // scrolled back to.
  void RepaintOnceCaughtUp();
  void UpdateTyping();

  void Show(absl::string_view line);
  // A line about the session, which begins with its name.
  void Say(absl::string_view text);
  std::string AboutSession(absl::string_view text) const;
  void FinishOnceShown(absl::StatusOr<AttachResult> result);
  void Finish(absl::StatusOr<AttachResult> result);

  EventLoop& loop_;
  const AttachOptions options_;
  const bool interactive_;
  Attachment head_;
  TypedKeys keys_;
  Announcer announcer_;
  std::unique_ptr<View> view_;  // null until head has taken us
  Rights rights_ = Rights::All();

  bool told_of_absence_ = false;
  // Something else was written over the program's screen.
  bool defaced_ = false;
  // Once the client has the stream up to this offset, the screen is painted.
  std::optional<uint64_t> caught_up_;
  Timer repaint_;

  Timer status_patience_;
  // This is how the run ends once the view has shown everything.
  std::optional<absl::StatusOr<AttachResult>> result_;
  std::optional<absl::StatusOr<AttachResult>> end_;
};

}  // namespace deptyr
