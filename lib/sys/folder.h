// Opens a folder by a path that other users may tamper with.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

// The folder that holds the file at `path`, and the file's name in it, which is
// "" if the path ends in a slash.
std::string FolderOf(absl::string_view path);
std::string NameIn(absl::string_view path);

// The path from / on; if that can't be told, the path as it is.
std::string AbsolutePath(const std::string& path);

// Opens the folder with O_PATH.  A symbolic link on the way is followed only if
// nobody except root and this user can have put it there; otherwise
// FailedPrecondition names it.  So a user who owns a part of the way can lead
// us to that user's own folders and nowhere else.
absl::StatusOr<Fd> OpenFolder(const std::string& path);

// Makes the folder for this user alone (0700), unless it is there already; the
// one that holds it must be.
absl::Status MakeFolder(const std::string& path);

// OpenFolder()'s error, or InvalidArgument if there is no such folder.
absl::Status CheckFolder(const std::string& path);

}  // namespace deptyr
