// Makes the packets of a framed client (lib/wire/uwsgi.h).
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/wire/uwsgi.h"

namespace deptyr {

// `text` must fit into one packet.
inline std::string KeysFrame(absl::string_view text) {
  return EncodePacket(0, 0, text);
}
inline std::string SignalFrame(int number) {
  return EncodePacket(0, static_cast<uint8_t>(number), "");
}
// Makes a header whose size field is a value.
inline std::string ValueFrame(uint8_t kind, uint16_t value) {
  std::string packet = EncodePacket(0, kind, "");
  packet[1] = static_cast<char>(value & 0xff);
  packet[2] = static_cast<char>(value >> 8);
  return packet;
}
inline std::string RowsFrame(uint16_t rows) {
  return ValueFrame(100, rows);
}
inline std::string ColsFrame(uint16_t cols) {
  return ValueFrame(101, cols);
}
inline std::string SizeFrames(uint16_t rows, uint16_t cols) {
  return RowsFrame(rows) + ColsFrame(cols);
}

}  // namespace deptyr
