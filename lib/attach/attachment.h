// A client's attachment to a session.  It outlives head: when head goes away,
// the next one is asked, with growing pauses, to go on at the same place in the
// stream.  Keys that are typed meanwhile wait.
//
//   Attachment attachment(*loop, absl::Seconds(30), {.session = "mc"},
//                         listener);
//   RETURN_IF_ERROR(attachment.Open(""));  // where head usually is
//   while (!done) RETURN_IF_ERROR(loop->RunOnce());
//
// The listener may call any method but Reopen() from its callbacks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/attach/connection.h"
#include "lib/attach/stream_position.h"
#include "lib/base/backoff.h"
#include "lib/base/window_size.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Attachment final : public HeadConnection::Listener {
 public:
  enum class Joined {
    kFirst,
    kAnew,  // after Reopen()
    kBack,  // after head had gone
  };

  class Listener {
   public:
    virtual ~Listener() = default;
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
    virtual void OnHeadMissed() {}
    // The attachment is over: head refused for good, or no head was reached in
    // time.
    virtual void OnFailed(const absl::Status& why) = 0;
  };

  // `patience` is how long head may be away; with zero, its going away is a
  // failure.  Once attached, the client stays with its session and doesn't make
  // others leave again, whatever the wish says.  If the wish has `inside`, that
  // becomes OwnSession(): for clients that show all they get.
  Attachment(EventLoop& loop, absl::Duration patience, Attach wish,
             Listener& listener)
      : loop_(loop),
        patience_(patience),
        wish_(std::move(wish)),
        listener_(listener) {}

  // `head` is HEAD-SOCKET, or "" for where head usually is.
  absl::Status Open(const std::string& head);
  // Attaches again as a new client, which gets what its wish asks for.
  void Reopen();
  // Does so once this client has the stream up to `offset`, unless head goes
  // away before.
  void ReopenAt(uint64_t offset) { reopen_at_ = offset; }
  // Closes the attachment; the listener isn't called any more.
  void Close();

  const std::string& path() const { return path_; }
  // The session's name.  If the wish names none it is "" until head has chosen.
  const std::string& session() const { return wish_.session; }
  const StreamPosition& position() const { return position_; }
  // Whether there is no head to talk to now.
  bool away() const { return head_ == nullptr || search_.has_value(); }

  // Whether a head has taken the client.
  bool attached() const { return position_.stream() != 0; }
  // The error if none has for so long.
  absl::Status NoAnswer(absl::Duration waited) const;

  // Tells the size of the client's terminal to this head and the next ones.
  void SetSize(WindowSize size);
  // Does what HeadConnection's method does, or nothing while there is no
  // connection.
  void Pause(bool pause) {
    if (head_ != nullptr) head_->Pause(pause);
  }

  // Leaves room for a paste while the program doesn't read; head's own terminal
  // has the same limit.
  static constexpr size_t kMostTyped = 1 << 20;
  // Sends what is typed, or keeps it while head is away.
  void Type(absl::string_view bytes);
  // Call it when nothing more will be typed.  Head says "done" once it has
  // given everything to the program.
  void EndTyping();
  // Forgets the keys that wait: they were for a program that has gone.
  void ForgetWaitingKeys() { waiting_keys_.clear(); }
  // Whether another client has the keys, so that head drops what is typed.
  bool only_watches() const { return writer_ != 0 && writer_ != own_number_; }
  // Whether this client has them.  It asks the next head for them, too.
  bool has_keys() const { return writer_ != 0 && writer_ == own_number_; }
  uint64_t writer() const { return writer_; }  // 0: nobody has them
  // The number by which head knows this client; 0 if it hasn't said.
  uint64_t own_number() const { return own_number_; }
  // Whether as many keys wait as may.  Then no more should be read, not even to
  // find the detach key.
  bool full() const {
    return (away() ? waiting_keys_.size() : head_->unsent()) >= kMostTyped;
  }
  // Whether a head that went away had been sent keys and hadn't said "done".
  bool keys_may_be_lost() const { return keys_may_be_lost_; }

 private:
  // It begins when head has gone, and ends when a head has taken the client.
  struct Search {
    absl::Status why;  // why head isn't reached
    Backoff backoff;
    Timer attempt;
    Timer missed;
    Timer time_is_up;
  };

  absl::Status Connect();
  void Drop();
  void Lost(const absl::Status& why);
  void LostOrMissing(const absl::Status& why);
  void TryLater(const absl::Status& why);
  void Try();
  void GiveUp();
  void ReopenOnceCaughtUp();
  void OnNotice(const KeyValues& fields);
  void NoteWriter(uint64_t client);

  void OnMessage(HeadMessage message) override;
  void OnEnd(const absl::Status& why) override;
  void OnSent() override { listener_.OnSent(); }

  EventLoop& loop_;
  const absl::Duration patience_;
  Attach wish_;
  Listener& listener_;
  std::string path_;
  std::unique_ptr<HeadConnection> head_;  // null while there is none
  // Until head answers for the first time.
  Timer unanswered_;
  Timer silent_;
  std::optional<Search> search_;
  StreamPosition position_;
  std::optional<uint64_t> reopen_at_;
  Timer reopen_;

  uint64_t own_number_ = 0;
  uint64_t writer_ = 0;

  std::string waiting_keys_;
  bool typing_ended_ = false;
  bool sent_keys_ = false;  // to this head
  bool keys_may_be_lost_ = false;
};

}  // namespace deptyr
