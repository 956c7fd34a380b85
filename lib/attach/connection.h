// A client's end of the head socket.
//
//   ASSIGN_OR_RETURN(const std::string path, FindHead(operand));
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
#include "lib/wire/messages.h"

namespace deptyr {

// Where head is: at `named`, unless that is empty; else where $DEPTYR_SOCKET
// says, else in $XDG_RUNTIME_DIR/deptyr, else in /run/deptyr.
absl::StatusOr<std::string> FindHead(const std::string& named);
// Waits so long at most, where many connect at once.
inline constexpr absl::Duration kConnectTimeout = absl::Seconds(5);
absl::StatusOr<Fd> ConnectToHead(const std::string& path,
                                 absl::Duration timeout = kConnectTimeout);

// What head refused, and what to do about it.
absl::Status RefusalError(const Refused& refused);
// Whether a client that comes back may soon be taken: by the next head, or when
// the program has come to it.
bool MaySoonBeTaken(const Refused& refused);

class HeadConnection {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnMessage(HeadMessage message) = 0;
    // Nothing comes any more: head went away, or it is none.
    virtual void OnEnd(const absl::Status& why) = 0;
    // Some of what was to be sent is.
    virtual void OnSent() {}
  };

  // `socket` doesn't block.
  HeadConnection(EventLoop& loop, Fd socket, Listener& listener);
  HeadConnection(const HeadConnection&) = delete;
  HeadConnection& operator=(const HeadConnection&) = delete;

  void Send(const HeadMessage& message);
  // Any number of bytes, in messages as long as head takes them.
  void SendKeys(absl::string_view bytes);
  // "No more comes from here", after what was sent.
  void CloseSending();
  // How many bytes head hasn't taken yet.
  size_t unsent() const { return outbox_.bytes().size(); }
  // While it is paused nothing is read, so that head knows of a reader that is
  // slow, and no message is given to the listener.
  void Pause(bool pause);
  // The listener hears no more.  For who may be called by it, before the
  // connection is destroyed at the end of the turn.
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
  std::string inbox_;
  size_t taken_ = 0;  // of inbox_
  ByteQueue outbox_;
  bool closes_ = false;
  bool paused_ = false;
  bool delivering_ = false;
  bool ended_ = false;
  Watch watch_;
};

}  // namespace deptyr
