// Tells when a file may have lost its name: it was removed, renamed, or another
// was put in its place (inotify(7)).
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"

namespace deptyr {

class FileWatch {
 public:
  // Where the kernel allows no more of them (fs.inotify.max_user_instances), it
  // never tells.
  FileWatch(EventLoop& loop, const std::string& path,
            absl::AnyInvocable<void()> changed);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  Fd inotify_;
  absl::AnyInvocable<void()> changed_;
  Watch watch_;
};

}  // namespace deptyr
