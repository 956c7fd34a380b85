// The texts that a client shows to people: what the fields of a notice or an
// item say, and sentences of its own.  Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "lib/base/window_size.h"
#include "lib/wire/key_values.h"
#include "lib/wire/messages.h"

namespace deptyr {

// "[deptyr: TEXT]", between the lines of a program.
std::string OwnLine(absl::string_view text);

inline constexpr char kHeadMissed[] =
    "head has gone; waiting for it to come back";

// The terminal's size that the fields tell.  A length that isn't from `least`
// to `most` becomes `least`.
WindowSize SizeIn(const KeyValues& fields, uint16_t least, uint16_t most);

// The exit status that a shell would report for a program: its own, or 128 plus
// the signal's number.  Nothing if the fields don't tell how it ended.
std::optional<int> ExitStatusOf(const KeyValues& fields);
// How long `deptyr ended` may take to tell what the kernel couldn't, and what
// is said if it hasn't.
inline constexpr absl::Duration kStatusPatience = absl::Seconds(5);
inline constexpr char kNobodyReported[] =
    ", and nobody reported its status; have its supervisor call deptyr ended, "
    "see deptyr-ended(1)";
// How a program ended, as a phrase to follow its session's name.
std::string HowOf(const KeyValues& fields);
// An error if a client that should type hasn't the right to or, where a program
// `must_run`, none does.
absl::Status CheckTyping(const Attached& attached, bool must_run);

}  // namespace deptyr
