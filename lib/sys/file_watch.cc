#include "lib/sys/file_watch.h"

#include <sys/inotify.h>

#include <array>

#include "lib/sys/io.h"

namespace deptyr {

FileWatch::FileWatch(EventLoop& loop, const std::string& path,
                     absl::AnyInvocable<void()> changed)
    : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      changed_(std::move(changed)) {
  // Removing the name of an open socket doesn't delete it, but changes its
  // number of links, which counts as an attribute.
  if (!inotify_.valid() ||
      ::inotify_add_watch(inotify_.get(), path.c_str(),
                          IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) < 0) {
    return;
  }
  watch_ = loop.Add(inotify_.get(), Interest::kRead, [this](Ready) {
    std::array<char, 4096> events;
    while (ReadSome(inotify_.get(), events).state == IoState::kDone) {
    }
    changed_();
  });
}

}  // namespace deptyr
