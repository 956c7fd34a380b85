// deptyr snapshot: a session's screen as it is, or as a program left it.
#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

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

// Gives `show` the picture, and another one after each change of the screen, at
// most twenty a second, until that returns false.  Fails when head goes away.
absl::Status WatchSnapshots(const SnapshotOptions& options,
                            absl::FunctionRef<bool(absl::string_view)> show);

// A renderer: a line that changes when what the screen shows does.
std::string SnapshotHash(const Screen& screen, const KeyValues& item);

}  // namespace deptyr
