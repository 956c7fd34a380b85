#include "lib/session/ring.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/base/step.h"
#include "lib/base/utf8.h"
#include "lib/sys/random.h"

namespace deptyr {

#ifdef DEPTYR_FAULT_POINTS
void FaultPoint();  // tests/session/ring_crash_test.cc: may not return
#else
void FaultPoint() {}
#endif

namespace {

constexpr char kClear = '\xff';
// How far ahead is cleared for a session that writes little, so that a page is
// touched only when it is needed.
constexpr size_t kLeastAhead = 4096;
// The most that a PTY has ready (N_TTY_BUF_SIZE - 1, drivers/tty/n_tty.c): a
// read gives that in a flood, and more where the PTY is filled meanwhile.
constexpr size_t kMostInPty = 4095;
// The share of the capacity that is cleared ahead at most.
constexpr size_t kAheadShare = 16;

// Whoever has this memory next sees this store before everything that is
// written after it.
void Store(uint64_t& field, uint64_t value) {
  FaultPoint();
  std::atomic_ref(field).store(value, std::memory_order_release);
  FaultPoint();
}

absl::Status CheckVersion(const RingState& state) {
  if (state.magic != RingState::kMagic) {
    return absl::InvalidArgumentError("it does not begin as a ring does");
  }
  if (state.version > kRingVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("its format is ", state.version,
                     ", and this deptyr knows none after ", kRingVersion));
  }
  return absl::OkStatus();
}

// More than any program will ever write, and small enough that sums with it
// don't overflow.
constexpr uint64_t kFarthest = uint64_t{1} << 62;

// Only the last of the records and of the modes are checked: others may be half
// written.
absl::Status Check(const RingState& state, size_t capacity) {
  RETURN_IF_ERROR(CheckVersion(state));
  if (state.capacity != capacity || state.displaced > state.end ||
      state.end > state.cleared || state.cleared - state.displaced > capacity ||
      state.cleared > kFarthest || state.resized > state.end) {
    return absl::InvalidArgumentError("its offsets contradict each other");
  }
  const IncarnationRecord& latest =
      state.records[state.incarnations % kMostIncarnations];
  if (latest.number != state.incarnations || latest.begin > state.end) {
    return absl::InvalidArgumentError(
        "what it says of its last program contradicts itself");
  }
  const ModesRecord& modes =
      state.modes[state.modes_written % state.modes.size()];
  if (modes.size > modes.text.size() || modes.offset > state.end) {
    return absl::InvalidArgumentError("the modes it holds have no end");
  }
  if (!absl::c_linear_search(state.name, '\0') ||
      !absl::c_linear_search(state.command, '\0') ||
      !absl::c_linear_search(state.exec_failure, '\0')) {
    return absl::InvalidArgumentError("a text in it has no end");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Ring> Ring::Create(size_t capacity) {
  ASSIGN_OR_RETURN(MirroredMemory memory, MirroredMemory::Create(capacity));
  auto* const state = new (memory.page()) RingState;
  state->size = sizeof(RingState);
  state->capacity = memory.size();
  state->stream = RandomNumber();
  return Ring(std::move(memory), state);
}

absl::StatusOr<Ring> Ring::Adopt(Fd memfd) {
  ASSIGN_OR_RETURN(MirroredMemory memory,
                   MirroredMemory::Adopt(std::move(memfd)));
  auto* const state = reinterpret_cast<RingState*>(memory.page());
  RETURN_IF_ERROR(Check(*state, memory.size()));
  Ring ring(std::move(memory), state);
  ring.Recover();
  return ring;
}

absl::Status Ring::CheckFormat(Fd memfd) {
  ASSIGN_OR_RETURN(const MirroredMemory memory,
                   MirroredMemory::Adopt(std::move(memfd)));
  const auto* const state = reinterpret_cast<const RingState*>(memory.page());
  return CheckVersion(*state);
}

Ring::Ring(MirroredMemory memory, RingState* state)
    : memory_(std::move(memory)),
      state_(state),
      ahead_(std::min(kLeastAhead, capacity() / kAheadShare)) {}

void Ring::Recover() {
  const absl::string_view room(memory_.data() + IndexOf(end()),
                               static_cast<size_t>(state_->cleared - end()));
  const size_t last = room.find_last_not_of(kClear);
  if (last != absl::string_view::npos) Store(state_->end, end() + last + 1);
  STEP(state_->name.data(), "recovered", end(), state_->cleared);
}

std::span<char> Ring::Space(size_t most) {
  const uint64_t left = state_->cleared - end();
  if (left < std::min(most, ahead_ / 4)) {
    ClearTo(end() + std::min(most, ahead_));
  }
  return {memory_.data() + IndexOf(end()),
          std::min(most, static_cast<size_t>(state_->cleared - end()))};
}

void Ring::ClearTo(uint64_t offset) {
  const uint64_t from = state_->cleared;
  if (offset > capacity()) {
    Store(state_->displaced, offset - capacity());
    STEP(state_->name.data(), "displaced", begin());
  }
  std::memset(memory_.data() + IndexOf(from), kClear,
              static_cast<size_t>(offset - from));
  Store(state_->cleared, offset);
  STEP(state_->name.data(), "cleared", offset);
}

void Ring::Commit(size_t count) {
  // How far to clear ahead follows what reads give, up to what floods need.
  const uint64_t room = state_->cleared - end();
  if (count == room || count >= kMostInPty) {
    ahead_ = std::min(ahead_ * 2, capacity() / kAheadShare);
  } else if (count < ahead_ / 16) {
    ahead_ =
        std::max(ahead_ / 2, std::min(kLeastAhead, capacity() / kAheadShare));
  }
  Store(state_->end, end() + count);
  STEP(state_->name.data(), "committed", end());
}

const IncarnationRecord& Ring::latest() const {
  return state_->records[state_->incarnations % kMostIncarnations];
}

IncarnationRecord& Ring::latest() {
  return state_->records[state_->incarnations % kMostIncarnations];
}

IncarnationRecord& Ring::Begin(IncarnationRecord first) {
  first.number = state_->incarnations + 1;
  first.begin = end();
  state_->records[first.number % kMostIncarnations] = first;
  Store(state_->incarnations, first.number);
  STEP(state_->name.data(), "began", first.number, first.begin);
  return latest();
}

std::vector<IncarnationRecord> Ring::incarnations() const {
  std::vector<IncarnationRecord> all;
  const uint64_t last = state_->incarnations;
  const uint64_t known = std::min<uint64_t>(last, kMostIncarnations);
  for (uint64_t number = last - known + 1; number <= last; ++number) {
    all.push_back(state_->records[number % kMostIncarnations]);
  }
  return all;
}

uint64_t Ring::history_start() const {
  const uint64_t start = latest().begin;
  return start >= begin() ? start : SafeStart(begin());
}

// It is written beside the one before, which counts until this one is whole.
void Ring::RecordModes(uint64_t offset, absl::string_view text) {
  const uint64_t number = state_->modes_written + 1;
  ModesRecord& record = state_->modes[number % state_->modes.size()];
  if (text.size() > record.text.size()) return;
  record.offset = offset;
  record.size = static_cast<uint16_t>(text.size());
  text.copy(record.text.data(), text.size());
  Store(state_->modes_written, number);
}

const ModesRecord& Ring::modes() const {
  return state_->modes[state_->modes_written % state_->modes.size()];
}

absl::string_view Ring::From(uint64_t offset) const {
  return {memory_.data() + IndexOf(offset),
          static_cast<size_t>(end() - offset)};
}

uint64_t Ring::SafeStart(uint64_t offset) const {
  constexpr size_t kNear = 4096;
  offset = std::max(offset, begin());
  if (offset == 0) return 0;
  const absl::string_view near = From(offset).substr(0, kNear);
  const size_t newline = near.find('\n');
  if (newline != absl::string_view::npos) return offset + newline + 1;
  const auto* start =
      std::find_if_not(near.begin(), near.end(), IsUtf8Continuation);
  return offset + static_cast<uint64_t>(start - near.begin());
}

}  // namespace deptyr
