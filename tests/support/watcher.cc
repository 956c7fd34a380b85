#include "tests/support/watcher.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "lib/sys/io.h"

namespace deptyr {

Watcher::Watcher(EventLoop& loop) : Client(loop, SocketPair::ours.get()) {
  for (const int fd : {ours.get(), theirs.get()}) {
    if (!SetNonBlocking(fd).ok()) std::abort();
  }
  room_ = loop_.Add(ours.get(), Interest::kNone, [this](Ready) {
    if (session() != nullptr) session()->Pump(*this);
  });
  arrival_ =
      loop_.Add(theirs.get(), Interest::kRead, [this](Ready) { OnArrival(); });
}

void Watcher::Read(bool read) {
  arrival_.Set(read ? Interest::kRead : Interest::kNone);
}

void Watcher::HangUp() {
  arrival_.Reset();
  theirs.Reset();
}

bool Watcher::Heard(const std::string& event) const {
  return std::find(events_.begin(), events_.end(), event) != events_.end();
}

void Watcher::WaitForRoom(bool wait) {
  room_.Set(wait ? Interest::kWrite : Interest::kNone);
}

void Watcher::OnChange(Change::Kind change) {
  if (change == Change::kStarted) events_.emplace_back("started");
  if (change != Change::kEnded) return;
  events_.push_back(session()->State());
  ring_end_at_end_ = session()->ring().end();
}

void Watcher::OnArrival() {
  std::array<char, 65536> room{};
  const IoResult got = ReadSome(theirs.get(), room);
  text_.append(room.data(), got.bytes);
  if (got.state == IoState::kEnd) arrival_.Set(Interest::kNone);
}

}  // namespace deptyr
