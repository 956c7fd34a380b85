#include "lib/wire/key_values.h"

#include <cstdint>
#include <optional>

namespace deptyr {
namespace {

void AppendSized(std::string& block, absl::string_view text) {
  block.push_back(static_cast<char>(text.size() & 0xff));
  block.push_back(static_cast<char>(text.size() >> 8));
  block.append(text.data(), text.size());
}

std::optional<absl::string_view> TakeSized(absl::string_view& block) {
  if (block.size() < 2) return std::nullopt;
  const size_t size = static_cast<uint8_t>(block[0]) |
                      static_cast<size_t>(static_cast<uint8_t>(block[1])) << 8;
  if (block.size() - 2 < size) return std::nullopt;
  const absl::string_view text = block.substr(2, size);
  block.remove_prefix(2 + size);
  return text;
}

}  // namespace

std::string EncodeKeyValues(const KeyValues& pairs) {
  std::string block;
  for (const auto& [key, value] : pairs) {
    AppendSized(block, key);
    AppendSized(block, value);
  }
  return block;
}

absl::StatusOr<KeyValues> DecodeKeyValues(absl::string_view block) {
  KeyValues pairs;
  while (!block.empty()) {
    const auto key = TakeSized(block);
    const auto value = key ? TakeSized(block) : std::nullopt;
    if (!value) {
      return absl::InvalidArgumentError("a key/value block ends inside a pair");
    }
    pairs.emplace_back(*key, *value);
  }
  return pairs;
}

absl::string_view ValueOf(const KeyValues& pairs, absl::string_view key) {
  for (const auto& [name, value] : pairs) {
    if (name == key) return value;
  }
  return "";
}

}  // namespace deptyr
