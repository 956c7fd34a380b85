// The last bytes that a session's programs wrote, by their offset in the
// session's whole stream.  It is the only buffer on the output side: head reads
// from the PTY straight into it, and every client writes straight out of it.
//
//   IoResult got = ReadSome(controller, ring.Space(64 << 10));
//   ring.Commit(got.bytes);
//   WriteSome(connection, ring.From(cursor));
//
//        begin()                 end()
//   ........|#######################|
//   0       offsets: 64 bits, never reused
//
// Its memory is mapped twice in a row, so every span is contiguous.
//
// It may outlive its process, which may end at any instruction.  Bytes that
// read(2) has put into the ring must not be lost because it hasn't said yet how
// many they are.  So the place of the next read is filled with kClear, a byte
// that no UTF-8 text has: the last byte there that differs from it is the last
// that was read.
//
//        begin()                 end()    cleared
//   ........|#######################|-------|........
//
// The writes come in this order, each before the next (release):
//
//   1. displaced   what the clearing takes is gone for every reader;
//   2. the bytes   kClear, from the old `cleared` on;
//   3. cleared     from here on Adopt() looks at them;
//   4. read(2)     into [end, cleared);
//   5. end         the bytes count.
//
// Killed before 3, nothing was read; between 3 and 5, Adopt() finds what was.
// If the program's own bytes at the end of just that read are 0xff, they count
// as not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/session/ring_state.h"
#include "lib/sys/fd.h"
#include "lib/sys/mirrored_memory.h"

namespace deptyr {

class Ring {
 public:
  // `capacity` in bytes, rounded up to a power of two of at least a page.
  static absl::StatusOr<Ring> Create(size_t capacity);
  // Takes over the ring in this memfd from a process that has ended or handed
  // it over.  FailedPrecondition if its format is newer than ours,
  // InvalidArgument if it is not a ring.
  static absl::StatusOr<Ring> Adopt(Fd memfd);

  // Whether Adopt() would take it.  The ring may be in use: nothing is changed,
  // and offsets aren't compared, since they move.
  static absl::Status CheckFormat(Fd memfd);

  // It holds as many bytes as its capacity, less the room for the next read,
  // which is a sixteenth at most.
  size_t capacity() const { return memory_.size(); }
  uint64_t begin() const { return state_->displaced; }
  uint64_t end() const { return state_->end; }
  int fd() const { return memory_.fd(); }

  // The room for the next bytes, at most `most` of them and at least one.  The
  // bytes that they displace are gone.
  std::span<char> Space(size_t most);
  void Commit(size_t count);

  // The bytes from `offset`, which is in [begin(), end()], to the end.
  absl::string_view From(uint64_t offset) const;

  // The first offset from `offset` on where a reader can start who missed the
  // bytes before: after a newline if one is near, otherwise at least not inside
  // a UTF-8 character.
  uint64_t SafeStart(uint64_t offset) const;

  // The session's notes beside the stream, in the same memory.
  RingState& state() { return *state_; }
  const RingState& state() const { return *state_; }
  // The record of the last incarnation; number 0 if there was none.
  IncarnationRecord& latest();
  const IncarnationRecord& latest() const;
  // The next incarnation begins here and now; its number and offset are filled
  // in.  After a crash its record is there as a whole, or not at all.
  IncarnationRecord& Begin(IncarnationRecord first);
  std::vector<IncarnationRecord> incarnations() const;  // oldest first

  // From this offset on the ring has what the present (or last) program wrote:
  // from its first byte, or from the first line that is still whole.
  uint64_t history_start() const;
  // Whether that history makes the screen as it is: it is all there, and was
  // written for the size that the terminal has now.
  bool history_makes_screen() const {
    return latest().begin >= begin() && state_->resized <= latest().begin;
  }

  // The terminal's modes in force at an offset; modes() are the last recorded.
  void RecordModes(uint64_t offset, absl::string_view text);
  const ModesRecord& modes() const;

 private:
  Ring(MirroredMemory memory, RingState* state);
  void ClearTo(uint64_t offset);
  void Recover();
  size_t IndexOf(uint64_t offset) const { return offset & (capacity() - 1); }

  MirroredMemory memory_;
  RingState* state_;  // in memory_'s page
  size_t ahead_;      // how far the next read's room is cleared
};

}  // namespace deptyr
