// Pairs that were decoded are encoded to the very block that they came from.

#include <cstddef>
#include <cstdint>

#include "lib/wire/key_values.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const absl::string_view block(reinterpret_cast<const char*>(bytes), size);
  const auto pairs = deptyr::DecodeKeyValues(block);
  deptyr::Expect(!pairs.ok() || deptyr::EncodeKeyValues(*pairs) == block);
  return 0;
}
