#include "lib/session/drain.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "lib/base/step.h"
#include "lib/sys/io.h"

namespace deptyr {
namespace {

constexpr size_t kLargestRead = 64 << 10;
// Writing to so many takes longer than to gather what is written.
constexpr size_t kManyClients = 4;
// A session floods after so many consecutive turns that read much.
constexpr int kFloodTurns = 8;
// How long another session's keystroke may have to wait for a flood.
constexpr Clock::duration kLongestTurn = std::chrono::microseconds(100);
constexpr Clock::duration kTurnPerClient = std::chrono::microseconds(2);
// The longest turn while no other descriptor is ready, which is looked at again
// during the turn.
constexpr Clock::duration kLongestTurnAlone = std::chrono::microseconds(300);
// Beside other floods the next turn comes soon: what is gathered until then is
// written at once, for less than each alone.
constexpr size_t kGathered = 32 << 10;
constexpr absl::Duration kLongestGathering = absl::Milliseconds(5);
// More than a PTY can hold, which is some 18 KiB.
constexpr size_t kMostUnread = 64 << 10;

}  // namespace

void Drain::Begin() {
  closed_ = drained_ = false;
  read_since_end_ = 0;
}

bool Drain::Turn(const SharedFd& terminal, Watch& watch, bool program_ended) {
  const size_t clients = audience_.clients().size();
  const bool many = clients >= kManyClients;
  Clock::time_point end = Clock::now();
  end += many ? kLongestTurn + static_cast<int64_t>(clients) * kTurnPerClient
              : kLongestTurnAlone;
  held_up_ = false;
  size_t room = audience_.RoomToRead();
  size_t got = 0;
  size_t all = 0;
  do {
    got = Read(terminal, room, program_ended);
    all += got;
    room = audience_.RoomToRead();
  } while ((many || loop_.Alone()) && room >= kSmallestRead &&
           busy_poll_.MoreAfter(got, terminal.get(), many) &&
           Clock::now() < end);
  const bool much = all >= BusyPoll::kFlood;
  flood_turns_ = much ? std::min(flood_turns_ + 1, kFloodTurns) : 0;
  watch.SetFlood(flood_turns_ == kFloodTurns);
  // Whether what was read had better wait for what the next turn reads.
  const bool gathers = flood_turns_ == kFloodTurns && !many && clients > 0 &&
                       room >= kSmallestRead &&
                       ring_.capacity() - room < kGathered && !loop_.Alone();
  gathers ? audience_.PumpWithin(kLongestGathering) : audience_.PumpThisTurn();
  return !held_up_;
}

bool Drain::ReadAll(const SharedFd& terminal) {
  held_up_ = false;
  for (size_t all = 0; all < kMostUnread && !drained_;) {
    const size_t got = Read(terminal, kLargestRead, /*program_ended=*/true);
    if (got == 0) break;
    all += got;
    if (audience_.RoomToRead() < kLargestRead) audience_.PumpAll();
  }
  return !held_up_;
}

size_t Drain::Read(const SharedFd& terminal, size_t room, bool program_ended) {
  if (room == 0) return 0;  // a read of nothing would look like the end
  room = std::min(room, kLargestRead);
  audience_.KeepPackets(room);
  const IoResult got = terminal.Read(ring_.Space(room));
  if (got.waited) {
    held_up_ = true;
    return 0;
  }
  if (got.state != IoState::kDone) {
    closed_ = got.state != IoState::kWouldBlock;
    drained_ = program_ended;
    STEP(ring_.state().name.data(), "nothing", closed_, drained_);
    return 0;
  }
  closed_ = false;
  STEP(ring_.state().name.data(), "read", got.bytes);
  ring_.Commit(got.bytes);
  for (Observer* observer : observers_) observer->OnOutput();
  if (program_ended) read_since_end_ += static_cast<uint32_t>(got.bytes);
  if (read_since_end_ > kMostUnread) drained_ = true;
  return got.bytes;
}

}  // namespace deptyr
