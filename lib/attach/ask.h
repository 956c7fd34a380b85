// Asks head one question and takes its answer.  Blocking; don't call from an
// event loop.
//
//   ASSIGN_OR_RETURN(const std::vector<KeyValues> sessions,
//                    AskForItems("", {.what = "sessions", .fields = {}}));
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "lib/attach/connection.h"
#include "lib/wire/messages.h"

namespace deptyr {

// Sends `first` to the head at `path`, and gives each message that head sends
// to `take`, until that returns true.  A refusal that it doesn't take is an
// error, and so is a head that goes away or isn't done within `patience`: then
// head can't say anything any more, and what it did say was taken.  The
// descriptor `passed`, if there is one, goes along with `first`.
absl::Status Converse(const std::string& path, const HeadMessage& first,
                      absl::FunctionRef<bool(const HeadMessage&)> take,
                      absl::Duration patience = kAnswerPatience,
                      int passed = -1);

// `head` is HEAD-SOCKET, or "" for where head usually is.  `take` is called
// with each message of the answer: items and paints.
absl::Status AskHead(const std::string& head, Ask question,
                     absl::FunctionRef<void(const HeadMessage&)> take,
                     absl::Duration patience = kAnswerPatience);

// Returns the items of the answer.
absl::StatusOr<std::vector<KeyValues>> AskForItems(const std::string& head,
                                                   Ask question);

}  // namespace deptyr
