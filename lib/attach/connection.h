// A client's end of the head socket.
//
//   ASSIGN_OR_RETURN(const std::string path, FindHead(""));
//   ASSIGN_OR_RETURN(Fd socket, ConnectToHead(path));
//   HeadConnection head(loop, std::move(socket), listener);
//   head.Send(Attach{.session = "a"});
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/byte_queue.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/wire/message_inbox.h"
#include "lib/wire/messages.h"

namespace deptyr {

// Returns the path of head's socket: `named`, unless that is empty, else where
// it usually is (lib/sys/head_socket.h), or Unavailable if it isn't there.
absl::StatusOr<std::string> FindHead(const std::string& named);
// The session on whose terminal we run, as our environment tells, or "" if it
// tells of none of that head.
std::string OwnSession(const std::string& head);
// How long to wait for a place when many clients connect at once.
inline constexpr absl::Duration kConnectTimeout = absl::Seconds(5);
// How long head may take to answer.
inline constexpr absl::Duration kAnswerPatience = absl::Seconds(10);
absl::StatusOr<Fd> ConnectToHead(const std::string& path,
                                 absl::Duration timeout = kConnectTimeout);

// Returns an error that says what the head at `path` refused, and what to do
// about it; NotFound if there is no such session.
absl::Status RefusalError(const Refused& refused, const std::string& path);
// Whether it may help to try again soon, because the next head may start, or
// the session may come to this one.
bool MaySoonBeTaken(const Refused& refused);

class HeadConnection {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnMessage(HeadMessage message) = 0;
    // Nothing more comes: head went away, or the other end wasn't a head.
    virtual void OnEnd(const absl::Status& why) = 0;
    // Head took some of what was sent.
    virtual void OnSent() {}
  };

  // `socket` is nonblocking.
  HeadConnection(EventLoop& loop, Fd socket, Listener& listener);
  HeadConnection(const HeadConnection&) = delete;
  HeadConnection& operator=(const HeadConnection&) = delete;

  void Send(const HeadMessage& message);
  // The error for the head at `path` that has said nothing for so long.
  absl::Status NoAnswer(const std::string& path, absl::Duration waited) const;
  // Sends any number of bytes, in messages no longer than head accepts.
  void SendKeys(absl::string_view bytes);
  // Tells head, after what was sent, that nothing more comes.
  void CloseSending();
  // Makes everything fail that head says from now on; what it has said is still
  // read, and then the end.
  void CloseReceiving();
  // How many bytes head hasn't taken yet.
  size_t unsent() const { return outbox_.bytes().size(); }
  // While it is paused, the listener isn't called and nothing is read; that is
  // how head notices a slow reader.
  void Pause(bool pause);
  // The listener isn't called any more.  To get rid of the connection from
  // within a callback, close it, and destroy it at the end of the turn.
  void Close();

 private:
  void OnReady(Ready ready);
  void Read();
  void Deliver();
  void Flush();
  void End(const absl::Status& why);
  void UpdateInterest();

  const Fd socket_;
  Listener& listener_;
  MessageInbox inbox_;
  ByteQueue outbox_;
  bool closes_ = false;
  bool paused_ = false;
  bool delivering_ = false;
  bool ended_ = false;
  Watch watch_;
};

}  // namespace deptyr
