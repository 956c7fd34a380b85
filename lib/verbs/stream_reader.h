// A client that only reads.  It writes what it makes of a session's stream to a
// descriptor, as fast as that takes it.  When head goes away, the client goes
// on at the same place with the next one.  deptyr record and history are made
// of it.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/attach/attachment.h"
#include "lib/attach/stream.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/messages.h"

namespace deptyr {

class StreamReader : public Attachment::Listener {
 public:
  // `patience` is how long head may be away.
  StreamReader(EventLoop& loop, int output, absl::Duration patience,
               Attach wish);

  // Runs until Finish(), SIGINT, SIGTERM or SIGHUP.  A second signal ends it
  // without waiting for whoever reads the output.
  absl::Status Run(const std::string& head);

 protected:
  void Write(absl::string_view bytes);
  // Ends Run() once what was written has gone out.
  void Finish(const absl::Status& end);
  const StreamPosition& position() const { return head_.position(); }

 private:
  void OnHeadMissed() final;
  void OnFailed(const absl::Status& why) final { Finish(why); }
  void OnWritten();
  // The reader of the output has gone or, with an error, the output can't be
  // written.
  void OnOutputGone(const absl::Status& why);

  EventLoop& loop_;
  Sink sink_;
  Attachment head_;
  std::optional<absl::Status> end_;
  bool finished_ = false;
};

}  // namespace deptyr
