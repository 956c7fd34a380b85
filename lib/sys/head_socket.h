// Where head's socket is if nobody names it.  There is one rule for head and
// for everybody who looks for it: $DEPTYR_SOCKET, else the socket in
// $XDG_RUNTIME_DIR/deptyr, else the one in /run/deptyr.
//
//   const std::string path = HeadSocket("");  // where head is, or may come
//   const std::string own = UsualHeadSockets().front();  // where to listen
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace deptyr {

// The paths that the rule allows here, at least one.  A head whose socket isn't
// named listens at the first of them.
std::vector<std::string> UsualHeadSockets();

// Returns `named`, unless that is empty; else the first of the usual paths that
// is a socket, or the first of all while none is.
std::string HeadSocket(const std::string& named);

// Says that the head at `path` has been silent for `waited`, and, if systemd
// holds its socket, where to look then.  `connection` leads there.
std::string NoAnswer(int connection, const std::string& path,
                     absl::Duration waited);

}  // namespace deptyr
