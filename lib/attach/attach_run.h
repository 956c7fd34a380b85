// What deptyr attach does: a view, a connection to head, and what goes between
// them.  When head goes away the view stays, and the visit goes on with the
// next head, at the same place of the stream.
//
//   AttachRun visit(*loop, options, path);
//   RETURN_IF_ERROR(visit.Begin());
//   while (!visit.finished()) RETURN_IF_ERROR(loop->RunOnce());
//   return visit.End();
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/attach.h"
#include "lib/attach/connection.h"
#include "lib/attach/reconnect.h"
#include "lib/attach/stream_position.h"
#include "lib/attach/view.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class AttachRun final : public HeadConnection::Listener,
                        public View::Listener,
                        public Reconnect::Listener {
 public:
  AttachRun(EventLoop& loop, AttachOptions options, std::string path);

  absl::Status Begin() { return Connect(As::kNew); }
  void OnSignal(int signal);
  bool finished() const { return finished_; }
  // The terminal is the user's again.
  absl::StatusOr<AttachResult> End();

  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override;
  void OnSent() override { UpdateTyping(); }

  void OnTyped(absl::string_view bytes) override;
  void OnTypedAll() override;
  void OnDetach() override;
  void OnShown() override;
  void OnViewGone(const absl::Status& why) override;

  absl::Status TryAgain() override { return Connect(As::kBack); }
  void OnHeadMissed() override;
  void OnGivenUp(const absl::Status& why) override { Fail(why); }

 private:
  // Of the connection: visit_head.cc.
  enum class As { kNew, kBack };
  absl::Status Connect(As as);
  // The screen, all of it.
  void Repaint();
  // Head has gone; or it isn't there yet, for us.
  void Lost(const absl::Status& why);
  // Head is back, if it was away.
  absl::Status OnAttachedAgain(const Attached& attached);
  void RepaintOnceCaughtUp();
  void SendKeys(absl::string_view bytes);
  void UpdateTyping();

  void Take(const HeadMessage& message);
  absl::Status OnAttached(const Attached& attached);
  absl::Status CheckNesting() const;
  // Before the painting that comes next.
  absl::Status ShowScrollback(WindowSize size);
  void OnNotice(const KeyValues& fields, bool news);
  void OnEnded(const KeyValues& fields);
  // The status that was waited for.
  void OnStatus(const KeyValues& fields);
  void OnDone();
  // What was not said yet, lest it be painted over.
  void SayWhatIsSo();
  void Say(absl::string_view text);
  void Line(absl::string_view text);
  // Once all is shown.
  void FinishAfterOutput(absl::StatusOr<AttachResult> farewell);
  void Finish(absl::StatusOr<AttachResult> farewell);
  void Fail(const absl::Status& why) { Finish(why); }

  EventLoop& loop_;
  const AttachOptions options_;
  const std::string path_;
  const bool interactive_;
  std::string session_;
  std::unique_ptr<View> view_;            // once attached
  std::unique_ptr<HeadConnection> head_;  // null while there is none
  StreamPosition place_;
  Reconnect reconnect_;
  bool told_of_absence_ = false;
  // Lines of our own, or somebody else's, are where the program's screen was.
  bool defaced_ = false;
  std::optional<uint64_t> caught_up_;  // then it is painted
  Timer repaint_;

  std::string typed_;  // while head was away
  bool typed_all_ = false;
  // Some went into a connection; that all of it was typed only "done" says.
  bool sent_keys_ = false;
  bool keys_may_be_lost_ = false;

  std::string state_;  // of a session whose program doesn't run, unsaid yet
  Rights rights_ = Rights::All();
  bool say_only_looks_ = false;
  Timer paint_pause_;
  Timer status_patience_;
  std::optional<absl::StatusOr<AttachResult>>
      farewell_;  // after what comes before
  bool finished_ = false;
  absl::StatusOr<AttachResult> end_ = AttachResult();
};

}  // namespace deptyr
