// One question to head, and its answer.
//
//   RETURN_IF_ERROR(AskHead(where, {.what = "sessions"}, [&](const auto& said)
//   {
//     if (const auto* item = std::get_if<Item>(&said)) ...
//   }));
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/wire/messages.h"

namespace deptyr {

// How long head may take to answer.
inline constexpr absl::Duration kAnswerPatience = absl::Seconds(10);

// `head` is HEAD-SOCKET, or "" for where head usually is.  `take` is given what
// head answers, items and paints, up to its end.
absl::Status AskHead(const std::string& head, Ask question,
                     absl::FunctionRef<void(const HeadMessage&)> take,
                     absl::Duration patience = kAnswerPatience);

// The items of the answer.
absl::StatusOr<std::vector<KeyValues>> AskForItems(const std::string& head,
                                                   Ask question);

}  // namespace deptyr
