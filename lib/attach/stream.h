// Writes a client's output to a terminal, a pipe or a file, and reads what is
// typed from one.  Other processes may share these descriptors, so they stay
// blocking or nonblocking, as they are; nothing here waits for them.
//
//   Sink sink(
//       loop, STDOUT_FILENO, Blocking::kYes, [&] { done = true; },
//       [&](const absl::Status& error) { why = error; });
//   Source source(loop, STDIN_FILENO,
//                 [&](absl::string_view bytes) { sink.Write(bytes); });
#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/base/byte_queue.h"
#include "lib/sys/event_loop.h"

namespace deptyr {

// Whether reading or writing a descriptor waits.
enum class Blocking { kYes, kNo };

class Sink {
 public:
  // `fd` stays the caller's.  `on_empty` is called when all is written;
  // `on_gone` once, with an error, or OK if nobody reads it any more.
  // `on_written` is called with the bytes that `fd` took, before `on_empty`.
  Sink(EventLoop& loop, int fd, Blocking blocking,
       absl::AnyInvocable<void()> on_empty,
       absl::AnyInvocable<void(const absl::Status&)> on_gone,
       absl::AnyInvocable<void(absl::string_view)> on_written = nullptr);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void Write(absl::string_view bytes);
  bool empty() const { return queue_.empty(); }

 private:
  void Flush();
  void Gone(const absl::Status& why);

  const int fd_;
  const bool watched_;
  const bool waits_;  // writes only when poll(2) says that it may
  ByteQueue queue_;
  bool gone_ = false;
  absl::AnyInvocable<void()> on_empty_;
  absl::AnyInvocable<void(const absl::Status&)> on_gone_;
  absl::AnyInvocable<void(absl::string_view)> on_written_;
  Watch watch_;
};

class Source {
 public:
  // At the end, `on_bytes` is called once without bytes.
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
  Timer turn_;  // reads a descriptor that can't be watched
};

}  // namespace deptyr
