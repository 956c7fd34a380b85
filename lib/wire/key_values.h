// uwsgi's key/value block (uwsgi protocol, "uwsgi vars"): for each pair
//
//   u16 size, key, u16 size, value      (sizes little-endian)
//
//   KeyValues pairs = {{"name", "build"}, {"rows", "24"}};
//   std::string block = EncodeKeyValues(pairs);
//
// A reader skips the keys that it doesn't know, so a version can grow.  Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// No key or value may have more than 65535 bytes.
std::string EncodeKeyValues(const KeyValues& pairs);

// Fails with InvalidArgument if the block ends inside a pair.
absl::StatusOr<KeyValues> DecodeKeyValues(absl::string_view block);

// Returns the value of the first `key`, or "".
absl::string_view ValueOf(const KeyValues& pairs, absl::string_view key);

}  // namespace deptyr
