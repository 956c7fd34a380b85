// A client that only reads: the session's stream goes to a descriptor, as fast
// as that takes it.  What becomes of it on the way is up to who derives.  When
// head goes away it goes on with the next one, at the same place.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/connection.h"
#include "lib/attach/reconnect.h"
#include "lib/attach/stream.h"
#include "lib/attach/stream_position.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

class StreamReader : public HeadConnection::Listener,
                     public Reconnect::Listener {
 public:
  // `patience`: for how long head may be away.
  StreamReader(EventLoop& loop, int output, absl::Duration patience);

  absl::Status Attach(const std::string& head, deptyr::Attach wish);
  // Once what was written has gone out.
  void Finish(const absl::Status& end);
  // At once.
  void FinishNow(const absl::Status& end);
  bool ending() const { return ending_; }
  bool finished() const { return finished_; }
  const absl::Status& end() const { return end_; }

  void OnMessage(HeadMessage message) final;
  void OnEnd(const absl::Status& why) final;
  absl::Status TryAgain() final;
  void OnHeadMissed() final;
  void OnGivenUp(const absl::Status& why) final { Finish(why); }

 protected:
  // Attached (again, after a break), Output, Paint and Notice.
  virtual void Take(const HeadMessage& message) = 0;
  void Write(absl::string_view bytes) { sink_.Write(bytes); }

 private:
  void OnWritten();
  bool attached() const { return place_.stream() != 0; }
  void Lost(const absl::Status& why);

  EventLoop& loop_;
  Sink sink_;
  std::string path_;
  deptyr::Attach wish_;
  std::unique_ptr<HeadConnection> head_;  // null while there is none
  StreamPosition place_;
  Reconnect reconnect_;
  bool ending_ = false;
  bool finished_ = false;
  absl::Status end_;
};

}  // namespace deptyr
