// Helps fuzzers with a head that runs in their process.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

#include "lib/head/head.h"
#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"
#include "lib/wire/messages.h"
#include "tests/fuzz/input.h"

namespace deptyr {

// Returns rows or columns of a screen that is painted fast; 0 is none.
inline uint16_t SomeSide(Input& input) {
  return static_cast<uint16_t>(input.Choice(40));
}

// Runs turns until there is nothing to do but wait; a loop that always has more
// to do is a finding.
void Settle(EventLoop& loop);
// Runs turns until the predicate holds; it is a finding if it doesn't within
// seconds.
void TurnUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate);

// Returns what can be read now, at most `most` bytes.
std::string ReadAll(int fd, size_t most = SIZE_MAX);
// Takes head's complete messages off `inbox`; anything else is a finding.
std::vector<HeadMessage> TakeMessages(std::string& inbox);

// Asks, and returns the last message of the answer, which must be there.
HeadMessage AskHead(EventLoop& loop, const std::string& socket,
                    const Ask& question);
// Expects that head answers for itself and for each session, with the screen,
// unless there are as many clients as may be.
void ExpectAnswers(EventLoop& loop, Head& head);

size_t CountDescriptors();
size_t CountThreads();
// Waits until there are no more than so many: each closes a descriptor
// (lib/sys/slow_closer.h).
void AwaitThreads(size_t count);

// A folder of this process, which goes with it.
const std::string& Folder();

}  // namespace deptyr
