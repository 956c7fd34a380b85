// Where a client's output goes, and what is typed comes from: a terminal, a
// pipe, a file.  Descriptors that are shared with others stay as they are,
// blocking or not; nothing here blocks on them.
//
//   Sink sink(loop, fd, [&] { ... all is written ... },
//             [&](const absl::Status& why) { ... an error, or ok: nobody reads
//             });
//   sink.Write(bytes);
//   Source source(loop, fd, [&](absl::string_view bytes) { ... "" at the end
//   });
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/base/byte_queue.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

// Does `fd` block?
enum class Blocking { kYes, kNo };

class Sink {
 public:
  // The descriptor stays the caller's.
  Sink(EventLoop& loop, int fd, Blocking blocking,
       absl::AnyInvocable<void()> on_empty,
       absl::AnyInvocable<void(const absl::Status&)> on_gone);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void Write(absl::string_view bytes);
  bool empty() const { return queue_.empty(); }

 private:
  void Flush();
  void Gone(const absl::Status& why);

  const int fd_;
  const Blocking blocking_;
  const bool watched_;
  ByteQueue queue_;
  bool gone_ = false;
  absl::AnyInvocable<void()> on_empty_;
  absl::AnyInvocable<void(const absl::Status&)> on_gone_;
  Watch watch_;
};

class Source {
 public:
  // The end is told once, by no bytes.
  Source(EventLoop& loop, int fd,
         absl::AnyInvocable<void(absl::string_view)> on_bytes);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void Pause(bool pause);

 private:
  void Read();
  void Schedule();

  EventLoop& loop_;
  const int fd_;
  const bool watched_;
  bool paused_ = false;
  bool ended_ = false;
  absl::AnyInvocable<void(absl::string_view)> on_bytes_;
  Watch watch_;
  Timer turn_;  // of a descriptor that can't be watched
};

}  // namespace deptyr
