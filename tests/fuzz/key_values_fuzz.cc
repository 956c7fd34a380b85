// A block that can be decoded is the one that its pairs encode to.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/wire/key_values.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const absl::string_view block(reinterpret_cast<const char*>(bytes), size);
  const auto pairs = deptyr::DecodeKeyValues(block);
  if (pairs.ok() && deptyr::EncodeKeyValues(*pairs) != block) std::abort();
  return 0;
}
