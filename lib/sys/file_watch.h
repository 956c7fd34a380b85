// Calls a function when a file may have lost its name, because it was removed
// or renamed, or another was put in its place (inotify(7)).
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"

#include "lib/sys/event_loop.h"
#include "lib/sys/fd.h"

namespace deptyr {

class FileWatch {
 public:
  // Never calls `changed` if the kernel allows no more watches
  // (fs.inotify.max_user_instances).
  FileWatch(EventLoop& loop, const std::string& path,
            absl::AnyInvocable<void()> changed);
  FileWatch(FileWatch&&) = delete;

 private:
  Fd inotify_;
  absl::AnyInvocable<void()> changed_;
  Watch watch_;
};

}  // namespace deptyr
