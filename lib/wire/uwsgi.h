// The uwsgi packet, the only framing there is:
//
//   byte 0      1..2                     3           4...
//   modifier1   size (little-endian)     modifier2   payload
//
// Two dialects share the header.  On the head socket (lib/wire/messages.h)
// modifier1 is kDeptyr, modifier2 the kind of message, and the payload always
// follows.  A client of a uwsgi-framed socket speaks what uWSGI's own pty
// client speaks to its forkpty router (plugins/forkptyrouter/forkptyrouter.c of
// uWSGI 2.0).  There modifier1 is 0; a packet with another one doesn't come
// from such a client, and nothing after it is decoded:
//
//   modifier2   size              means
//   0           of the payload    keystrokes
//   1..64       0                 that signal, for the program; with a payload
//                                 it is garbage, and no signal
//   100, 101    the value         rows, columns; no payload
//   others      of a payload      nothing
//
// Pure: bytes in, values out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"

namespace deptyr {

inline constexpr size_t kPacketHeader = 4;
inline constexpr size_t kLongestPayload = 65535;

struct PacketHeader {
  uint8_t modifier1;
  uint16_t size;
  uint8_t modifier2;
};

// Returns the first four bytes of `bytes`, or nothing if there are fewer.
std::optional<PacketHeader> PeekHeader(absl::string_view bytes);

// Returns the size of the packet that `bytes` begin with, including its header,
// which has to be there whole.
size_t PacketSize(absl::string_view bytes);

// `size` and a `payload` are at most kLongestPayload.
std::string EncodeHeader(uint8_t modifier1, size_t size, uint8_t modifier2);
// A header and `payload`.
std::string EncodePacket(uint8_t modifier1, uint8_t modifier2,
                         absl::string_view payload);

// The inputs of a framed client.
struct FramedKeys {
  absl::string_view bytes;  // a view of the input, maybe a piece of a payload
};
struct FramedRows {
  uint16_t rows;
};
struct FramedCols {
  uint16_t cols;
};
struct FramedSignal {
  int number;  // 1 to 64
};
struct FramedOther {
  uint8_t modifier2;
};
// The packet isn't a client's.  This input comes once, and nothing comes after
// it.
struct FramedForeign {
  uint8_t modifier1;
};
using FramedInput = std::variant<FramedKeys, FramedRows, FramedCols,
                                 FramedSignal, FramedOther, FramedForeign>;

// Decodes a client's stream, however it was cut into reads.  It holds no
// payload, only how much of one is still to come: a packet of 65535 bytes needs
// no more room than one of 1.
//
//   while (auto input = decoder.Take(bytes)) ...
class FramedDecoder {
 public:
  // Takes the next input off the front of `bytes`, or returns nothing when they
  // are used up.
  std::optional<FramedInput> Take(absl::string_view& bytes);

  // Bytes that bring a new decoder to the state of this one.
  std::string Pending() const;

 private:
  static constexpr uint8_t kKeys = 0;  // modifier2

  std::optional<FramedInput> TakeHeader(absl::string_view& bytes);

  char header_[kPacketHeader] = {};
  size_t header_size_ = 0;
  size_t payload_left_ = 0;
  bool is_typed_ = false;  // the payload is keystrokes
  bool foreign_ = false;
};

}  // namespace deptyr
