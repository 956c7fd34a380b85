// What fuzzers do with a head that runs in their process.
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

// Rows or columns of a screen that is painted fast; 0 is none.
inline uint16_t SomeSide(Input& input) {
  return static_cast<uint16_t>(input.Choice(40));
}

// Turns until there is nothing to do but wait; one that has always more to do
// is a finding.
void Settle(EventLoop& loop);
// Turns until it holds; that it doesn't within seconds is a finding.
void TurnUntil(EventLoop& loop, absl::FunctionRef<bool()> predicate);

// What can be read now, at most `most`.
std::string ReadAll(int fd, size_t most = SIZE_MAX);
// The messages of head that are whole, taken off `inbox`; something else is a
// finding.
std::vector<HeadMessage> TakeMessages(std::string& inbox);

// Asks, and gives the last word of the answer, which there has to be.
HeadMessage AskHead(EventLoop& loop, const std::string& socket,
                    const Ask& question);
// Head answers for itself and for each session, with the screen, unless those
// who are there are as many as may be.
void ExpectAnswers(EventLoop& loop, Head& head);

size_t CountDescriptors();

// Of this process, and gone with it.
const std::string& Folder();

}  // namespace deptyr
