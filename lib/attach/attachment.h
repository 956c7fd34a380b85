// A client's attachment to a session.  It outlives head: when head goes away,
// the next one is asked to go on at the same place in the stream.
//
//   Attachment attachment(*loop, absl::Seconds(30), listener);
//   RETURN_IF_ERROR(attachment.Open(""));  // where head usually is
//   while (!done) RETURN_IF_ERROR(loop->RunOnce());
//
// The listener may call any method but Reopen() from its callbacks.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/attach/connection.h"
#include "lib/attach/reconnect.h"
#include "lib/attach/stream_position.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Attachment final : public HeadConnection::Listener,
                         public Reconnect::Listener {
 public:
  enum class Joined {
    kFirst,
    kAnew,  // after Reopen()
    kBack,  // after head had gone
  };

  class Listener {
   public:
    virtual ~Listener() = default;
    // Returns what to ask a head for.  Once attached, the client stays with its
    // session and doesn't make others leave again, whatever the wish says.
    virtual absl::StatusOr<Attach> Wish() = 0;
    // During this call position() is still what it was before.
    virtual void OnAttached(const Attached& attached, Joined how) = 0;
    // Called for each other message of head, in order; position() is already
    // past it.
    virtual void OnMessage(const HeadMessage& message) = 0;
    // Called for a notice of something that the client had been told before it
    // came back.
    virtual void OnOldNotice(const KeyValues& /*fields*/) {}
    // Head took some of what was sent.
    virtual void OnSent() {}
    // Head has gone; the next one is being looked for.
    virtual void OnAway() {}
    // Head has been away for long enough that a person may wonder.
    virtual void OnHeadMissed() = 0;
    // The attachment is over: head refused for good, or no head was reached in
    // time.
    virtual void OnFailed(const absl::Status& why) = 0;
  };

  // `patience` is how long head may be away; with zero, its going away is a
  // failure.
  Attachment(EventLoop& loop, absl::Duration patience, Listener& listener)
      : loop_(loop), listener_(listener), reconnect_(loop, patience, *this) {}

  // `head` is HEAD-SOCKET, or "" for where head usually is.
  absl::Status Open(const std::string& head);
  // Attaches again as a new client, which gets what its wish asks for.
  void Reopen();
  // Closes the attachment; the listener isn't called any more.
  void Close();

  const std::string& path() const { return path_; }
  // The session's name, which head chooses if the wish names none.
  const std::string& session() const { return session_; }
  const StreamPosition& position() const { return position_; }
  // Whether there is no head to talk to now.
  bool away() const { return head_ == nullptr || reconnect_.under_way(); }

  // These do what HeadConnection's methods do, and nothing while there is no
  // connection.
  void Send(const HeadMessage& message);
  void SendKeys(absl::string_view bytes);
  void CloseSending();
  void Pause(bool pause);
  size_t unsent() const { return head_ == nullptr ? 0 : head_->unsent(); }

 private:
  enum class As { kNew, kBack };
  absl::Status Connect(As as);
  void Lost(const absl::Status& why);
  void Drop();

  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override;
  void OnSent() override { listener_.OnSent(); }
  absl::Status TryAgain() override { return Connect(As::kBack); }
  void OnHeadMissed() override { listener_.OnHeadMissed(); }
  void OnGivenUp(const absl::Status& why) override { listener_.OnFailed(why); }

  bool attached() const { return position_.stream() != 0; }

  EventLoop& loop_;
  Listener& listener_;
  std::string path_;
  std::string session_;
  std::unique_ptr<HeadConnection> head_;  // null while there is none
  StreamPosition position_;
  Reconnect reconnect_;
};

}  // namespace deptyr
