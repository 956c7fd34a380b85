// uwsgi's key/value block (uwsgi protocol, "uwsgi vars"): for each pair
//
//   u16 size, key, u16 size, value      (sizes little-endian)
//
//   KeyValues pairs = {{"name", "build"}, {"rows", "24"}};
//   std::string block = EncodeKeyValues(pairs);
//
// Keys a reader doesn't know are skipped by it: that is how a version grows.
// Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace deptyr {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

// No key or value may be longer than 65535 bytes.
std::string EncodeKeyValues(const KeyValues& pairs);

// An error (InvalidArgument) for a block that is cut anywhere.
absl::StatusOr<KeyValues> DecodeKeyValues(absl::string_view block);

// The value of the first `key`, or "".
absl::string_view ValueOf(const KeyValues& pairs, absl::string_view key);

}  // namespace deptyr
