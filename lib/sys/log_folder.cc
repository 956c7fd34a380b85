#include "lib/sys/log_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/folder.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// A FIFO or a device that somebody put there must not hold us up.
constexpr int kForLines =
    O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

}  // namespace

absl::Status LogFolder::Open(const std::string& path) {
  ASSIGN_OR_RETURN(folder_, OpenFolder(path));
  path_ = path;
  return absl::OkStatus();
}

absl::StatusOr<Fd> LogFolder::OpenFile(const std::string& name,
                                       mode_t mode) const {
  const std::string path = absl::StrCat(path_, "/", name);
  Fd opened(::openat(folder_.get(), name.c_str(), kForLines | O_CREAT | O_EXCL,
                     mode));
  if (opened.valid()) {
    // Whatever the umask is.
    if (::fchmod(opened.get(), mode) != 0) return Errno("chmod ", path);
    return opened;
  }
  if (errno == EEXIST) {
    opened = Fd(::openat(folder_.get(), name.c_str(), kForLines));
  }
  if (!opened.valid()) return Errno("open ", path);
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0) return Errno("look at ", path);
  if (!S_ISREG(status.st_mode) || status.st_uid != OwnUid() ||
      status.st_nlink > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("open ", path,
                     ": somebody else's, no regular file, or a file that has "
                     "another name; remove it"));
  }
  return opened;
}

IoResult AppendLine(int file, absl::string_view line) {
  (void)::lseek(file, 0, SEEK_END);
  return WriteSome(file, line);
}

bool LogFolder::HasName(const std::string& name, int file) const {
  struct stat named {};
  struct stat open {};
  return ::fstatat(folder_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) ==
             0 &&
         ::fstat(file, &open) == 0 && named.st_ino == open.st_ino &&
         named.st_dev == open.st_dev;
}

}  // namespace deptyr
