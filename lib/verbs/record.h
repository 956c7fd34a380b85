// deptyr record: it writes a session's stream, as an asciicast, to a file.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"
#include "lib/render/json.h"

namespace deptyr {

struct RecordOptions {
  SessionAddress where;
  std::string file;  // "" for standard output
  bool overwrite = false;
  bool once = false;
  CastVersion version = CastVersion::k2;
  // How long head may be away.
  absl::Duration wait = absl::Seconds(30);
};

// Runs until SIGINT, SIGTERM or SIGHUP; with `once`, until the program has
// ended.  Blocking.
absl::Status RunRecord(const RecordOptions& options);

}  // namespace deptyr
