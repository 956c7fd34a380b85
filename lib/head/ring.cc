#include "lib/head/ring.h"

#include <algorithm>
#include <new>
#include <utility>

#include "lib/base/status.h"

namespace deptyr {

absl::StatusOr<Ring> Ring::Create(size_t capacity) {
  ASSIGN_OR_RETURN(MirroredMemory memory, MirroredMemory::Create(capacity));
  return Ring(std::move(memory));
}

Ring::Ring(MirroredMemory memory)
    : memory_(std::move(memory)), state_(new (memory_.page()) RingState) {
  state_->size = sizeof(RingState);
  state_->capacity = memory_.size();
}

const IncarnationRecord& Ring::latest() const {
  return state_->records[state_->incarnations % kMostIncarnations];
}

IncarnationRecord& Ring::latest() {
  return state_->records[state_->incarnations % kMostIncarnations];
}

IncarnationRecord& Ring::Begin() {
  ++state_->incarnations;
  return latest() = {.number = state_->incarnations, .begin = end()};
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

std::span<char> Ring::Space(size_t most) {
  return {memory_.data() + IndexOf(end()), std::min(most, capacity())};
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
  const auto starts_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  };
  const auto* start = std::find_if(near.begin(), near.end(), starts_character);
  return offset + static_cast<uint64_t>(start - near.begin());
}

}  // namespace deptyr
