// What the fields of a notice or an item say, and other words for people. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/wire/key_values.h"

namespace deptyr {

// Where the fields tell how a program ended: what a shell would make of it, its
// status, or 128 and the signal's number.
std::optional<int> ExitStatusOf(const KeyValues& fields);
// A phrase for people that goes on after a session's name.
std::string HowOf(const KeyValues& fields);
// Why nothing was typed, by whom head doesn't let type.
absl::Status MayNotType(absl::string_view session);

}  // namespace deptyr
