#pragma once

#include <string>

#include "absl/functional/any_invocable.h"

#include "lib/sys/event_loop.h"

namespace deptyr {

// Calls a function when a file may have lost its name, because it was removed
// or renamed, or another was put in its place (inotify(7)).  It never does if
// the kernel allows no more watches (fs.inotify.max_user_instances).
Watch WatchFile(EventLoop& loop, const std::string& path,
                absl::AnyInvocable<void()> changed);

}  // namespace deptyr
