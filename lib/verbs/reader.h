// A client that only reads.  It writes what it makes of a session's stream to a
// descriptor, as fast as that takes it.  When head goes away, the client goes
// on at the same place with the next one.
//
//   class Copy final : public StreamReader {
//     void OnMessage(const HeadMessage& message) override {
//       if (const auto* it = std::get_if<Output>(&message)) Write(it->bytes);
//     }
//     void OnAttached(const Attached&, Attachment::Joined) override {}
//     using StreamReader::StreamReader;
//   };
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/attach/attachment.h"
#include "lib/attach/stream.h"
#include "lib/sys/event_loop.h"

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
  absl::StatusOr<Attach> Wish() final { return wish_; }
  void OnHeadMissed() final;
  void OnFailed(const absl::Status& why) final { Finish(why); }
  void OnSignal();
  void OnWritten();
  void OnOutputGone(const absl::Status& why);

  EventLoop& loop_;
  const Attach wish_;
  Sink sink_;
  Attachment head_;
  std::optional<absl::Status> end_;
  bool finished_ = false;
};

}  // namespace deptyr
