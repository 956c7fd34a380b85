// deptyr history: it prints what head remembers of a session, and goes on with
// what comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "lib/attach/session_address.h"

namespace deptyr {

struct HistoryOptions {
  SessionAddress where;
  // Only the last of them; nothing: all there are.
  std::optional<size_t> bytes = {};
  std::optional<size_t> lines = {};
  // Offsets of the stream, where it begins and ends; nothing: where the history
  // does.
  std::optional<uint64_t> from = {};
  std::optional<uint64_t> until = {};
  bool follow = false;  // go on with new output
  bool text = false;    // the lines that the terminal showed
  // How long to wait for the session and, with `follow`, for a head that went
  // away; nothing: not for the session, and 30 s for a head.
  std::optional<absl::Duration> wait = {};
};

// Runs until everything is printed; with `follow`, until SIGINT, SIGTERM or
// SIGHUP.  Blocking.
absl::Status RunHistory(const HistoryOptions& wanted);

}  // namespace deptyr
