// deptyr record and deptyr history: a session's stream, into a file or a pipe.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace deptyr {

struct RecordOptions {
  std::string head;     // HEAD-SOCKET; "" for where it usually is
  std::string session;  // "" for the newest
  std::string file;     // "" for standard output
  bool overwrite = false;
  bool once = false;  // end with the program
  // For how long head may be away.
  absl::Duration wait = absl::Seconds(30);
};

// Until SIGINT or SIGTERM, or the program's end.
absl::Status RunRecord(const RecordOptions& options);

struct HistoryOptions {
  std::string head;
  std::string session;
  uint64_t bytes = 0;   // the last so many; 0: all there are
  bool follow = false;  // and then what comes
  bool text = false;    // without escape sequences
  // For how long head may be away from one who follows.
  absl::Duration wait = absl::Seconds(30);
};

absl::Status RunHistory(const HistoryOptions& options);

}  // namespace deptyr
