// Opens a folder by a path that other users may tamper with.
//
//   ASSIGN_OR_RETURN(Fd folder, OpenFolder(FolderOf("/run/deptyr/head.sock")));
//   ::unlinkat(folder.get(), "head.sock", 0);
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

// Opens the folder with O_PATH.  A symbolic link on the way is followed only if
// nobody except root and this user can have put it there.  So a user who owns a
// part of the way can lead us to that user's own folders and nowhere else,
// because nobody can move another user's folder to another place.
// FailedPrecondition names the link.
absl::StatusOr<Fd> OpenFolder(const std::string& path);

// Returns InvalidArgument if there is no such folder, and else whatever
// OpenFolder() says.
absl::Status CheckFolder(const std::string& path);

}  // namespace deptyr
