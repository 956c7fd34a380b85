// Tells which protocol a new connection to a client socket speaks, by the first
// bytes that it sends.
//
// Such a socket takes any bytes, so a stray or hostile peer could type into a
// program.  Some beginnings are known not to be a client's: head's own protocol
// (deptyr ls, given the wrong socket) and, over TCP, those of HTTP, TLS and
// WebRTC, which a page in anybody's browser can send to a port of this machine
// (DNS rebinding and web sockets begin the same way).  Pure.
//
//   switch (DetectProtocol(received, over_tcp)) ...
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace deptyr {

enum class Protocol {
  kUndecided,  // more bytes have to come
  kClient,
  kHead,     // a message of lib/wire/messages.h that begins with its version
  kBrowser,  // looked for only `over_tcp`
};

// `beginning` is all that has come so far.  Don't ask again once it is decided.
// A message, a request by one of HTTP's own methods, TLS and WebRTC are found
// however they are cut into reads.  A request by a method that the page made up
// is found if its first piece goes beyond the method, as it does when a browser
// sends it; a shorter piece looks like any command.  Few texts that people or
// scripts type are undecided for longer than a few bytes, and none for longer
// than kLongestBeginning.
inline constexpr size_t kLongestBeginning = 8 << 10;
Protocol DetectProtocol(absl::string_view beginning, bool over_tcp);

}  // namespace deptyr
