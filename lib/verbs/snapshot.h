// deptyr snapshot: a session's screen as it is, or as a program left it.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "lib/attach/session_address.h"
#include "lib/render/formats.h"

namespace deptyr {

struct SnapshotOptions {
  SessionAddress where;
  SnapshotRenderer render = kSnapshotFormats[0].value;
  bool last = false;  // the screen that the last program to end left
};

// The picture, a whole file.
absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options);

}  // namespace deptyr
