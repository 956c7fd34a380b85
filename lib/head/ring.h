// What a session's programs wrote, the last bytes of it, by their offset in the
// session's whole stream.  The only buffer on the output side: head reads from
// the PTY straight into it, and every client writes straight out of it.
//
//   IoResult got = ReadSome(controller, ring.Space(64 << 10));
//   ring.Commit(got.bytes);
//   WriteSome(client, ring.From(cursor));
//
//        begin()                 end()
//   ........|#######################|
//   0       offsets: 64 bits, never reused
//
// Its memory is mapped twice in a row, so every span is contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/head/ring_state.h"
#include "lib/sys/mirrored_memory.h"

namespace deptyr {

class Ring {
 public:
  // `capacity` in bytes, rounded up to a power of two of at least a page.
  static absl::StatusOr<Ring> Create(size_t capacity);

  size_t capacity() const { return memory_.size(); }
  uint64_t begin() const { return end() > capacity() ? end() - capacity() : 0; }
  uint64_t end() const { return state_->end; }

  // Where the next bytes go, at most `most` (and the capacity).  What they
  // displace is gone once they are committed.
  std::span<char> Space(size_t most);
  void Commit(size_t count) { state_->end += count; }

  // The bytes from `offset`, which is in [begin(), end()], to the end.
  absl::string_view From(uint64_t offset) const;

  // The first offset from `offset` on where a reader who missed what was
  // before can start: after a newline if one is near, else at least not inside
  // a UTF-8 character.
  uint64_t SafeStart(uint64_t offset) const;

  // What is remembered beside the stream, in the same memory.
  RingState& state() { return *state_; }
  const RingState& state() const { return *state_; }
  // The record of the last incarnation; number 0 if there was none.
  IncarnationRecord& latest();
  const IncarnationRecord& latest() const;
  // A record for the next.
  IncarnationRecord& Begin();
  std::vector<IncarnationRecord> incarnations() const;  // oldest first

 private:
  explicit Ring(MirroredMemory memory);
  size_t IndexOf(uint64_t offset) const { return offset & (capacity() - 1); }

  MirroredMemory memory_;
  RingState* state_;  // in memory_'s page
};

}  // namespace deptyr
