// What the fields of a notice or an item say.  Pure.
#pragma once

#include <optional>
#include <string>

#include "lib/wire/key_values.h"

namespace deptyr {

// Where the fields tell how a program ended: what a shell would make of it, its
// status, or 128 and the signal's number.
std::optional<int> ExitStatusOf(const KeyValues& fields);
// A phrase for people that goes on after a session's name.
std::string HowOf(const KeyValues& fields);

}  // namespace deptyr
