// deptyr record and deptyr history: they write a session's stream to a file or
// a pipe.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"

namespace deptyr {

struct RecordOptions {
  SessionAddress where;
  std::string file;  // "" for standard output
  bool overwrite = false;
  bool once = false;
  // How long head may be away.
  absl::Duration wait = absl::Seconds(30);
};

// Runs until SIGINT, SIGTERM or SIGHUP; with `once`, until the program has
// ended.  Blocking.
absl::Status RunRecord(const RecordOptions& options);

struct HistoryOptions {
  SessionAddress where;
  size_t bytes = 0;     // only the last of them; 0: all there are
  bool follow = false;  // go on with new output
  bool text = false;    // without escape sequences
  // With `follow`, how long head may be away.
  absl::Duration wait = absl::Seconds(30);
};

absl::Status RunHistory(const HistoryOptions& options);

}  // namespace deptyr
