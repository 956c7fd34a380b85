// The folder of head's log files, DIR/NAME.log, which others may be able to
// write to.
//
//   LogFolder folder;
//   RETURN_IF_ERROR(folder.Open("/var/log/deptyr"));
//   ASSIGN_OR_RETURN(const Fd file, folder.OpenFile("mc"));
//
// The folder is opened once, and a file only if nobody else can have put it
// there: a regular one of this user's, with no other name.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

class LogFolder {
 public:
  // It may be called again, for a path that leads elsewhere now.
  absl::Status Open(const std::string& path);
  bool is_open() const { return folder_.valid(); }

  // A new file has mode 0640.  `name` has no slash.
  absl::StatusOr<Fd> OpenFile(absl::string_view name) const;
  // Whether that name is still this file's.
  bool HasName(absl::string_view name, int file) const;

 private:
  std::string path_;
  Fd folder_;
};

}  // namespace deptyr
