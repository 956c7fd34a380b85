// The memory of a session beside its stream, in the first page of the ring's
// memfd.  So all of a session is in its descriptors, and whoever gets them (the
// next head) has its memory.
//
// The layout is frozen for a version: fields are only added, at the end.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

#include "lib/sys/process.h"

namespace deptyr {

// How a run of a program stands.  The numbers are frozen.
enum class Outcome : uint8_t {
  kRuns = 0,
  kExited = 1,      // with `value`
  kSignalled = 2,   // by `value`
  kUnknown = 3,     // only its supervisor was told
  kReplaced = 4,    // by another, while it ran
  kNotExecuted = 5  // RingState::exec_failure says why
};

// An incarnation is one run of a program.  Offsets are in the session's stream,
// times are milliseconds since 1970.
struct IncarnationRecord {
  uint64_t number = 0;  // from 1 on; 0: there is none
  uint64_t begin = 0;   // of what it wrote
  uint64_t end = 0;     // once it has ended
  int64_t started = 0;
  int64_t ended = 0;  // 0: it runs
  int32_t pid = 0;
  uint16_t rows = 0;  // the last it had
  uint16_t cols = 0;
  int32_t value = 0;
  Outcome outcome = Outcome::kRuns;
  uint8_t adopted = 0;  // 1: it ran before head had its terminal
  std::array<uint8_t, 2> unused = {};
};

inline constexpr uint32_t kRingVersion = 1;
// The ring remembers this many of the last incarnations.
inline constexpr size_t kMostIncarnations = 16;

// The modes of the terminal at an offset (lib/term/digest.h): with them, a
// reader who has lost the bytes before can go on from there.
struct ModesRecord {
  uint64_t offset = 0;
  uint16_t size = 0;  // of `text`
  std::array<uint8_t, 6> unused = {};
  std::array<char, 784> text = {};  // escape sequences
};

struct RingState {
  static constexpr std::array<char, 8> kMagic = {'d', 'e', 'p',  't',
                                                 'y', 'r', '\r', '\n'};
  std::array<char, 8> magic = kMagic;
  uint32_t version = kRingVersion;
  uint32_t size = 0;  // of this structure
  uint64_t capacity = 0;
  uint64_t stream = 0;  // which it is: chosen at random, not 0
  // Offsets of the stream.  Their order, and what a crash between two writes
  // leaves, is in ring.h.
  uint64_t end = 0;        // where the next byte goes
  uint64_t displaced = 0;  // nothing before this is there any more
  uint64_t cleared = 0;    // from `end` to here all is kClear

  uint32_t owner = 0;  // uid
  uint16_t rows = 0;   // of the terminal, now
  uint16_t cols = 0;
  uint64_t resized = 0;  // the offset when they last changed
  // NUL-terminated.
  std::array<char, 72> name = {};           // of the session
  std::array<char, 256> command = {};       // of the last program, for people
  std::array<char, 512> exec_failure = {};  // of the last program

  uint64_t incarnations = 0;                                 // there have been
  std::array<IncarnationRecord, kMostIncarnations> records;  // by number
  uint64_t modes_written = 0;  // the last is modes[modes_written % 2]
  std::array<ModesRecord, 2> modes;
  // How many clients will come back by themselves when head goes away.
  uint32_t clients = 0;
  // Policies of the session's own, as OwnPolicy() reads them.
  uint8_t size_policy = 0;    // sizing.h
  uint8_t writer_policy = 0;  // writer.h
  std::array<uint8_t, 2> unused = {};
};
static_assert(std::is_trivially_copyable_v<RingState>);
static_assert(sizeof(IncarnationRecord) == 56);
static_assert(sizeof(RingState) <= 4096);

// A policy is written as its number, from 1 on; 0 is none, and so is one that
// isn't among the `count` of this version.
template <typename Policy>
std::optional<Policy> OwnPolicy(uint8_t number, size_t count) {
  if (number == 0 || number > count) return std::nullopt;
  return static_cast<Policy>(number - 1);
}
template <typename Policy>
uint8_t NumberOf(std::optional<Policy> policy) {
  if (!policy) return 0;
  return static_cast<uint8_t>(static_cast<uint8_t>(*policy) + 1);
}

// Copies as much of `text` as there is room for, and ends it with a NUL.
template <size_t size>
void CopyText(absl::string_view text, std::array<char, size>& room) {
  room = {};
  text.copy(room.data(), room.size() - 1);
}

// How a program has ended: nothing if nobody knows.
std::optional<ExitStatus> StatusOf(const IncarnationRecord& record);
// "ended: exit status 3", for people.
std::string Describe(const IncarnationRecord& record,
                     absl::string_view exec_failure);

}  // namespace deptyr
