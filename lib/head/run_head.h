// The program that deptyr head is: a Head in its loop, with its signals and
// perhaps a terminal, until it ends.
#pragma once

#include "absl/status/status.h"

#include "lib/head/head_options.h"

namespace deptyr {

// OK once head has ended as it was told to.  A program that was started in an
// upgrade takes the place of the one before, or, if it was only to be tried,
// returns at once.
//
//   SIGTERM, SIGINT, ...  head ends
//   SIGHUP                the same with a terminal; without, head makes its
//                         socket's file again if it has gone
//   SIGUSR2               an upgrade
absl::Status RunHead(HeadOptions options);

}  // namespace deptyr
