#include "lib/sys/log_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"
#include "lib/sys/folder.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

// A FIFO or a device that somebody put there must not hold us up.
constexpr int kForLines =
    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// A file system leaves no more zeros than one of its blocks has.
constexpr off_t kLargestBlock = 64 << 10;

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
  IoResult wrote = WriteSome(file, line);
  if (wrote.bytes == 0 || wrote.bytes == line.size()) return wrote;
  // The rest finds no room, either, and errno says why.
  wrote.bytes += WriteSome(file, line.substr(wrote.bytes)).bytes;
  return wrote;
}

void EndCutLine(int file) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  const off_t from = std::max<off_t>(size - kLargestBlock, 0);
  std::string end(static_cast<size_t>(size - from), '\0');
  const ssize_t got =
      TEMP_FAILURE_RETRY(::pread(file, end.data(), end.size(), from));
  if (got <= 0 || static_cast<size_t>(got) != end.size()) return;
  const size_t last = end.find_last_not_of('\0');
  const size_t left = last == std::string::npos ? 0 : last + 1;
  if (left < end.size() &&
      ::ftruncate(file, from + static_cast<off_t>(left)) != 0) {
    return;
  }
  if (left > 0 && end[last] != '\n') (void)AppendLine(file, " [cut]\n");
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
