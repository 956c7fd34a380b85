#include "lib/sys/folder.h"

#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/status.h"
#include "lib/sys/process.h"

namespace deptyr {
namespace {

constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC;
constexpr int kMostLinks = 40;  // path_resolution(7)

// Whether nobody else can have put this link into this folder: by making it, by
// moving it there, or by giving one of root's links a second name.
bool IsOurs(const struct stat& folder, const struct stat& link) {
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  const bool shared =
      (folder.st_mode & kOthersWrite) != 0 && (folder.st_mode & S_ISVTX) == 0;
  return IsTrusted(folder.st_uid) && !shared && IsTrusted(link.st_uid) &&
         link.st_nlink == 1;
}

}  // namespace

std::string FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string NameIn(absl::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute;
}

absl::StatusOr<Fd> OpenFolder(const std::string& path) {
  const auto start = [](absl::string_view from) {
    return Fd(::open(absl::StartsWith(from, "/") ? "/" : ".", kFolder));
  };
  const auto failed = [&path] {
    const bool missing = errno == ENOENT;
    const absl::Status why = Errno("open the folder ", path);
    return missing ? absl::UnavailableError(
                         absl::StrCat(why.message(), "; make it first"))
                   : why;
  };
  Fd here = start(path);
  std::vector<std::string> names = absl::StrSplit(path, '/', absl::SkipEmpty());
  for (int links = 0; !names.empty();) {
    const std::string name = std::move(names.front());
    names.erase(names.begin());
    Fd next(
        ::openat(here.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat folder {};
    struct stat file {};
    if (!next.valid() || ::fstat(here.get(), &folder) != 0 ||
        ::fstat(next.get(), &file) != 0) {
      return failed();
    }
    if (!S_ISLNK(file.st_mode)) {
      here = std::move(next);
      continue;
    }
    if (!IsOurs(folder, file)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "open the folder ", path, ": the symbolic link ", name,
          " on the way may be another user's; name the folder it leads to"));
    }
    std::array<char, PATH_MAX> target;
    const ssize_t size =
        ::readlinkat(next.get(), "", target.data(), target.size());
    if (++links > kMostLinks) errno = ELOOP;
    if (size < 0 || links > kMostLinks) return failed();
    const absl::string_view text(target.data(), static_cast<size_t>(size));
    if (absl::StartsWith(text, "/")) here = start(text);
    const std::vector<std::string> more =
        absl::StrSplit(text, '/', absl::SkipEmpty());
    names.insert(names.begin(), more.begin(), more.end());
  }
  struct stat file {};
  if (::fstat(here.get(), &file) == 0 && S_ISDIR(file.st_mode)) return here;
  errno = ENOTDIR;
  return failed();
}

absl::Status MakeFolder(const std::string& path) {
  ASSIGN_OR_RETURN(const Fd parent, OpenFolder(FolderOf(path)));
  if (::mkdirat(parent.get(), NameIn(path).c_str(), S_IRWXU) == 0 ||
      errno == EEXIST) {
    return absl::OkStatus();
  }
  return Errno("make the folder ", path);
}

absl::Status CheckFolder(const std::string& path) {
  struct stat file {};
  const bool known = ::stat(path.c_str(), &file) == 0;
  if (known && S_ISDIR(file.st_mode)) return OpenFolder(path).status();
  if (!known && errno != ENOENT && errno != ENOTDIR) {
    return Errno("look at ", path);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no such folder: ", path, "; make it first"));
}

}  // namespace deptyr
