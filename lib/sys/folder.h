// A folder by its path, where others may have a hand in the path.
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

// The folder that holds the file at `path`, and the file's name in it; "" for a
// path that ends in a slash.
std::string FolderOf(absl::string_view path);
std::string NameIn(absl::string_view path);

// O_PATH.  A symbolic link on the way is followed only if nobody but root and
// this user can have put it there.  So a user who owns a part of the way can
// lead us to other folders of that user's, and nowhere else: nobody can move
// another user's folder to another place.  FailedPrecondition names the link.
absl::StatusOr<Fd> OpenFolder(const std::string& path);

// InvalidArgument if there is no such folder, else what OpenFolder() says.
absl::Status CheckFolder(const std::string& path);

}  // namespace deptyr
