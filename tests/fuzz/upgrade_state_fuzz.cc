// A program that takes over from a head is given its state.  A valid state can
// be encoded again, and anything else is refused.

#include <cstddef>
#include <cstdint>

#include "lib/wire/upgrade_state.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const absl::string_view given(reinterpret_cast<const char*>(bytes), size);
  const auto state = deptyr::Decode(given);
  if (!state.ok()) return 0;
  const auto again = deptyr::Decode(deptyr::Encode(*state));
  deptyr::Expect(again.ok() && *again == *state);
  (void)deptyr::DescriptorsOf(*state);
  return 0;
}
