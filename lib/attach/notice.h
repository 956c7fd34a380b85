// What a client tells people: what the fields of a notice or an item say, and
// sentences of its own.  Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/wire/key_values.h"

namespace deptyr {

// "[deptyr: TEXT]", between the lines of a program.
std::string OwnLine(absl::string_view text);

inline constexpr char kHeadMissed[] =
    "head has gone; waiting for it to come back";

// The status a shell would make of the end of a program, where the fields tell
// how it ended: its own, or 128 and the signal's number.
std::optional<int> ExitStatusOf(const KeyValues& fields);
// How a program ended, a phrase that goes on after its session's name.
std::string HowOf(const KeyValues& fields);
// The error of a client that was to type, and hasn't the right to.
absl::Status MayNotTypeError(absl::string_view session);
// The error of a client that was to type while no program runs; `state` is
// head's phrase for that.
absl::Status NotTypedError(absl::string_view session, absl::string_view state);

}  // namespace deptyr
