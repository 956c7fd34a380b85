#include "lib/attach/stream.h"

#include <array>
#include <utility>

#include "lib/base/status.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

// A pipe that poll(2) says is writable takes PIPE_BUF bytes without blocking,
// pipe(7), and so do the other kinds.
constexpr size_t kSafeWrite = 4096;

}  // namespace

Sink::Sink(EventLoop& loop, int fd, Blocking blocking,
           absl::AnyInvocable<void()> on_empty,
           absl::AnyInvocable<void(const absl::Status&)> on_gone,
           absl::AnyInvocable<void(absl::string_view)> on_written)
    : fd_(fd),
      watched_(CanBeWatched(fd)),
      waits_(watched_ && blocking == Blocking::kYes),
      queue_(0),
      on_empty_(std::move(on_empty)),
      on_gone_(std::move(on_gone)),
      on_written_(std::move(on_written)) {
  if (watched_) {
    watch_ = loop.Add(fd, Interest::kNone, [this](Ready) { Flush(); });
  }
}

void Sink::Write(absl::string_view bytes) {
  if (gone_ || bytes.empty()) return;
  const bool was_empty = queue_.empty();
  queue_.Append(bytes);
  if (!waits_ && was_empty) Flush();
  while (!watched_ && !empty()) Flush();
  if (watched_ && !empty()) watch_.Set(Interest::kWrite);
}

void Sink::Flush() {
  const size_t most = waits_ ? kSafeWrite : absl::string_view::npos;
  const IoResult wrote = WriteSome(fd_, queue_.bytes().substr(0, most));
  if (wrote.state == IoState::kError) return Gone(Errno("write the output"));
  if (wrote.state == IoState::kEnd) return Gone(absl::OkStatus());
  if (on_written_) on_written_(queue_.bytes().substr(0, wrote.bytes));
  queue_.Consume(wrote.bytes);
  if (!empty()) return;
  if (watched_) watch_.Set(Interest::kNone);
  on_empty_();
}

void Sink::Gone(const absl::Status& why) {
  gone_ = true;
  queue_.Clear();
  watch_.Reset();
  on_gone_(why);
}

Source::Source(EventLoop& loop, int fd,
               absl::AnyInvocable<void(absl::string_view)> on_bytes)
    : loop_(loop),
      fd_(fd),
      watched_(CanBeWatched(fd)),
      on_bytes_(std::move(on_bytes)) {
  if (watched_) {
    watch_ = loop.Add(fd, Interest::kRead, [this](Ready) { Read(); });
  } else {
    Schedule();
  }
}

void Source::Schedule() {
  turn_ = loop_.After(absl::ZeroDuration(), [this] {
    Read();
    if (!ended_ && !paused_) Schedule();
  });
}

void Source::Pause(bool pause) {
  if (ended_ || paused_ == pause) return;
  paused_ = pause;
  if (watched_) {
    watch_.Set(paused_ ? Interest::kNone : Interest::kRead);
  } else if (!paused_ && !turn_.pending()) {
    Schedule();
  }
}

void Source::Read() {
  std::array<char, 16384> room;
  const IoResult got = ReadSome(fd_, room);
  if (got.state == IoState::kWouldBlock) return;
  if (got.state != IoState::kDone) {
    ended_ = true;
    watch_.Reset();
    on_bytes_("");
    return;
  }
  on_bytes_({room.data(), got.bytes});
}

}  // namespace deptyr
