#include "lib/session/leftovers.h"

#include <array>
#include <utility>

namespace deptyr {
namespace {

constexpr absl::Duration kLeftoverTime = absl::Seconds(10);
// A program may come and go a thousand times in that time.
constexpr size_t kMostLeftovers = 16;

}  // namespace

void Leftovers::Add(EventLoop& loop, SharedFd terminal,
                    absl::AnyInvocable<void()> held_up) {
  Leftover& leftover = all_.emplace_back();
  leftover.terminal = std::move(terminal);
  leftover.held_up = std::move(held_up);
  leftover.watch = loop.Add(leftover.terminal.get(), Interest::kRead,
                            [&leftover](Ready) { Discard(leftover); });
  leftover.patience = loop.After(kLeftoverTime, [this] { all_.pop_front(); });
  if (all_.size() > kMostLeftovers) all_.pop_front();
}

void Leftovers::Discard(Leftover& leftover) {
  std::array<char, 4096> scrap;
  const IoResult got = leftover.terminal.Read(scrap);
  if (got.state == IoState::kEnd || got.state == IoState::kError ||
      got.waited) {
    leftover.watch.Set(Interest::kNone);
    leftover.terminal.Reset();
  }
  if (got.waited) leftover.held_up();
}

}  // namespace deptyr
