#include "lib/wire/uwsgi.h"

#include "absl/strings/str_cat.h"

namespace deptyr {

std::optional<PacketHeader> PeekHeader(absl::string_view bytes) {
  if (bytes.size() < kPacketHeader) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  return PacketHeader{
      .modifier1 = byte(0),
      .size = static_cast<uint16_t>(byte(1) | byte(2) << 8),
      .modifier2 = byte(3),
  };
}

size_t PacketSize(absl::string_view bytes) {
  return kPacketHeader + PeekHeader(bytes)->size;
}

std::string EncodeHeader(uint8_t modifier1, size_t size, uint8_t modifier2) {
  return {static_cast<char>(modifier1), static_cast<char>(size & 0xff),
          static_cast<char>(size >> 8), static_cast<char>(modifier2)};
}

std::string EncodePacket(uint8_t modifier1, uint8_t modifier2,
                         absl::string_view payload) {
  return absl::StrCat(EncodeHeader(modifier1, payload.size(), modifier2),
                      payload);
}

std::optional<FramedInput> FramedDecoder::Take(absl::string_view& bytes) {
  while (!bytes.empty()) {
    if (foreign_) {
      bytes = "";
    } else if (payload_left_ > 0) {
      const FramedKeys keys{bytes.substr(0, payload_left_)};
      bytes.remove_prefix(keys.bytes.size());
      payload_left_ -= keys.bytes.size();
      if (is_typed_) return keys;
    } else if (auto input = TakeHeader(bytes)) {
      return input;
    }
  }
  return std::nullopt;
}

std::string FramedDecoder::Pending() const {
  if (payload_left_ == 0) return std::string(header_, header_size_);
  constexpr uint8_t kNothing = 255;
  return EncodeHeader(0, payload_left_, is_typed_ ? kKeys : kNothing);
}

std::optional<FramedInput> FramedDecoder::TakeHeader(absl::string_view& bytes) {
  constexpr uint8_t kLastSignal = 64;
  constexpr uint8_t kRows = 100;
  constexpr uint8_t kCols = 101;
  while (header_size_ < kPacketHeader) {
    if (bytes.empty()) return std::nullopt;
    header_[header_size_++] = bytes[0];
    bytes.remove_prefix(1);
    if (header_[0] != 0) {
      foreign_ = true;
      return FramedForeign{static_cast<uint8_t>(header_[0])};
    }
  }
  header_size_ = 0;
  const auto [modifier1, size, kind] = *PeekHeader({header_, sizeof header_});
  if (kind == kRows) return FramedRows{size};
  if (kind == kCols) return FramedCols{size};
  payload_left_ = size;
  is_typed_ = kind == kKeys;
  if (is_typed_) return std::nullopt;
  if (kind <= kLastSignal && size == 0) return FramedSignal{kind};
  return FramedOther{kind};
}

}  // namespace deptyr
