// The folder of log files of ours, which others may be able to write to.
//
//   LogFolder folder;
//   RETURN_IF_ERROR(folder.Open("/var/log/deptyr"));
//   ASSIGN_OR_RETURN(const Fd file, folder.OpenFile("mc.log", 0640));
//
// The folder is opened once, and a file only if nobody else can have put it
// there: a regular one of this user's, with no other name.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"

namespace deptyr {

class LogFolder {
 public:
  // It may be called again, for a path that leads elsewhere now.
  absl::Status Open(const std::string& path);
  bool is_open() const { return folder_.valid(); }

  // Opens it to write to (AppendLine(), LogSink::ForFile()), and to look at its
  // end.  A new file has this mode.  `name` has no slash.
  absl::StatusOr<Fd> OpenFile(const std::string& name, mode_t mode) const;
  // Whether that name is still this file's.
  bool HasName(const std::string& name, int file) const;

 private:
  std::string path_;
  Fd folder_;
};

// Writes the line to the end of the file, which nobody else makes longer.
IoResult AppendLine(int file, absl::string_view line);

// Ends the file's last line with " [cut]" if that has no end, so that the next
// one begins a line of its own.  A disk that was full, or a machine that lost
// its power, may leave such a line, and then zeros, which are dropped.
void EndCutLine(int file);

}  // namespace deptyr
