#include "lib/sys/file_watch.h"

#include <sys/inotify.h>

#include <array>

#include "lib/sys/io.h"

namespace deptyr {

Watch WatchFile(EventLoop& loop, const std::string& path,
                absl::AnyInvocable<void()> changed) {
  Fd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  const int fd = inotify.get();
  // Removing the name of an open socket doesn't delete it, but changes its
  // number of links, which counts as an attribute.
  constexpr uint32_t kEvents = IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
  if (::inotify_add_watch(fd, path.c_str(), kEvents) < 0) return Watch();
  return loop.Add(
      fd, Interest::kRead,
      [inotify = std::move(inotify),
       changed = std::move(changed)](Ready) mutable {
        std::array<char, 4096> events;
        while (ReadSome(inotify.get(), events).state == IoState::kDone) {
        }
        changed();
      });
}

}  // namespace deptyr
