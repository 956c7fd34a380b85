// deptyr snapshot: a session's screen as it is, or as a program left it.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace deptyr {

enum class SnapshotFormat {
  kText,
  kAnsi,  // lines, with their colours and attributes
  kSvg,
  kJson,
};

struct SnapshotOptions {
  std::string head;     // HEAD-SOCKET; "" for where it usually is
  std::string session;  // "" for the newest
  SnapshotFormat format = SnapshotFormat::kText;
  bool last = false;  // as the last program that ended left it
};

// A file by itself.
absl::StatusOr<std::string> TakeSnapshot(const SnapshotOptions& options);

}  // namespace deptyr
