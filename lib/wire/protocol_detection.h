// Which protocol a new connection to a client socket speaks, by the first bytes
// that it sends.
//
// Such a socket takes whatever comes, so what a stray or a hostile peer sends
// would be typed into a program.  Three beginnings are known not to be a
// client's: head's own protocol (deptyr ls, given the wrong socket), and at TCP
// HTTP, TLS and WebRTC, which a page in anybody's browser can be made to send
// to a port of this machine (DNS rebinding and web sockets begin the same way).
// Pure.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace deptyr {

enum class Protocol {
  kUndecided,  // it depends on what follows
  kClient,
  kHead,     // a message of lib/wire/messages.h that begins with its version
  kBrowser,  // only looked for `over_tcp`
};

// `beginning` is all that came so far; nobody asks again once it is decided.
// However a message, a request by one of HTTP's own methods, or one of the
// other two is cut, it is found.  A request by a method that the page made up
// is found if its first piece goes beyond the method, as what browsers send
// does: else it looks like any command.  Little that people or scripts type is
// undecided for longer than a few bytes, and nothing for longer than
// kLongestBeginning.
inline constexpr size_t kLongestBeginning = 8 << 10;
Protocol DetectProtocol(absl::string_view beginning, bool over_tcp);

}  // namespace deptyr
