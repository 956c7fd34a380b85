// The texts that a client shows to people: what the fields of a notice or an
// item say, and sentences of its own.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/wire/key_values.h"

namespace deptyr {

// "[deptyr: TEXT]", between the lines of a program.
std::string OwnLine(absl::string_view text);

inline constexpr char kHeadMissed[] =
    "head has gone; waiting for it to come back";

// A field's number if it is one from `least` to `most`.
std::optional<int> NumberIn(const KeyValues& fields, absl::string_view key,
                            int least, int most);
// The terminal's size that the fields tell.  A length that isn't from `least`
// to `most` becomes `least`.
WindowSize SizeIn(const KeyValues& fields, uint16_t least, uint16_t most);

// The exit status that a shell would report for a program: its own, or 128 plus
// the signal's number.  Nothing if the fields don't tell how it ended.
std::optional<int> ExitStatusOf(const KeyValues& fields);
// How a program ended, as a phrase to follow its session's name.
std::string HowOf(const KeyValues& fields);
// The error of a client that should type but hasn't the right to.
absl::Status MayNotTypeError(absl::string_view session);
// The error of a client that should type while no program runs; `state` is
// head's phrase for that.
absl::Status NotTypedError(absl::string_view session, absl::string_view state);

}  // namespace deptyr
